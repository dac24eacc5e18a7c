"""What somebody writes about stacks, as /docs shows it. The models check types.

framework.stacks.written_stack and framework.stacks.variants have the rules and their messages.
"""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from framework.http_api.gates.gate_orders import LABEL
from framework.http_api.http.examples import order_example
from framework.stacks.variants import LONGEST_REF
from framework.stacks.written_stack import LONGEST_NAME, MOST_MEMBERS

ALL = "all"
"""In place of the members that have an instance of their own."""
_NAME: dict[str, Any] = {**LABEL, "maxLength": LONGEST_NAME}
_APP: dict[str, Any] = {**LABEL, "maxLength": 40}

Name = Annotated[
    str, Path(description="A stack's name.", examples=["shop"], json_schema_extra=_NAME)
]
VariantName = Annotated[
    str,
    Path(description="A variant's name.", examples=["feature-x"], json_schema_extra=LABEL),
]
DryRun = Annotated[
    bool, Query(description="Only answer what would be, with all mistakes. Nothing changes.")
]


class MemberOrder(BaseModel):
    """An app of a stack."""

    model_config = order_example({"app": "hello", "label": "main"})

    app: str = Field(json_schema_extra=_APP)
    label: str | None = Field(
        default=None,
        description="The label that it is usually at; null: that of its main branch.",
        json_schema_extra={"anyOf": [{"type": "string", **LABEL}, {"type": "null"}]},
    )


class StackOrder(BaseModel):
    """A stack as a whole."""

    model_config = order_example({"entry": "web", "members": {"web": {"app": "hello"}}})

    entry: str = Field(description="The member at which visitors begin.", json_schema_extra=_NAME)
    members: dict[str, MemberOrder] = Field(
        description="The apps, by the name that the others know them by.",
        json_schema_extra={"minProperties": 1, "maxProperties": MOST_MEMBERS},
    )


class VariantOrder(BaseModel):
    """Which variant to open."""

    model_config = order_example({"ref": "main", "own": ["web"]})

    ref: str = Field(
        description="A branch or tag: each member whose repository has it is at it, and all others "
        "as usual. If none has it, it is only a name.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_REF},
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels for members, whatever the branch is."
    )
    own: list[str] = Field(
        default_factory=list,
        description=f"Members with an instance of their own, changed or not. `{ALL}`: all of them.",
    )
