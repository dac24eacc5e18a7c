"""Which operation a request asks for: found once, for all that looks at it before its route."""

from collections.abc import Iterable
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from framework.http_api.admission.operations import UNDECLARED, Declared, Operation

DESCRIPTION = "/openapi.json"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Call(NamedTuple):
    """One request below /v1, or of the description: all of these need a token.

    `app` is the app that its path names, "" for none. `action` and `target` are what the audit log
    says of a write: its method and path, where no route has declared it.
    """

    operation: Operation
    app: str
    action: str
    target: str
    is_write: bool


class Operations:
    """All operations of the API. A path is read by the pattern of the route that answers it."""

    def __init__(self, declared: Iterable[Declared]) -> None:
        self._by_method: dict[str, list[Declared]] = {}
        for one in declared:
            self._by_method.setdefault(one.method, []).append(one)

    def find(self, method: str, path: str) -> Call | None:
        """Return what is asked for; None for what looks after itself.

        Whoever looks which methods a path has, or has no body sent, needs what reading needs.
        """
        if not (path.startswith("/v1/") or path in {"/v1", DESCRIPTION}):
            return None
        is_write = method not in _READS
        for declared in self._by_method.get(method if is_write else "GET", ()):
            if found := declared.pattern.match(path):
                named = found.groupdict()
                operation, target = declared.operation, declared.name_target(named)
                return Call(
                    operation, named.get("app", ""), operation.action or method, target, is_write
                )
        return Call(UNDECLARED, "", method, path, is_write)


class Calls:
    """Finds a request's Call, which `read_call` returns from then on."""

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
    """Return what a request asks for; None for what is no call of the API."""
    # Without Calls before it, this raises: nothing may pass for what needs no token by mistake.
    call: Call | None = scope["state"]["call"] if scope["type"] == "http" else None
    return call
