"""The address that a request comes from, also if a stand-by has forwarded it."""

from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from framework.http_api.admission.client_signature import ClientSignature

FORWARDED = b"prevs-forwarded"
"""The header of a forwarded request. It is not forwarded again, or two stand-bys could loop."""


class Client(NamedTuple):
    """Where a request comes from; `via` is who has forwarded it, None for nobody.

    `address` is None if the forwarder is none of our frameworks, or does not know the address.
    """

    address: str | None
    via: str | None = None

    def __str__(self) -> str:
        """Return it as the audit log shows it."""
        shown = self.address or "unknown"
        return f"{shown} via {self.via}" if self.via else shown


class ClientAddress:
    """Puts a request's Client into scope["state"]["client"]."""

    def __init__(self, app: ASGIApp, signature: ClientSignature) -> None:
        self._app = app
        self._signature = signature

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["client"] = self._find(scope)
        await self._app(scope, receive, send)

    def _find(self, scope: Scope) -> Client:
        neighbour = find_neighbour(scope)
        signed = [value for name, value in scope["headers"] if name == FORWARDED]
        if not signed:
            return Client(neighbour)
        address = self._signature.verify(signed[0], scope["method"], scope["raw_path"])
        return Client(address, neighbour or "unknown")


def find_neighbour(scope: Scope) -> str | None:
    """Return the address at the other end of the connection, if there is one."""
    client = scope.get("client")
    return client[0] if client else None
