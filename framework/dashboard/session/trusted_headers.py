"""Who a proxy in front says has signed in, by the headers of oauth2-proxy and others.

A request counts by the address at the other end of its connection, or by the one that a stand-by of
ours has signed: anybody can send headers.
"""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

from framework.http_api.admission.clients import Client
from framework.people.roles import is_name
from framework.ports.identity import Person
from program.http.client_address import read_address

USER, GROUPS = "X-Auth-Request-User", "X-Auth-Request-Groups"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedHeaders:
    """Reads the headers of requests from some networks."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(one) for one in networks]

    def find(self, request: Request) -> Person | None:
        """Return who has signed in at the proxy; None for a request of nobody, or of others.

        The login is the id, too. A header that comes twice is somebody's attempt to pass for
        another: then nobody has signed in.
        """
        client: Client = request.state.client
        if not self._trusts(client.address):
            return None
        users = request.headers.getlist(USER)
        login = _read(users[0]) if len(users) == 1 else ""
        if not is_name(login):
            return None
        lists = request.headers.getlist(GROUPS)
        names = _read(lists[0]).split(",") if len(lists) == 1 else []
        groups = (name.strip() for name in names)
        return Person(login, login, frozenset(name for name in groups if is_name(name)))

    def _trusts(self, address: str | None) -> bool:
        found = read_address(address or "")
        return not isinstance(found, str) and any(found in one for one in self._networks)


def _read(value: str) -> str:
    """Return a header's text: proxies send UTF-8, which is read as Latin-1 at first."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace").strip()
