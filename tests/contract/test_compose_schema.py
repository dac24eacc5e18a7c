"""The reader of compose files and the schema that Docker publishes in its own program."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.apps.description.check import check
from prevs.records import AppRecord
from tests.fakes.trees import Tree

UNKNOWN = re.compile(r"is no key of a compose file|is not known; did you mean")
pytestmark = [pytest.mark.contract, pytest.mark.daemons]


def _find_schema() -> dict[str, Any]:
    """Return compose-spec.json, which Docker Compose 2 has in its program as a text."""
    program = shutil.which("docker-compose")
    assert program, "make packages-test installs it"
    data = Path(program).resolve().read_bytes()
    for found in re.finditer(rb'\{\s*"\$schema"', data):
        text = data[found.start() : found.start() + 400_000].decode(errors="replace")
        schema: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
        if schema.get("$id") == "compose_spec.json":
            return schema
    raise AssertionError("no compose_spec.json is in docker-compose")


class _Examples:
    """Examples of what a schema describes: each property of it, however deep, once."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._definitions = schema["definitions"]

    def each(self, part: dict[str, Any]) -> Iterator[Any]:
        """Yield values that fulfil a part of the schema, one for each form and property."""
        if "$ref" in part:
            yield from self.each(self._definitions[part["$ref"].rpartition("/")[2]])
        elif forms := part.get("oneOf") or part.get("anyOf"):
            for form in forms:
                yield from self.each(form)
        elif "enum" in part:
            yield part["enum"][0]
        else:
            yield from self._each_typed(part)

    def _each_typed(self, part: dict[str, Any]) -> Iterator[Any]:
        kinds = part.get("type", "object")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if kind == "object":
            yield from self._each_object(part)
        elif kind == "array":
            yield from ([item] for item in self.each(part.get("items", {"type": "string"})))
        else:
            yield {"boolean": True, "string": "1", "null": None}.get(kind, 1)

    def _each_object(self, part: dict[str, Any]) -> Iterator[Any]:
        own, named = part.get("properties", {}), part.get("patternProperties", {})
        required = [name for name in part.get("required", ()) if name in own]
        needed = {name: next(self.each(own[name])) for name in required}
        yield needed
        for name, below in own.items():
            yield from ({**needed, name: value} for value in self.each(below))
        for form, below in named.items():
            if form != "^x-":
                yield from ({**needed, "NAME": value} for value in self.each(below))


def _each_file(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    examples = _Examples(schema)
    service = schema["definitions"]["service"]
    for name, part in service["properties"].items():
        for value in examples.each(part):
            one = {"build": ".", "ports": ["8000"], name: value}
            yield f"service {name}", {"services": {"web": one}}
    for name, part in schema["properties"].items():
        if name != "services":
            for value in examples.each(part):
                yield name, {"services": {"web": {"build": "."}}, name: value}


def _find_unknown(file: dict[str, Any]) -> list[str]:
    texts = {"compose.yaml": json.dumps(file), ".prevs.toml": 'compose = "compose.yaml"\n'}
    found = check(Tree({**texts, "Dockerfile": "FROM scratch\n"}), AppRecord("shop", "file:///x"))
    assert found.unknown is None
    return [one.message for one in found.mistakes if UNKNOWN.search(one.message)]


def test_each_key_of_compose_is_known() -> None:
    files = list(_each_file(_find_schema()))
    assert len(files) > 250
    unknown = {name: messages for name, file in files if (messages := _find_unknown(file))}
    assert not unknown


def test_what_compose_does_not_have_is_said() -> None:
    keys = ({"frob": 1}, {"healthcheck": {"tset": ["CMD", "a"]}}, {"build": {"frob": 1}})
    for key in keys:
        assert _find_unknown({"services": {"web": {"build": ".", **key}}})
