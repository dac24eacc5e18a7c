"""GitHub's own description of its REST API: whether requests and answers agree with it."""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jsonschema_rs

from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.server import Reply, Request
from tests.published import MODULES

Schema = Any
Answer = Callable[[GitHubServer, Request], Reply]

FILE = MODULES / "@octokit" / "openapi" / "generated" / "api.github.com.json"
_REFERENCE = "#/components/"
_REFUSAL, _OF_SERVER = 400, 500
_ANYWHERE = (401, 403, 404, 422, 429)
"""Refusals that are not described with each call."""
_NOT_OF_JSON_SCHEMA = ("nullable", "example", "examples", "discriminator")


class _Operation(NamedTuple):
    """A call. `path` matches its path; names in a template's path have any text without a slash."""

    method: str
    path: re.Pattern[str]
    described: Mapping[str, Any]


class Description:
    """The description; what is used of it is compiled at its first use."""

    def __init__(self) -> None:
        self._all = json.loads(FILE.read_bytes())
        schemas = self._all["components"]["schemas"]
        for name in ("pull-request", "pull-request-simple"):
            # It is null once the fork is deleted: GitHub's schema of webhooks says so, this not.
            head = schemas[name]["properties"]["head"]["properties"]
            head["repo"] = {"nullable": True, "allOf": [head["repo"]]}
        for name in ("validation-error", "validation-error-simple"):
            schemas[name]["properties"]["status"] = {"type": "string"}  # as in all other errors
        self._operations = [
            _Operation(method.upper(), _as_pattern(template), described)
            for template, methods in self._all["paths"].items()
            if template.startswith("/repos/{owner}/{repo}")
            for method, described in methods.items()
        ]
        self._validators: dict[str, Any] = {}

    def find_mismatches(self, request: Request, path: str, reply: Reply) -> Iterator[str]:
        """Find where a request or its answer is not as described; `path` is without a prefix."""
        where = f"{request.method} {path}"
        operation = next(
            (
                one
                for one in self._operations
                if one.method == request.method and one.path.fullmatch(path)
            ),
            None,
        )
        if operation is None:
            yield f"{where}: GitHub has no such call"
            return
        described = operation.described
        for mismatch in (
            *self._check_query(described.get("parameters", ()), request.query),
            *self._check_body(described, request, reply),
            *self._check_answer(described["responses"], reply),
        ):
            yield f"{where}: {mismatch}"

    def _check_body(self, described: Schema, request: Request, reply: Reply) -> Iterator[str]:
        if reply.status >= _REFUSAL:  # a client may try how far it gets
            return
        if "requestBody" not in described:
            if request.sent not in (b"", b"{}"):
                yield "it takes no body"
            return
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        for mismatch in self._check(schema, json.loads(request.sent or b"null")):
            yield f"the request's {mismatch}"

    def _check_query(self, parameters: Sequence[Schema], query: Mapping[str, str]) -> Iterator[str]:
        known = {one["name"]: one for one in map(self._resolve, parameters) if one["in"] == "query"}
        for name in query.keys() - known.keys():
            yield f"it has no parameter {name}"
        for name in query.keys() & known.keys():
            schema, value = known[name]["schema"], query[name]
            is_number = schema.get("type") == "integer" and value.isdecimal()
            for mismatch in self._check(schema, int(value) if is_number else value):
                yield f"{name}{mismatch}"
        yield from (
            f"{name} is missing"
            for name, one in known.items()
            if one.get("required") and name not in query
        )

    def _check_answer(self, responses: Mapping[str, Schema], reply: Reply) -> Iterator[str]:
        described = self._resolve(responses.get(str(reply.status), {}))
        if not described:
            if reply.status not in _ANYWHERE and reply.status < _OF_SERVER:
                yield f"{reply.status} is none of its answers"
        elif "content" in described:
            schema = described["content"]["application/json"]["schema"]
            for mismatch in self._check(schema, json.loads(reply.body)):
                yield f"the answer's {mismatch}"

    def _check(self, schema: Schema, value: Any) -> Iterator[str]:
        """Find where a value is not as its schema says."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            used: dict[str, Schema] = {}
            whole = {**self._translate(schema, used), "definitions": used}
            self._validators[key] = jsonschema_rs.Draft7Validator(whole, validate_formats=True)
        for error in self._validators[key].iter_errors(value):
            yield f"{'.'.join(map(str, error.instance_path))}: {error.message[:200]}"

    def _translate(self, schema: Schema, used: dict[str, Schema]) -> Any:
        """Return a schema of OpenAPI 3.0 as one of JSON Schema; add to `used` what it refers to."""
        if isinstance(schema, list):
            return [self._translate(one, used) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_REFERENCE).replace("/", ".")
            if name not in used:
                used[name] = {}  # it may refer to itself
                used[name] = self._translate(self._resolve(schema), used)
            return {"$ref": f"#/definitions/{name}"}
        made = {
            key: self._translate(value, used)
            for key, value in schema.items()
            if key not in _NOT_OF_JSON_SCHEMA
        }
        if made.get("default") == "":
            made.pop("format", None)  # an address that nobody has given
        if "properties" in made and "allOf" not in made:  # nothing that nobody has described
            made.setdefault("additionalProperties", False)
        return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            kind, name = schema["$ref"].removeprefix(_REFERENCE).split("/")
            schema = self._all["components"][kind][name]
        return schema


@functools.cache
def load() -> Description:
    """Return the description, which is read once."""
    return Description()


def watched(answer: Answer, found: list[str]) -> Answer:
    """Return `answer` of the double of GitHub; each mismatch is added to `found`.

    Answers that a test has made up are not watched, and neither is Gitea's double.
    """

    def watching(server: GitHubServer, request: Request) -> Reply:
        reply = answer(server, request)
        if server.kind == "github":
            path = request.path.removeprefix(server.api)
            found.extend(load().find_mismatches(request, path, reply))
        return reply

    return watching


def _as_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
