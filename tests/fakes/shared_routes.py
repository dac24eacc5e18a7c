"""The API's routes, made once for all applications of a process: making them takes 0.1 s.

What answers a call is the application's own: a route finds it by the request that it serves.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.http_api.admission.operations import Added, OperationRouter

_Key = tuple[str, str]
_Endpoint = Callable[..., Any]

_SERVED: ContextVar[Mapping[_Key, _Endpoint]] = ContextVar("served")
_MADE: dict[frozenset[_Key], Sequence[BaseRoute]] = {}


class SharedRoutes:
    """The routes of one application. It needs Serving, with the `endpoints` of its own."""

    def __init__(self) -> None:
        self.endpoints: dict[_Key, _Endpoint] = {}

    def make(self, router: OperationRouter) -> Sequence[BaseRoute]:
        """Return the shared routes of a router."""
        own = {_key(one): one.endpoint for one in router.added}
        self.endpoints |= own
        key = frozenset(own)
        if key not in _MADE:
            router.added = [
                one._replace(endpoint=_lead(_key(one), one.endpoint)) for one in router.added
            ]
            _MADE[key] = router.make_routes()
        return _MADE[key]


class Serving:
    """Middleware that tells shared routes whose request they serve."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[_Key, _Endpoint]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _SERVED.set(self._endpoints)
        await self._app(scope, receive, send)


def _key(one: Added) -> _Key:
    return one.method, one.path


def _lead(key: _Key, example: _Endpoint) -> _Endpoint:
    """Return an endpoint like `example` that calls that of the application which serves."""
    if inspect.iscoroutinefunction(example):

        @functools.wraps(example)
        async def wait(*given: Any, **named: Any) -> Any:
            return await _SERVED.get()[key](*given, **named)

        return wait

    @functools.wraps(example)
    def call(*given: Any, **named: Any) -> Any:
        return _SERVED.get()[key](*given, **named)

    return call
