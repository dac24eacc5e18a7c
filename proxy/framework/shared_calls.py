"""Calls to the framework that several pages share while they run (known as "single flight").

Many pages that open at once make one call for each preview, and take no connections from others. An
answer may be as old as the call. For the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from proxy.model.landing import Landing, LandingQuery
from proxy.model.preview import Commit, Preview
from proxy.ports import Framework

_T = TypeVar("_T")


class SharedCalls:
    """Shares calls. Each of them raises ApiAway and ApiRefused, to all who share it."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework
        self._open: dict[tuple[str, str, Hashable], asyncio.Future[Any]] = {}

    async def resolve(self, app: str, label: str) -> Commit:
        """Return the commit that a label leads to."""
        return await self._share(
            ("resolve", app, label), lambda: self._framework.resolve(app, label)
        )

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview; None if nobody requested it yet."""
        return await self._share(("find", app, sha), lambda: self._framework.find(app, sha))

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the last lines of a log."""
        return await self._share(("log", app, sha), lambda: self._framework.read_log_end(app, sha))

    async def read_landing(self, app: str, query: LandingQuery) -> Landing:
        """Return what an app's landing page shows."""
        return await self._share(
            ("landing", app, query), lambda: self._framework.read_landing(app, query)
        )

    async def _share(self, key: tuple[str, str, Hashable], call: Callable[[], Awaitable[_T]]) -> _T:
        future = self._open.get(key)
        if future is None:
            future = asyncio.ensure_future(call())
            future.add_done_callback(lambda _: self._open.pop(key, None))
            self._open[key] = future
        # A caller that is cancelled must not cancel the call of the others.
        shared: _T = await asyncio.shield(future)
        return shared
