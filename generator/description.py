"""The part of the API's OpenAPI that the command line calls, and its types in Python."""

import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

_KINDS = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_REFERENCE = "#/components/schemas/"


class Operation(NamedTuple):
    """An operation of the API; `detail` is what the description says about it."""

    method: str
    path: str
    detail: Schema

    @property
    def name(self) -> str:
        """Its operationId."""
        return str(self.detail["operationId"])

    @property
    def body(self) -> Schema | None:
        """The schema of its body, None if it takes none."""
        content = self.detail.get("requestBody", {}).get("content", {})
        found: Schema | None = content.get("application/json", {}).get("schema")
        return found

    def parameters(self, place: str) -> list[Schema]:
        """Return those in the path, the query or a header."""
        return [one for one in self.detail.get("parameters", ()) if one["in"] == place]

    def answers(self, kind: str) -> list[Schema]:
        """Return the schemas of its answers of a media type, without refusals."""
        contents = [
            answer.get("content", {})
            for status, answer in self.detail["responses"].items()
            if status < "300"
        ]
        return [content[kind]["schema"] for content in contents if kind in content]


def find_operations(described: Schema) -> list[Operation]:
    """Return the operations that have a command: those below /v1, without those of proxies."""
    return [
        Operation(method.upper(), path, detail)
        for path, methods in described["paths"].items()
        for method, detail in methods.items()
        if path.startswith("/v1/") and not is_of_proxies(detail)
    ]


def is_of_proxies(detail: Schema) -> bool:
    """Return whether proxies alone make a call, by the scope that it needs."""
    return any("proxy" in scopes for one in detail.get("security", ()) for scopes in one.values())


def annotate(*schemas: Schema) -> str:
    """Return the annotation of a value that one of these describes."""
    kinds = dict.fromkeys(kind for schema in schemas for kind in _kinds(schema))
    return " | ".join(sorted(kinds, key=lambda kind: kind == "None"))


def find_names(part: object) -> Iterator[str]:
    """Yield the names of the schemas to which a part of the description refers itself."""
    match part:
        case {"$ref": str(reference)}:
            yield reference.removeprefix(_REFERENCE)
        case Mapping():
            for inner in part.values():
                yield from find_names(inner)
        case list():
            for inner in part:
                yield from find_names(inner)


def resolve(schema: Schema, schemas: Schema) -> Schema:
    """Return what a schema describes itself: the one that it refers to, if it does."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REFERENCE)]
    return schema


def order_names(wanted: Iterable[str], schemas: Schema) -> list[str]:
    """Return these schemas and those they are made of, each after its parts. None has itself."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in found:
            for part in sorted(set(find_names(schemas[name]))):
                add(part)
            found[name] = None

    for name in sorted(set(wanted)):
        add(name)
    return list(found)


def name_parameter(name: str) -> str:
    """Return the name that a parameter has in Python."""
    plain = re.sub(r"\W", "_", name).lower()
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def _kinds(schema: Schema) -> Iterator[str]:
    match schema:
        case {"$ref": str(reference)}:
            yield reference.removeprefix(_REFERENCE)
        case {"anyOf": choices} | {"oneOf": choices} if "properties" not in schema:
            for choice in choices:
                yield from _kinds(choice)
        case {"enum": _, "x-open": True, "type": kind}:
            yield _KINDS[kind]
        case {"enum": values}:
            yield f"Literal[{', '.join(json.dumps(value) for value in values)}]"
        case {"const": value}:
            yield f"Literal[{json.dumps(value)}]"
        case {"type": "array"}:
            yield f"list[{annotate(schema.get('items', {}))}]"
        case {"type": "object", "additionalProperties": Mapping() as inner}:
            yield f"dict[str, {annotate(inner)}]"
        case {"type": "object"}:
            yield "dict[str, Any]"
        case {"type": kind}:
            yield _KINDS[kind]
        case _:
            yield "Any"
