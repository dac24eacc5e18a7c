"""The reference of the HTTP API, from the description that the application gives of itself."""

import http
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unittest.mock import MagicMock

from docs.generated.tables import amount, code, table
from framework.http_api.application import make_app

_INTRODUCTION = """\
# HTTP API

This page is generated from the API's own description, which a framework serves at
`/openapi.json`. Sign in to try the API at `/docs`.

Every path below `/v1`, and `/openapi.json`, needs `Authorization: Bearer <token>`. Any framework
answers, whichever leads. Times are in seconds since 1970. Calls and fields stay as they are, new
ones may be added ([What is stable](stable.md)).

- **Errors** are `application/problem+json` with a `type` that never changes its meaning:
  [what each means](troubleshooting.md#problems-of-the-api). 400, 401, 403, 413, 422, 429, 500 and
  503 are possible for any call, others for the calls that list them.
- **Lists** have at most `limit` entries (100), and `next`: send it as `after` to get the entries
  that follow; `null` is the end.
- **`ETag`**: single apps and previews have one. `If-None-Match` answers 304 if nothing has changed,
  `If-Match` changes an app only if it is still as you read it (412).
- **`Idempotency-Key`** on a POST: a repeated request is not executed again within an hour, but gets
  the same answer.
- **Limits**: a token other than the operator's and the proxies' may send 600 requests a minute.
  `RateLimit` shows how many are left; 429 has `Retry-After`.

    curl -H "Authorization: Bearer $PREVS_TOKEN" http://127.0.0.1:8090/v1/apps
"""
_ALWAYS = ("400", "401", "403", "413", "422", "429", "500", "503")
_TYPES = {"integer": "whole number", "string": "text", "boolean": "true or false"}

Schema = Mapping[str, Any]


def page() -> str:
    """Return the page in Markdown."""
    described = describe()
    lines = [_INTRODUCTION, *_overview(described)]
    for tag in dict.fromkeys(_tag(call) for _, _, call in _calls(described)):
        lines += ["", f"## {tag.capitalize()}"]
        for method, path, call in _calls(described):
            if _tag(call) == tag:
                lines += _show(method, path, call, described)
    return "\n".join([*lines, *_objects(described)])


def describe() -> dict[str, Any]:
    """Return the OpenAPI of the application. What it would ask and answer plays no part in that."""
    parameters = inspect.signature(make_app).parameters.values()
    parts = {one.name: MagicMock() for one in parameters if one.default is one.empty}
    return make_app(**parts).openapi()


