"""Files in which people write what is more than options can say."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from prevs import names


def read_fields(text: str) -> Mapping[str, Any]:
    """Return what a FILE in TOML or JSON has. Raises click.UsageError if it is neither form."""
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        json.dumps(found, allow_nan=False, default=_refuse)
    except ValueError as error:
        raise click.UsageError(f"FILE is not TOML, nor JSON: {error}.") from None
    fields: Mapping[str, Any] = found
    return fields


def with_label(table: Any) -> Any:
    """Return a table with the label of the branch or tag that its `label` names.

    What is no table, or has no text there, is left to the API.
    """
    label = table.get("label") if isinstance(table, dict) else None
    return {**table, "label": names.slug(label)} if label and isinstance(label, str) else table


def _refuse(value: object) -> NoReturn:
    """Refuse what TOML has and JSON has not: a date or a time."""
    raise click.UsageError(f'FILE has {value} without quotation marks. Write "{value}".')
