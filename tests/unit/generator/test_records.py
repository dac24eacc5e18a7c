"""What is written of a description, and what is told when a file is not that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator import records
from generator.__main__ import find_stale
from generator.description import Schema, annotate
from generator.text import docstring, form

TEXT: Schema = {"type": "string"}
NOTHING: Schema = {"type": "null"}
STATE: Schema = {"$ref": "#/components/schemas/State"}


def describe(schemas: Mapping[str, Any], answer: str) -> Schema:
    """Return a description of one call, and of another that is for proxies."""

    def call(operation: str, schema: str, scope: str = "read") -> Mapping[str, Any]:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
        security = [{"HTTPBearer": [scope]}]
        responses = {"200": {"content": content}}
        return {"operationId": operation, "security": security, "responses": responses}

    paths = {
        "/v1/things": {"get": call("list_things", answer)},
        "/v1/uses": {"post": call("report", "Use", "proxy")},
        "/healthz": {"get": call("show_health", "Probe")},
    }
    return {"paths": paths, "components": {"schemas": schemas}}


@pytest.mark.parametrize(
    ("schema", "annotation"),
    [
        (TEXT, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({}, "Any"),
        (STATE, "State"),
        ({"anyOf": [NOTHING, TEXT]}, "str | None"),
        ({"oneOf": [STATE, TEXT, TEXT]}, "State | str"),
        ({"type": "array", "items": {"anyOf": [TEXT, NOTHING]}}, "list[str | None]"),
        ({"type": "object", "additionalProperties": STATE}, "dict[str, State]"),
        ({"type": "object"}, "dict[str, Any]"),
        ({"type": "string", "enum": ["on", "off"]}, 'Literal["on", "off"]'),
        ({"type": "string", "enum": ["on", "off"], "x-open": True}, "str"),
        ({"type": "string", "const": "on"}, 'Literal["on"]'),
    ],
)
def test_each_kind_of_schema_has_its_annotation(schema: Schema, annotation: str) -> None:
    assert annotate(schema) == annotation


def test_an_object_is_a_typed_dict_after_its_parts_and_only_what_commands_meet_is_there() -> None:
    schemas: Mapping[str, Any] = {
        "Thing": {
            "description": "A thing.\n\nMore of it.",
            "properties": {"state": STATE, "why": {"anyOf": [TEXT, NOTHING]}},
            "required": ["state"],
        },
        "State": {"type": "string", "enum": ["on", "off"]},
        "Test": {"description": "A test.", "properties": {"is": TEXT}, "required": ["is"]},
        "Things": {
            "description": "Things.",
            "properties": {
                "things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                "test": {"$ref": "#/components/schemas/Test"},
            },
            "required": ["things", "test"],
        },
        "Use": {"properties": {}},
        "Probe": {"properties": {}},
    }
    written = form("records.pyi", records.write(describe(schemas, "Things")))
    assert (
        written.partition("TypedDict\n\n")[2]
        == '''\
Test = TypedDict("Test", {"is": str})
"""A test."""

State = Literal["on", "off"]

class Thing(TypedDict):
    """A thing."""

    state: State
    why: NotRequired[str | None]

class Things(TypedDict):
    """Things."""

    things: list[Thing]
    test: Test
'''
    )


def test_a_docstring_is_the_first_paragraph_on_lines_of_a_hundred() -> None:
    assert docstring("Does it.\nNow.\n\nNeeds the scope `use`.") == '"""Does it. Now."""'
    long = docstring("word " * 40 + "\n\nMore.")
    assert long.startswith('"""word word')
    assert long.endswith('\n    """')
    assert max(map(len, long.splitlines())) <= 100


def test_a_file_that_is_missing_or_another_is_stale(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("1")
    (tmp_path / "other").write_text("1")
    made = {"same": "1", "other": "2", "missing": "3"}
    assert [path.name for path in find_stale(made, tmp_path)] == ["other", "missing"]
