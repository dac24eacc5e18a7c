"""What pages ask of the framework: once for all who ask the same while it is being answered.

So many pages that are opened at a time are as many questions as they have previews, and take no
connection from others. An answer may be as old as the question that it is to. For the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from proxy.model.preview import Commit, Preview
from proxy.ports import Framework

_T = TypeVar("_T")


class Questions:
    """Asks. Every question raises ApiAway and ApiRefused, to all who have asked it."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework
        self._open: dict[tuple[str, str, str], asyncio.Future[Any]] = {}

    async def resolve(self, app: str, label: str) -> Commit:
        """Return what a label leads to."""
        return await self._share(("resolve", app, label), self._framework.resolve)

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview; None if it was never asked for."""
        return await self._share(("find", app, sha), self._framework.find)

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the last lines of a log."""
        return await self._share(("log", app, sha), self._framework.read_log_end)

    async def _share(
        self, key: tuple[str, str, str], ask: Callable[[str, str], Awaitable[_T]]
    ) -> _T:
        answer = self._open.get(key)
        if answer is None:
            answer = asyncio.ensure_future(ask(*key[1:]))
            answer.add_done_callback(lambda _: self._open.pop(key, None))
            self._open[key] = answer
        # One who goes away must not take the others' answer along.
        shared: _T = await asyncio.shield(answer)
        return shared
