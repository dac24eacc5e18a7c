"""Who may make which call of the API. What is not told of here is for admins of all apps alone."""

import enum
import re
from collections.abc import Mapping
from typing import NamedTuple

from starlette.routing import compile_path

from framework.access import OPERATOR, Identity, Scope

DESCRIPTION = "/openapi.json"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Reach(enum.Enum):
    """What a token of one app gets of a call."""

    NOTHING = "nothing: it is about the installation, or about all apps"
    ITS_PATH = "all of it, where the path names that app"
    ITS_SHARE = "what is of that app; the route itself sees to that"


class Call(NamedTuple):
    """Who may make a call: whoever has the scope `needed`, and proxies where it is theirs, too."""

    needed: Scope
    reach: Reach = Reach.NOTHING
    for_proxies: bool = False

    def has_scope(self, identity: Identity) -> bool:
        """Tell whether somebody has the scope for it."""
        if identity.scope is Scope.PROXY and self.for_proxies:
            return True
        if self.needed is Scope.PROXY and identity.name == OPERATOR:
            return True  # what proxies have that were set up before there were tokens of theirs
        return identity.scope.includes(self.needed)

    def is_within(self, identity: Identity, app: str) -> bool:
        """Tell whether it is within the one app of a token; `app` is what its path names."""
        if not identity.app or self.reach is Reach.ITS_SHARE:
            return True
        return self.reach is Reach.ITS_PATH and identity.app == app


_UNSORTED = Call(Scope.ADMIN)
_OF_APP = Call(Scope.READ, Reach.ITS_PATH)
_SHARED = Call(Scope.READ, Reach.ITS_SHARE)
_PROXIES = Call(Scope.PROXY)
_CALLS: Mapping[str, Call] = {
    f"GET {DESCRIPTION}": _SHARED,
    "GET /v1/apps": _SHARED,
    "GET /v1/apps/{app}": _OF_APP._replace(for_proxies=True),
    "GET /v1/apps/{app}/labels/{label:path}": _OF_APP._replace(for_proxies=True),
    "GET /v1/apps/{app}/refs": _OF_APP,
    "GET /v1/apps/{app}/commits": _OF_APP,
    "GET /v1/apps/{app}/environment": _OF_APP,
    "GET /v1/apps/{app}/credential": _OF_APP,
    "GET /v1/previews": _SHARED,
    "POST /v1/previews": Call(Scope.USE, Reach.ITS_SHARE, for_proxies=True),
    "GET /v1/previews/{app}/{sha}": _OF_APP._replace(for_proxies=True),
    "DELETE /v1/previews/{app}/{sha}": Call(Scope.USE, Reach.ITS_PATH),
    "POST /v1/previews/{app}/{sha}/retry": Call(Scope.USE, Reach.ITS_PATH, for_proxies=True),
    "PUT /v1/previews/{app}/{sha}/pin": Call(Scope.USE, Reach.ITS_PATH),
    "DELETE /v1/previews/{app}/{sha}/pin": Call(Scope.USE, Reach.ITS_PATH),
    "GET /v1/previews/{app}/{sha}/log": _OF_APP._replace(for_proxies=True),
    "GET /v1/queue": _SHARED,
    "GET /v1/events": _SHARED,
    "GET /v1/agents": Call(Scope.READ),
    "POST /v1/uses": _PROXIES,
    "POST /v1/refusals": _PROXIES,
}


def _compile() -> list[tuple[str, re.Pattern[str], Call]]:
    """Return the table as it is looked up: paths are read as the routes read them."""
    told = ((*name.partition(" "), call) for name, call in _CALLS.items())
    return [(method, compile_path(path)[0], call) for method, _, path, call in told]


_COMPILED = _compile()


def is_guarded(path: str) -> bool:
    """Tell whether a path is the API's, or its description's, which need a token."""
    return path in {"/v1", DESCRIPTION} or path.startswith("/v1/")


def find(method: str, path: str) -> tuple[Call, str]:
    """Return a call, and the app that its path names, "" for none."""
    wanted = "GET" if method in _READS else method
    for known, pattern, call in _COMPILED:
        if known == wanted and (found := pattern.match(path)):
            return call, found.groupdict().get("app", "")
    return _UNSORTED, ""
