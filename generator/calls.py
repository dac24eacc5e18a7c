"""Writes the calls of the API: one method for each operation, over cli.client.transport."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from generator.description import (
    Operation,
    Schema,
    annotate,
    find_names,
    find_operations,
    name_parameter,
)
from generator.text import HEAD, docstring

_JSON, _TEXT, _EVENTS, _FILE = (
    "application/json",
    "text/plain",
    "text/event-stream",
    "application/octet-stream",
)
_PAGING = ("limit", "after")
_HEADERS = {"if-match": ("if_match", "{}"), "idempotency-key": ("key", "quote_key({})")}
"""The headers that commands send: the name in Python, and what is sent for it."""

_CLASS = '''

class Calls(Transport):
    """The operations of the API, by their operationId. They raise what `Transport` says.

    A list is read page by page: all of it, or the first `limit` items. The framework checks an
    `order`. Calls with `waits=True` have the time that git and forges take.
    """
'''


class _Argument(NamedTuple):
    """A parameter of a method, and what a call sends for it: under a name, as an expression."""

    declared: str
    sent_as: str = ""
    expression: str = ""


def write(described: Schema) -> str:
    """Return the module, not formatted."""
    operations = find_operations(described)
    methods = [
        line
        for operation in operations
        for line in (*_call(operation, described), *_follow(operation))
    ]
    body = "\n".join(methods)
    names = described["components"]["schemas"]
    used = sorted(name for name in names if re.search(rf"\b{name}\b(?!\()", body))
    head = [
        f'"""The calls of the API, as its description says. {HEAD}"""',
        "from collections.abc import Mapping",
        "from contextlib import AbstractContextManager",
        "from typing import Any, cast",
        f"from cli.client.generated.records import {', '.join(used)}" if used else "",
        "from cli.client.paging import Listed",
        "from cli.client.event_streams import Stream",
        "from cli.client.transport import Download, Transport",
        "from cli.client.transport import quote_key, quote_part, quote_path",
    ]
    return "\n".join([*head, _CLASS, body]) + "\n"


def _call(operation: Operation, described: Schema) -> Iterator[str]:
    """Yield the method that makes a call; a list's reads all pages."""
    query = _query(operation)
    part = _find_part(operation, described)
    rest = [*query, *_headers(operation)]
    if part is not None:
        name, kind, whole = part
        rest = [*query, _Argument("limit: int | None = None")]
        returns = f"Listed[{kind}, {whole}]"
        page = f'{_address(operation)}, "{name}", {_rows(query)}, limit{_waits(operation)}'
        sent = f"self._list({page})"
    elif answers := operation.answers(_JSON):
        returns = annotate(*answers)
        sent = f"cast({returns}, self._json({_request(operation)}))"
    elif operation.answers(_FILE):
        returns = "AbstractContextManager[Download]"
        sent = f"self._download({_address(operation)})"
    elif operation.answers(_TEXT):
        returns = "Any"
        sent = f"self._call({_request(operation)})"
    else:
        returns = "None"
        sent = f"self._call({_request(operation)}).close()"
    yield from _method(operation.name, operation, rest, returns)
    yield f"        {'' if returns == 'None' else 'return '}{sent}"


def _follow(operation: Operation) -> Iterator[str]:
    """Yield the method that follows the events of an operation, if it has any."""
    if operation.answers(_EVENTS):
        query = _query(operation)
        name = f"follow_{operation.name.partition('_')[2]}"
        after = _Argument("after: str | None")
        yield from _method(name, operation, [after, *query], "Stream", takes_body=False)
        yield f"        return self._stream({_address(operation)}, after, {_rows(query)})"


def _method(
    name: str,
    operation: Operation,
    rest: Sequence[_Argument],
    returns: str,
    *,
    takes_body: bool = True,
) -> Iterator[str]:
    arguments = ["self"]
    arguments += [
        f"{name_parameter(one['name'])}: {annotate(one['schema'])}"
        for one in operation.parameters("path")
    ]
    if takes_body and (body := operation.body) is not None:
        optional = " | None = None" if "None" in annotate(body).split(" | ") else ""
        arguments.append(f"order: Mapping[str, object]{optional}")
    arguments += ["*", *(one.declared for one in rest)] if rest else []
    said = operation.detail.get("description", operation.detail.get("summary", ""))
    yield from ("", f"    def {name}({', '.join(arguments)}) -> {returns}:")
    yield f"        {docstring(said, 8)}"


def _query(operation: Operation) -> list[_Argument]:
    """Return what goes into the query, but for what pages need."""
    found = []
    for one in operation.parameters("query"):
        if one["name"] in _PAGING:
            continue
        name, kind = name_parameter(one["name"]), annotate(one["schema"]).removesuffix(" | None")
        kind = kind if kind in ("bool", "int", "float") else "str"
        default = " = False" if kind == "bool" else " | None = None"
        declared = f"{name}: {kind}{'' if one.get('required') else default}"
        found.append(_Argument(declared, one["name"], name))
    return found


def _headers(operation: Operation) -> list[_Argument]:
    return [
        _Argument(f"{known[0]}: str | None = None", one["name"], known[1].format(known[0]))
        for one in operation.parameters("header")
        if (known := _HEADERS.get(one["name"].lower()))
    ]


def _request(operation: Operation) -> str:
    """Return the arguments that send an operation's request."""
    arguments = [f'"{operation.method}"', _address(operation)]
    if operation.body is not None:
        arguments.append("order=order")
    if query := _query(operation):
        arguments.append(f"query={_rows(query)}")
    if headers := _headers(operation):
        arguments.append(f"headers={_rows(headers)}")
    return ", ".join(arguments) + _waits(operation)


def _waits(operation: Operation) -> str:
    """Return the argument of a call that git or a forge has to answer: 502 says that it did not."""
    of_git = "502" in operation.detail["responses"]
    return ", waits=True" if of_git or "forges" in operation.detail.get("tags", ()) else ""


def _rows(arguments: Sequence[_Argument]) -> str:
    rows = ", ".join(f'"{one.sent_as}": {one.expression}' for one in arguments)
    return f"{{{rows}}}"


def _address(operation: Operation) -> str:
    """Return the path as an expression. The parameter `path` has several segments."""

    def fill(found: re.Match[str]) -> str:
        name = name_parameter(found[1])
        return f"{{quote_{'path' if name == 'path' else 'part'}({name})}}"

    filled = re.sub(r"\{(\w+)\}", fill, operation.path)
    return f'{"f" if filled != operation.path else ""}"{filled}"'


def _find_part(operation: Operation, described: Schema) -> tuple[str, str, str] | None:
    """Return which field of a page has its items, their type, and that of the page."""
    names = {one["name"] for one in operation.parameters("query")}
    if not names.issuperset(_PAGING):
        return None
    [schema] = operation.answers(_JSON)
    [name] = find_names(schema)
    fields = described["components"]["schemas"][name]["properties"]
    lists = [
        (field, annotate(inner["items"]), name)
        for field, inner in fields.items()
        if inner.get("type") == "array"
    ]
    return lists[0]
