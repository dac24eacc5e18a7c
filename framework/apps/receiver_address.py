"""Which addresses notifications may go to. Pure.

The operator lists hosts: `hooks.slack.com`, `*.example.org` for all below that name, `*` for all.
A pattern opens the internet alone. A name that is listed as it is opens private networks too, and
an address that is listed as it is opens itself, whatever it is. docs/decisions/0078.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from program.networks.reserved import NEVER, SOMEBODYS, Network, read_addresses

LONGEST = 2000
_HOST = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
PATTERN = rf"(?:\*|(?:\*\.)?{_HOST}|[0-9a-f:.]+)"
"""A host as the operator lists it; an IPv6 address is without brackets."""

_ANY_HOST = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]"
_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
URL = rf"^([Hh][Tt][Tt][Pp][Ss]?)://({_ANY_HOST})(?::({_PORT}))?(/[!$-\[\]-~]*)?$"
"""An address, in one form only, so that no two readers take it for different hosts: no user, no
backslash, no fragment."""

_URL = re.compile(URL, re.ASCII)
_PORTS = {"http": 80, "https": 443}


class Place(NamedTuple):
    """The parts of an address. `host` has no brackets; `path` has the query, and begins with /."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host and the port, as the header Host has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def read(url: str) -> Place | None:
    """Return the parts of an address, None if it is not one."""
    found = _URL.fullmatch(url)
    if found is None or len(url) > LONGEST:
        return None
    scheme, host = found[1].lower(), found[2].lower().strip("[]")
    return Place(scheme, host, int(found[3] or _PORTS[scheme]), found[4] or "/")


def find_host(url: str) -> str:
    """Return the host of an address, and nothing else of it."""
    place = read(url)
    return place.host if place else "?"


def find_problem(url: str) -> str | None:
    """Return why a text is no address for notifications, or None."""
    if read(url) is not None:
        return None
    return (
        f"must be an address such as https://hooks.example.org/path, of at most {LONGEST} ASCII "
        "characters, without a user, a fragment or spaces"
    )


def is_allowed(host: str, hosts: Sequence[str]) -> bool:
    """Return whether the operator allows a host."""
    return any(host.endswith(one[1:]) if one.startswith("*") else host == one for one in hosts)


def find_open(
    host: str,
    addresses: Iterable[str],
    hosts: Sequence[str],
    control_plane: Iterable[str],
    *,
    never: Sequence[Network] = NEVER,
) -> list[str]:
    """Return those of a host's addresses at which it may be contacted.

    `control_plane` has the networks of the installation's own machines.
    """
    is_named = host in hosts
    if is_named and _is_address(host):
        return list(addresses)
    closed = [ipaddress.ip_network(one) for one in control_plane]
    networks = (*never, *closed, *(() if is_named else SOMEBODYS))
    return [one for one in addresses if not _is_within(one, networks)]


def _is_within(text: str, networks: Sequence[Network]) -> bool:
    return any(one in network for one in read_addresses(text) for network in networks)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
