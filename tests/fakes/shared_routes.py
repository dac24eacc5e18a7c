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

from framework.http_api.admission.operations import Endpoint, Routes, make_routes

_Key = tuple[str, str]
_Answer = Callable[..., Any]

_SERVED: ContextVar[Mapping[_Key, _Answer]] = ContextVar("served")
_MADE: dict[frozenset[_Key], Sequence[BaseRoute]] = {}


class SharedRoutes:
    """The routes of one application. It needs Serving, with the `answers` of its own."""

    def __init__(self) -> None:
        self.answers: dict[_Key, _Answer] = {}

    def make(self, routes: Routes) -> Sequence[BaseRoute]:
        """Return the shared routes of functions."""
        endpoints = routes.list_endpoints()
        own = {_key(one): one.answer for one in endpoints}
        self.answers |= own
        key = frozenset(own)
        if key not in _MADE:
            leading = [one._replace(answer=_lead(_key(one), one.answer)) for one in endpoints]
            _MADE[key] = make_routes(type(routes), leading)
        return _MADE[key]


class Serving:
    """Middleware that tells shared routes whose request they serve."""

    def __init__(self, app: ASGIApp, answers: Mapping[_Key, _Answer]) -> None:
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _SERVED.set(self._answers)
        await self._app(scope, receive, send)


def _key(one: Endpoint) -> _Key:
    return one.operation.method, one.operation.path


def _lead(key: _Key, example: _Answer) -> _Answer:
    """Return a function like `example` that calls that of the application which serves."""
    if inspect.iscoroutinefunction(example):

        @functools.wraps(example)
        async def wait(*given: Any, **named: Any) -> Any:
            return await _SERVED.get()[key](*given, **named)

        return wait

    @functools.wraps(example)
    def call(*given: Any, **named: Any) -> Any:
        return _SERVED.get()[key](*given, **named)

    return call
