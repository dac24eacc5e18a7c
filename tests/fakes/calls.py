"""Every call of the API, as its functions declare it. Tests hold what answers to that."""

import inspect
from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

import httpx
from starlette.routing import BaseRoute

from framework.access import Scope
from framework.http_api.admission.operations import UNDECLARED, Operation, Routes
from framework.http_api.application import make_app
from tests.fakes.asgi import ApiInProcess


def list_declared(*, ironworker: bool = False) -> Mapping[str, Operation]:
    """Return the operations of an application, in its order: `GET /v1/apps/{app}`, …"""
    found: dict[str, Operation] = {}

    def note(routes: Routes) -> list[BaseRoute]:
        declared = (one.operation for one in routes.list_endpoints())
        found.update({f"{one.method} {one.shown_path}": one for one in declared})
        return []

    parameters = inspect.signature(make_app).parameters.values()
    parts: Any = {one.name: MagicMock() for one in parameters if one.default is one.empty}
    make_app(**parts, ironworker=ironworker, make_routes=note)
    return found


CALLS = list_declared()
UNSORTED = ("GET /v1", "GET /v1/nowhere", "PUT /v1/nothing-yet", "FOO /v1/apps", "PUT /v1/queue")
"""Undeclared calls are for admins of all apps."""
NEEDED = {**CALLS, **dict.fromkeys(UNSORTED, UNDECLARED)}


def is_for(scope: Scope, needed: Operation) -> bool:
    """Return whether a token of a scope is enough, in some app at least."""
    return scope.includes(needed.scope) or (scope is Scope.PROXY and needed.for_proxies)


FILLED = dict.fromkeys(("sha", "label", "id", "path", "variant"), "x")
FILLED |= {"app": "hello", "name": "X", "number": "7"}
"""What the paths of calls name, unless a test says something else."""


def send(api: ApiInProcess, call: str, app: str = "hello", **request: Any) -> httpx.Response:
    method, path = call.split()
    return api.send(method, path.format_map({**FILLED, "app": app}), **request)
