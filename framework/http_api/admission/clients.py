"""Whose address a request comes from, also where a stand-by has passed it on."""

from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from framework.http_api.admission.vouching import Vouching

FORWARDED = b"prevs-forwarded"
"""The header of what was forwarded once: it isn't again, or two stand-bys could go on for ever."""


class Client(NamedTuple):
    """Where a request comes from; `via` is who has passed it on, None for nobody.

    No `address`: who has passed it on is none of our frameworks, or says that it knows none.
    """

    address: str | None
    via: str | None = None

    def __str__(self) -> str:
        """Return it as the audit log has it."""
        shown = self.address or "unknown"
        return f"{shown} via {self.via}" if self.via else shown


class Clients:
    """Puts a request's Client into scope["state"]["client"]."""

    def __init__(self, app: ASGIApp, vouching: Vouching) -> None:
        self._app = app
        self._vouching = vouching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["client"] = self._find(scope)
        await self._app(scope, receive, send)

    def _find(self, scope: Scope) -> Client:
        neighbour = find_neighbour(scope)
        told = [value for name, value in scope["headers"] if name == FORWARDED]
        if not told:
            return Client(neighbour)
        address = self._vouching.read(told[0], scope["method"], scope["raw_path"])
        return Client(address, neighbour or "unknown")


def find_neighbour(scope: Scope) -> str | None:
    """Return the address at the other end of the connection, if there is one."""
    client = scope.get("client")
    return client[0] if client else None
