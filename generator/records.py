"""Writes the types of the API's answers: a TypedDict for each, an alias for choices.

They are a stub: cli/client/generated/records.py says why.
"""

import keyword
from collections.abc import Iterator

from generator.description import (
    Schema,
    annotate,
    find_names,
    find_operations,
    order_names,
)
from generator.text import HEAD, docstring

_INTRODUCTION = f'''\
"""What the API answers, as its description says. {HEAD}

Fields that a newer framework adds are in an answer all the same: `--json` prints it as it came.
"""

from typing import Any, Literal, NotRequired, TypedDict
'''


def write(described: Schema) -> str:
    """Return the module, not formatted."""
    schemas = described["components"]["schemas"]
    wanted = [
        name
        for operation in find_operations(described)
        for name in find_names(operation.answers("application/json"))
    ]
    lines = [_INTRODUCTION]
    for name in order_names(wanted, schemas):
        lines += ["", *_declare(name, schemas[name])]
    return "\n".join(lines) + "\n"


def _declare(name: str, schema: Schema) -> Iterator[str]:
    if "properties" not in schema:
        yield f"{name} = {annotate(schema)}"
        return
    needed = schema.get("required", ())
    fields = {
        field: annotate(inner) if field in needed else f"NotRequired[{annotate(inner)}]"
        for field, inner in schema["properties"].items()
    }
    said = docstring(schema.get("description", f"{name}."))
    if any(keyword.iskeyword(field) for field in fields):
        rows = ", ".join(f'"{field}": {kind}' for field, kind in fields.items())
        yield from (f'{name} = TypedDict("{name}", {{{rows}}})', said)
        return
    yield from (f"class {name}(TypedDict):", f"    {said}", "")
    yield from (f"    {field}: {kind}" for field, kind in fields.items())
