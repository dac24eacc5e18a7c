"""The method that is written for each kind of operation."""

from collections.abc import Mapping
from typing import Any

from generator import calls
from generator.description import Schema

_TEXT: Schema = {"type": "string"}
_THING: Schema = {"$ref": "#/components/schemas/Thing"}
_THINGS: Schema = {"$ref": "#/components/schemas/Things"}
_SCHEMAS: Schema = {
    "Thing": {"description": "A thing.", "properties": {"name": _TEXT}, "required": ["name"]},
    "Things": {
        "description": "Things.",
        "properties": {"things": {"type": "array", "items": _THING}, "next": _TEXT},
        "required": ["things", "next"],
    },
}


def write(
    method: str, path: str, answers: Mapping[str, Schema], *given: Schema, **detail: Any
) -> str:
    """Return the methods for one operation, `act_thing`, on one line."""
    content = {kind: {"schema": schema} for kind, schema in answers.items()}
    places = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": _TEXT}
        for part in path.split("/")
        if part.startswith("{")
    ]
    described = {
        "operationId": "act_thing",
        "description": "Do it.",
        "parameters": [*places, *given],
        "responses": {"200": {"content": content}, **detail.pop("refused", {})},
        **detail,
    }
    written = calls.write(
        {"paths": {path: {method: described}}, "components": {"schemas": _SCHEMAS}}
    )
    return " ".join(written.partition("    def ")[2].split())


def takes(name: str, place: str, schema: Schema = _TEXT, *, required: bool = False) -> Schema:
    """Return a parameter."""
    return {"name": name, "in": place, "schema": schema, "required": required}


def test_an_answer_in_json_has_its_type_and_the_parts_of_the_path_are_quoted() -> None:
    assert write("get", "/v1/things/{name}", {"application/json": _THING}) == (
        'act_thing(self, name: str) -> Thing: """Do it.""" '
        'return cast(Thing, self._json("GET", f"/v1/things/{quote_part(name)}"))'
    )


def test_an_order_a_query_and_headers_are_arguments() -> None:
    written = write(
        "put",
        "/v1/things",
        {"application/json": _THING},
        takes("from", "query", {"anyOf": [_TEXT, {"type": "null"}]}),
        takes("group", "query", required=True),
        takes("dry_run", "query", {"type": "boolean"}),
        takes("if-match", "header"),
        takes("if-none-match", "header"),
        takes("Idempotency-Key", "header"),
        requestBody={"content": {"application/json": {"schema": _THING}}},
    )
    assert written == (
        "act_thing(self, order: Mapping[str, object], *, from_: str | None = None, group: str, "
        "dry_run: bool = False, if_match: str | None = None, key: str | None = None) -> Thing: "
        '"""Do it.""" return cast(Thing, self._json("PUT", "/v1/things", order=order, '
        'query={"from": from_, "group": group, "dry_run": dry_run}, '
        'headers={"if-match": if_match, "Idempotency-Key": quote_key(key)}))'
    )


def test_a_list_is_read_page_by_page_with_the_items_of_its_one_list() -> None:
    pages = takes("limit", "query"), takes("after", "query"), takes("app", "query")
    assert write("get", "/v1/things", {"application/json": _THINGS}, *pages) == (
        "act_thing(self, *, app: str | None = None, limit: int | None = None) -> "
        'Listed[Thing, Things]: """Do it.""" '
        'return self._list("/v1/things", "things", {"app": app}, limit)'
    )


def test_what_git_or_a_forge_may_have_to_answer_first_waits_longer() -> None:
    of_git = write("get", "/v1/things", {"application/json": _THING}, refused={"502": {}})
    of_forges = write("get", "/v1/things", {"application/json": _THING}, tags=["forges"])
    assert of_git.endswith('"/v1/things", waits=True))')
    assert of_forges == of_git


def test_no_answer_a_file_and_a_log_that_can_be_followed() -> None:
    assert write("delete", "/v1/things/{name}", {}).endswith(
        '-> None: """Do it.""" self._call("DELETE", f"/v1/things/{quote_part(name)}").close()'
    )
    file = write("get", "/v1/files/{path}", {"application/octet-stream": _TEXT})
    assert '-> AbstractContextManager[Download]: """Do it.""" return self._download(' in file
    assert 'f"/v1/files/{quote_path(path)}"' in file
    log = write("get", "/v1/log", {"text/plain": _TEXT, "text/event-stream": _TEXT})
    whole, _, followed = log.partition(" def ")
    assert whole.endswith('-> Any: """Do it.""" return self._call("GET", "/v1/log")')
    assert followed.startswith("follow_thing(self, *, after: str | None) -> Stream:")
    assert followed.endswith('return self._stream("/v1/log", after, {})')
