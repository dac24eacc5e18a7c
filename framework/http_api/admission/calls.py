"""Finds the operation that a request is for, once, for all middleware behind it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from framework.http_api.admission.operations import UNDECLARED, Operation

DESCRIPTION = "/openapi.json"
OWN = "/v1/"
"""What the paths of our own calls begin with."""
IRONWORKER = "/2/"
"""What those of IronWorker's API begin with; they are calls only where it is offered."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Call(NamedTuple):
    """One request below /v1 or /2, or for the description. All of these need a token.

    `app` is the app that the path names, "" for none. `action` and `target` are for the audit log:
    if no function has declared a write, they are its method and its path.
    """

    operation: Operation
    app: str
    action: str
    target: str
    is_write: bool


class Operations:
    """All operations of the API. Each path is matched by its route's own pattern.

    `prefixes` begin the paths of calls.
    """

    def __init__(self, declared: Iterable[Operation], prefixes: Iterable[str] = (OWN,)) -> None:
        self._prefixes = tuple(prefixes)
        self._by_method: dict[str, list[tuple[re.Pattern[str], Operation]]] = {}
        for one in declared:
            self._by_method.setdefault(one.method, []).append((one.pattern, one))

    def find(self, method: str, path: str) -> Call | None:
        """Return the call that a request is; None for a path that checks its own access.

        OPTIONS and HEAD need what GET needs.
        """
        if not (path.startswith(self._prefixes) or path in {"/v1", DESCRIPTION}):
            return None
        is_write = method not in _READS
        for pattern, operation in self._by_method.get(method if is_write else "GET", ()):
            if found := pattern.match(path):
                named = found.groupdict()
                target, action = operation.target.format(**named), operation.action or method
                return Call(operation, named.get("app", ""), action, target, is_write)
        return Call(UNDECLARED, "", method, path, is_write)


class CallLookup:
    """Finds a request's Call and stores it, for `read_call`."""

    def __init__(self, app: ASGIApp, operations: Operations) -> None:
        self._app = app
        self._operations = operations

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            call = self._operations.find(scope["method"], scope["path"])
            scope.setdefault("state", {})["call"] = call
        await self._app(scope, receive, send)


def read_call(scope: AsgiScope) -> Call | None:
    """Return a request's Call; None if it is no call of the API."""
    # This raises if CallLookup has not run: no request may count as one without a token by mistake.
    call: Call | None = scope["state"]["call"] if scope["type"] == "http" else None
    return call
