"""Hosts that a commit names beside the app's own, and the addresses at which git may reach them.

The executor is in no container: it fetches from the agent's own network. So git may only connect to
addresses that previews may reach too. It connects to the very address that was checked, even if the
name resolves to another one a moment later. docs/decisions/0055.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from executor.errors import RepositoryUnreachable
from executor.git.git_command import Deadline, GitCommand
from executor.limits.confinement import Confinement
from executor.limits.machine_checks import FOREIGN_GIT
from executor.ports import Signals
from program.git.addresses import Origin, read_address
from program.git.credentials import give_none
from program.git.messages import redact
from program.networks.reserved import NEVER, SOMEBODYS, Address, Network, read_addresses

_VERSION = re.compile(rb"git version (\d+)\.(\d+)")


class Place(NamedTuple):
    """An address of a host, and whether it is one of this machine itself."""

    address: str
    is_own: bool = False


Resolve = Callable[[str, int], Sequence[Place]]
"""Returns the addresses of a host at a port, none if its name does not resolve. Blocks."""


def find_open(
    places: Iterable[Place], confined: Confinement, never: Sequence[Network] = NEVER
) -> list[str]:
    """Return the addresses at which a commit may make git contact a host. Pure."""
    return [
        place.address
        for place in places
        if not place.is_own
        and all(_is_open(one, confined, never) for one in read_addresses(place.address))
    ]


def write_pins(origin: Origin, addresses: Sequence[str]) -> list[tuple[str, str]]:
    """Return settings that make git contact an origin at these addresses alone. Pure."""
    where = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    # A redirect from http to https of the same host is followed: program/git/redirects.py.
    ports = dict.fromkeys((origin.port, 443) if origin.scheme == "http" else (origin.port,))
    return [("http.curloptResolve", f"{origin.host}:{port}:{where}") for port in ports]


def find_proxy(scheme: str, environ: Mapping[str, str]) -> str:
    """Return the proxy that git uses for a scheme, "" for none. Pure."""
    # curl ignores HTTP_PROXY: in CGI a request's `Proxy` header sets it.
    scheme_names = ("http_proxy",) if scheme == "http" else ("https_proxy", "HTTPS_PROXY")
    values = (environ.get(name, "") for name in (*scheme_names, "all_proxy", "ALL_PROXY"))
    return next(filter(None, values), "")


def resolve(host: str, port: int) -> Sequence[Place]:
    """Return the addresses of a host, from this machine's resolver."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [Place(address, _is_own(address)) for address in addresses]


class ForeignHosts:
    """Gives git's environment for hosts other than the app's own."""

    def __init__(
        self,
        confined: Confinement,
        environ: Mapping[str, str],
        *,
        resolve: Resolve = resolve,
        never: Sequence[Network] = NEVER,
    ) -> None:
        self._confined = confined
        self._environ = environ
        self._resolve = resolve
        self._never = never

    def open(
        self, address: str, git: GitCommand, deadline: Deadline, signals: Signals
    ) -> Mapping[str, str]:
        """Return the environment in which git contacts the repository at `address`.

        Raises RepositoryUnreachable with a reason for the agent's operator; TookTooLong, Stopped.
        """
        wanted, shown = read_address(address), redact(address)
        if wanted is None:
            raise RepositoryUnreachable(shown, "its address is malformed")
        output = git.run("version", environment={}).output
        version = _VERSION.match(output)
        if version is None or (int(version[1]), int(version[2])) < FOREIGN_GIT:
            needs = ".".join(map(str, FOREIGN_GIT))
            why = f"git is older than {needs}, and cannot be bound to one address"
            raise RepositoryUnreachable(shown, why)
        places = self._look_up(wanted.origin, deadline, signals)
        if not places and find_proxy(wanted.origin.scheme, self._environ):
            # The proxy resolves the name and connects, so git must not connect by itself.
            return {**give_none().environment, "no_proxy": "", "NO_PROXY": ""}
        if found := find_open(places, self._confined, self._never):
            return give_none(*write_pins(wanted.origin, found)).environment
        closed = ", ".join(place.address for place in places) or "none"
        why = f"its host has no address that agents may use for a commit (found: {closed})"
        raise RepositoryUnreachable(shown, why)

    def _look_up(self, origin: Origin, deadline: Deadline, signals: Signals) -> Sequence[Place]:
        """Resolve in another thread: a resolver that waits for its servers cannot be stopped."""
        answers: queue.SimpleQueue[Sequence[Place]] = queue.SimpleQueue()

        def look_up() -> None:
            answers.put(self._resolve(origin.host, origin.port))

        with signals.interrupting(lambda: answers.put(())):
            threading.Thread(target=look_up, daemon=True, name="resolver").start()
            try:
                found = answers.get(timeout=deadline.left())
            except queue.Empty:
                deadline.left()
                found = ()
        signals.check()
        return found


def _is_open(
    address: Address,
    confined: Confinement,
    never: Sequence[Network],
) -> bool:
    def within(networks: Sequence[Network]) -> bool:
        return any(address in network for network in networks)

    if within(never) or within(confined.denied) or within(confined.control_plane):
        return False
    return within(confined.allowed) or not within(SOMEBODYS)


def _is_own(address: str) -> bool:
    """Return whether an address is this machine's: then it is its own source. Sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return bool(probe.getsockname()[0] == address)
    except OSError:
        return False
