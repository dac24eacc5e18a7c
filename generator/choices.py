"""Writes what may be chosen in queries and orders: a tuple of words for each that has a few."""

from collections.abc import Iterator

from generator.description import Operation, Schema, find_operations, name_parameter, resolve
from generator.text import HEAD

_INTRODUCTION = f'''\
"""What may be chosen in queries and orders of the API. {HEAD}

Each name is that of the operation, and of its parameter or of the field of its order.
"""
'''


def write(described: Schema) -> str:
    """Return the module, not formatted."""
    schemas = described["components"]["schemas"]
    lines = [_INTRODUCTION]
    for operation in find_operations(described):
        for name, schema in _given(operation, schemas):
            # An empty word stands for no choice: who leaves it out says the same.
            words = tuple(word for word in find_words(schema, schemas) if word)
            if len(words) > 1:
                lines.append(f"{operation.name.upper()}_{name_parameter(name).upper()} = {words!r}")
    return "\n".join(lines) + "\n"


def find_words(schema: Schema, schemas: Schema) -> Iterator[str]:
    """Yield the words that a value, or each value in a list, may be; none if others are allowed."""
    match resolve(schema, schemas):
        case {"x-open": True}:
            pass
        case {"enum": values}:
            yield from (value for value in values if isinstance(value, str))
        case {"const": str(value)}:
            yield value
        case {"anyOf": choices}:
            for choice in choices:
                yield from find_words(choice, schemas)
        case {"type": "array", "items": items}:
            yield from find_words(items, schemas)


def _given(operation: Operation, schemas: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the name and the schema of each parameter in the query and each field of the order."""
    for one in operation.parameters("query"):
        yield one["name"], one["schema"]
    if operation.body is not None:
        yield from resolve(operation.body, schemas).get("properties", {}).items()
