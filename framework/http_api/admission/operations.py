"""What is asked of an operation of the API before its route: declared once, where the route is.

A route gets its Operation when it is made. What no route has declared is for admins of all apps.
"""

import enum
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, Unpack

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.routing import Route

from framework.access import OPERATOR, Identity, Scope
from framework.http_api.http.parameters import IDEMPOTENCY_KEY

BODY_LIMIT = 64 * 1024
"""Bytes that a body may have."""


class Reach(enum.Enum):
    """What a token of one app gets of an operation."""

    NOTHING = "nothing: it is about the installation, or about all apps"
    ITS_PATH = "all of it, where the path names that app"
    ITS_SHARE = "what is of that app; the route itself sees to that"


class Operation(NamedTuple):
    """Who may make a call, and how it is taken.

    Whoever has `scope` may make it, and proxies where it is theirs, too. The audit log calls it
    `action`, which every write has; it notes a report only where that was refused: proxies send
    one every few seconds, and it changes nothing that somebody wanted. With `takes_key` the same
    order with the same Idempotency-Key is done once.
    """

    scope: Scope
    reach: Reach = Reach.NOTHING
    for_proxies: bool = False
    action: str = ""
    is_report: bool = False
    body_limit: int = BODY_LIMIT
    takes_key: bool = False

    def has_scope(self, identity: Identity) -> bool:
        """Return whether somebody has the scope for it."""
        if identity.scope is Scope.PROXY and self.for_proxies:
            return True
        if self.scope is Scope.PROXY and identity.name == OPERATOR:
            return True  # what proxies have that were set up before there were tokens of theirs
        return identity.scope.includes(self.scope)

    def is_within(self, identity: Identity, app: str) -> bool:
        """Return whether it is within the one app of a token; `app` is what its path names."""
        if not identity.app or self.reach is Reach.ITS_SHARE:
            return True
        return self.reach is Reach.ITS_PATH and identity.app == app


UNDECLARED = Operation(Scope.ADMIN)


class Declared(NamedTuple):
    """An operation with the paths that its route takes, which are the route's own `pattern`."""

    method: str
    pattern: re.Pattern[str]
    target: str
    operation: Operation

    def name_target(self, parameters: Mapping[str, str]) -> str:
        """Return what a write is done to: `hello`, `hello/5c80e7d…`, `hello/environment/KEY`."""
        return self.target.format(**parameters)


class Documented(TypedDict, total=False):
    """What /docs says of a route's answers."""

    status_code: int
    response_model: type[BaseModel]
    response_class: type[Response]
    responses: dict[int | str, dict[str, Any]]


class OperationRouter:
    """Routes of the API, none without its operation. `declared` is in the order of `routes`."""

    def __init__(self, tag: str, prefix: str = "") -> None:
        self.routes = APIRouter(prefix=prefix, tags=[tag])
        self.declared: list[Declared] = []

    def add(
        self,
        method: str,
        path: str,
        endpoint: Callable[..., Any],
        operation: Operation,
        **documented: Unpack[Documented],
    ) -> None:
        """Have `endpoint` answer a method of a path."""
        extra = IDEMPOTENCY_KEY if operation.takes_key else None
        self.routes.add_api_route(
            path, endpoint, methods=[method], openapi_extra=extra, **documented
        )
        route = self.routes.routes[-1]
        assert isinstance(route, Route)  # noqa: S101 # it was just made
        self.declared.append(declare(method, route, operation))


def declare(method: str, route: Route, operation: Operation) -> Declared:
    """Return what is declared of a route."""
    return Declared(method, route.path_regex, _find_target(route.path_format), operation)


def _find_target(path: str) -> str:
    """Return what of a path names something: `{app}/{sha}` of /v1/previews/{app}/{sha}/retry."""
    named = path.split("/")[3:]
    while named and not named[-1].startswith("{"):
        named.pop()
    return "/".join(named)
