"""Examples in the models of the API, which /docs shows."""

from typing import Any

from pydantic import ConfigDict

SHA = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"
TASK_ID = f"hello.{SHA}.0a1b2c3d4e"


def example(value: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a model for answers. Its first use completes it.

    A program never uses most of them, and to complete all took 40 ms of its start. Any thread may
    be the first: pydantic 2.14 locks.
    """
    return ConfigDict(defer_build=True, json_schema_extra={"examples": [value]})


def order_example(value: dict[str, Any], more: dict[str, Any] | None = None) -> ConfigDict:
    """Return the configuration of a model for requests: no unknown fields, no conversions.

    `more` is added to its JSON schema, for rules that fields cannot express.
    """
    extra = {"examples": [value], **(more or {})}
    return ConfigDict(extra="forbid", strict=True, json_schema_extra=extra)
