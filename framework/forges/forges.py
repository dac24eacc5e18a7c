"""The forges of apps: which client an app's settings mean."""

import functools

from framework.clock import Clock
from framework.forges import registry
from framework.forges.forge_kind import ForgeKind
from framework.forges.places import find_place
from framework.forges.requester import Requester, Subject
from framework.forges.teller import Outlet
from prevs.records import AppRecord
from program.http import outgoing
from program.http.outgoing import Limits

_MOST = 2000
"""How many clients are kept; each remembers until when its forge wants no calls."""


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
