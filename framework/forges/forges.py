"""The forges of apps: which client an app's settings mean."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from framework.apps.forge_settings import find_kind
from framework.clock import Clock
from framework.forges import gitea, github, gitlab, pagure
from framework.forges.gitea import Gitea
from framework.forges.github import GitHub
from framework.forges.gitlab import GitLab
from framework.forges.pagure import Pagure
from framework.forges.places import find_place
from framework.forges.requester import Requester, Subject
from framework.forges.teller import Outlet
from framework.ports.forges import Forge
from framework.ports.telling import TellingForge
from prevs.apps import Kind
from prevs.records import AppRecord
from program.http import outgoing
from program.http.outgoing import Limits

_MOST = 2000
"""How many clients are kept; each remembers until when its forge wants no calls."""


class Client(Forge, TellingForge, Protocol):
    """A forge, as this room knows it."""

    @property
    def requester(self) -> Requester:
        """What sends its requests."""
        ...

    def try_comment(self, number: int) -> None:
        """Raise ForgeRefused if the token may not comment a pull request. Leaves nothing."""
        ...

    def try_status(self, number: int) -> None:
        """Raise ForgeRefused if the token may not set the status of its head. Leaves nothing."""
        ...


class _Dialect(NamedTuple):
    """A kind of forge; `rights` is what a token needs there, as a sentence."""

    make: Callable[[Requester, tuple[str, ...]], Client]
    headers: Callable[[str], Mapping[str, str]]
    rights: str


_DIALECTS = {
    "github": _Dialect(GitHub, github.headers, github.RIGHTS),
    "gitlab": _Dialect(GitLab, gitlab.headers, gitlab.RIGHTS),
    "gitea": _Dialect(Gitea, gitea.headers, gitea.RIGHTS),
    "pagure": _Dialect(Pagure, pagure.headers, pagure.RIGHTS),
}


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

    def of(self, app: AppRecord, token: str) -> Client | None:
        """Return the client of an app's forge; "" is no token.

        None if the app has no forge, or if its repository's address names no repository there.
        """
        return self._make(find_kind(app), app.repository, app.name, token)

    def outlet(self, app: AppRecord, token: str) -> Outlet | None:
        """Return where prevs says something of an app; None as `of`."""
        client = self.of(app, token)
        return None if client is None else Outlet(client, client.requester.lane)

    def _make_client(self, kind: Kind, repository: str, app: str, token: str) -> Client | None:
        place = find_place(kind, repository, local_allowed=self._local_allowed)
        if place is None or kind == "none":
            return None
        dialect = _DIALECTS[kind]
        requester = Requester(
            self._http,
            place.api,
            Subject(app, "/".join(place.name), dialect.rights, bool(token)),
            headers=dialect.headers(token),
            clock=self._clock,
            limits=self._limits,
        )
        return dialect.make(requester, place.name)
