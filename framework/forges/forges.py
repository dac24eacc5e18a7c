"""The forges of apps: which client an app's settings mean, and where its repository is there.

The address of a forge's API is never a setting: requests, and so the token, go to the host of the
app's own repository. An exception is github.com, whose API has a host of its own.
"""

import functools
import re
from collections.abc import Mapping

from framework.clock import Clock
from framework.forges import registry
from framework.forges.forge_kind import ForgeKind, Place
from framework.forges.requester import Requester, Subject
from framework.forges.teller import Outlet
from prevs.records import AppRecord
from program.git.addresses import PORTS, Address, Origin, leads_here, read_address
from program.http import outgoing
from program.http.outgoing import Limits

_MOST = 2000
"""How many clients are kept; each remembers until when its forge wants no calls."""

_PART = re.compile(r"[A-Za-z0-9_.+~-]+", re.ASCII)


class Forges:
    """Makes the clients of apps' forges. Thread safe, and does not block."""

    def __init__(
        self,
        *,
        local_allowed: bool,
        clock: Clock,
        limits: Limits = Limits(),  # noqa: B008 # a value
    ) -> None:
        """A forge on this machine is used only if `local_allowed`, as repositories are."""
        self._local_allowed = local_allowed
        self._clock = clock
        self._limits = limits
        # One app's cookies must not reach another's requests: this client keeps none.
        self._http = outgoing.make_client()
        self._make = functools.lru_cache(_MOST)(self._make_client)

    def of(self, app: AppRecord, token: str) -> ForgeKind | None:
        """Return the client of an app's forge; "" is no token.

        None if the app has no forge, or if its repository's address names no repository there.
        """
        return self._make(registry.find_forge(app), app.repository, app.name, token)

    def outlet(self, app: AppRecord, token: str) -> Outlet | None:
        """Return where prevs says something of an app; None as `of`."""
        client = self.of(app, token)
        return None if client is None else Outlet(client, client.requester.lane)

    def _make_client(
        self, forge: type[ForgeKind] | None, repository: str, app: str, token: str
    ) -> ForgeKind | None:
        place = find_place(forge, repository, local_allowed=self._local_allowed) if forge else None
        if forge is None or place is None:
            return None
        requester = Requester(
            self._http,
            place.api,
            Subject(app, "/".join(place.name), forge.rights, bool(token)),
            headers=forge.headers(token),
            clock=self._clock,
            limits=self._limits,
        )
        return forge(requester, place.name)


def find_place(forge: type[ForgeKind], repository: str, *, local_allowed: bool) -> Place | None:
    """Return where a forge has a repository; None if its address names none of such a forge.

    A forge on this machine counts only if `local_allowed`, as repositories do.
    """
    address = read_address(repository)
    if address is None or address.is_local or (leads_here(address) and not local_allowed):
        return None
    parts = tuple(address.path.strip("/").removesuffix(".git").split("/"))
    if not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        return None
    return forge.find_place(_find_origin(address, forge.aliases), parts)


def _find_origin(address: Address, aliases: Mapping[str, str]) -> Origin:
    """Return the origin of a forge's pages. A repository that is not read by HTTP has it at 443."""
    scheme, host, port = address.origin
    host = aliases.get(host, host)
    if scheme in ("http", "https"):
        return Origin(scheme, host, port)
    return Origin("https", host, PORTS["https"])