def _calls(described: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            yield method.upper(), path, call


def _tag(call: Schema) -> str:
    return str(next(iter(call.get("tags", ())), "other"))


def _overview(described: Schema) -> list[str]:
    rows = [
        [f"[{code(f'{method} {path}')}](#{_anchor(method, path)})", _first_sentence(call)]
        for method, path, call in _calls(described)
    ]
    return table(("call", "does"), rows)


def _first_sentence(call: Schema) -> str:
    said = call.get("description", call.get("summary", "")).split("\n\n")[0]
    return f"{' '.join(said.split()).split('. ')[0].rstrip('.')}."


def _anchor(method: str, path: str) -> str:
    plain = "".join(char if char.isalnum() else "-" for char in f"{method}{path}")
    return "-".join(part for part in plain.lower().split("-") if part)


def _show(method: str, path: str, call: Schema, described: Schema) -> Iterable[str]:
    yield from ("", f"### {code(f'{method} {path}')} {{ #{_anchor(method, path)} }}", "")
    yield call.get("description", "")
    if parameters := call.get("parameters"):
        rows = [_parameter(parameter, described) for parameter in parameters]
        yield from table(("parameter", "in", "meaning", "takes"), rows)
    if body := call.get("requestBody"):
        schema = _resolve(_json(body["content"]), described)
        yield from ("", f"**Body**: {schema.get('description', 'JSON.')}")
        yield from _fields(schema, described, tells_needed=True)
        yield from _example(schema)
    yield from _answers(call["responses"], described)


def _parameter(parameter: Schema, described: Schema) -> list[str]:
    schema = _resolve(parameter.get("schema", {}), described)
    says = parameter.get("description") or schema.get("description") or ""
    needed = ", needed" if parameter.get("required") and parameter["in"] != "path" else ""
    return [code(parameter["name"]), parameter["in"], says, f"{_takes(schema, described)}{needed}"]


def _answers(responses: Schema, described: Schema) -> Iterable[str]:
    for status, response in responses.items():
        if status < "300":
            content = response.get("content", {})
            model = _takes(_json(content), described) if _json(content) else ""
            kinds = " or ".join(code(kind) for kind in content) or "no body"
            said = response.get("description", "")
            said = "" if said in {"", "Successful Response"} else f" {said.rstrip('.')}."
            yield from ("", f"**{status}** {model or kinds}.{said}")
    refused = [
        f"{status} {_phrase(status)}"
        for status in responses
        if status >= "300" and status not in _ALWAYS
    ]
    if refused:
        yield from ("", f"Also: {', '.join(sorted(refused))}.")


def _objects(described: Schema) -> Iterable[str]:
    """Return a section for each object that the calls name."""
    yield from ("", "## Objects", "")
    for name in sorted(_named(described)):
        schema = _resolve({"$ref": name}, described)
        yield from ("", f"### {code(name)} {{ #{name.lower()} }}", "")
        yield schema.get("description", "")
        if "enum" in schema:
            yield from ("", f"{_takes(schema, described)}.")
        yield from _fields(schema, described, tells_needed=False)
        yield from _example(schema)


def _named(described: Schema) -> set[str]:
    """Return the names of the objects in answers and bodies, but for the bodies themselves."""
    found: set[str] = set()
    waiting: list[Any] = [call.get("parameters") for _, _, call in _calls(described)]
    for _, _, call in _calls(described):
        body = call.get("requestBody", {}).get("content", {})
        waiting.append(_resolve(_json(body), described).get("properties"))
        answers = call["responses"].items()
        waiting += [answer.get("content") for status, answer in answers if status < "300"]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)}:
                name = reference.rpartition("/")[2]
                if name not in found:
                    found.add(name)
                    waiting.append(described["components"]["schemas"][name])
            case Mapping() as inner:
                waiting.extend(inner.values())
            case list() as inner:
                waiting.extend(inner)
    return found


def _phrase(status: str) -> str:
    return http.HTTPStatus(int(status)).phrase.lower() if status.isdigit() else ""


def _json(content: Schema) -> Schema:
    found = content.get("application/json", {}).get("schema", {})
    return found if isinstance(found, Mapping) else {}


def _resolve(schema: Schema, described: Schema) -> Schema:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        found: Schema = described["components"]["schemas"][name]
        return {"name": name, **found}
    return schema


def _fields(schema: Schema, described: Schema, *, tells_needed: bool) -> Iterable[str]:
    needed = schema.get("required", ()) if tells_needed else ()
    rows = []
    for name, raw in schema.get("properties", {}).items():
        field = _resolve(raw, described)
        kind = f"{_takes(raw, described)}{', needed' if name in needed else ''}"
        if "default" in raw:
            kind += f", else {code(json.dumps(raw['default']))}"
        rows.append([code(name), raw.get("description") or field.get("description") or "", kind])
    return table(("field", "meaning", "is"), rows) if rows else ()


def _takes(raw: Schema, described: Schema) -> str:
    """Return in words what a value may be."""
    schema = _resolve(raw, described)
    if either := schema.get("anyOf"):
        return " or ".join(_takes(one, described) for one in either)
    if "const" in schema:
        return code(schema["const"])
    if (values := schema.get("enum")) and "$ref" in raw:
        return f"[{schema['name']}](#{schema['name'].lower()})"
    if values:
        return ", ".join(code(value) for value in values)
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_takes(schema.get('items', {}), described)}"
    if kind == "object" and "name" in schema:
        return f"[{schema['name']}](#{schema['name'].lower()})"
    return ", ".join([str(_TYPES.get(kind, kind)), *_bounds(schema)])


def _bounds(schema: Schema) -> Iterable[str]:
    least, greatest = schema.get("minimum"), schema.get("maximum")
    if least is not None and greatest is not None:
        yield f"{amount(least)} to {amount(greatest)}"
    elif least is not None:
        yield f"at least {amount(least)}"
    elif greatest is not None:
        yield f"at most {amount(greatest)}"
    if longest := schema.get("maxLength"):
        yield f"at most {longest:,} characters"


def _example(schema: Schema) -> Iterable[str]:
    for example in schema.get("examples", ())[:1]:
        yield from ("", "```json", json.dumps(example, indent=2, ensure_ascii=False), "```", "")
