"""What a page tells while the framework looks up a label in a repository that is slow, or hangs.

The look-up goes on, and the page asks again by itself. Belongs to the event loop's thread.
"""

import asyncio
import dataclasses
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from proxy.model import problems
from proxy.model.problems import Problem

_T = TypeVar("_T")

PATIENCE_SECONDS = 2.0
"""How long a browser shows an empty tab at most."""
_CHECK_SECONDS = 1.0
_FRESH = 10.0
"""For so many seconds an answer waits for the page to ask again."""
_REMEMBERED = 1000

Key = tuple[str, str]
"""An app and a label."""


@dataclasses.dataclass
class _Lookup:
    began: float
    task: asyncio.Task[Any]
    ended: float = math.inf

    def is_over(self, now: float) -> bool:
        """Return whether its answer is nothing for pages that ask now."""
        return self.task.done() and (_is_away(self.task.result()) or now > self.ended + _FRESH)


class SlowLookups:
    """Look-ups by app and label, shared by all pages that wait for one.

    `answers` returns whether the framework answers at all; `now` is in seconds since the epoch.
    After `patience` seconds a page is told what it waits for.
    """

    def __init__(
        self,
        answers: Callable[[str], Awaitable[bool]],
        *,
        now: Callable[[], float] = time.time,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._answers = answers
        self._now = now
        self._patience = patience
        self._open: OrderedDict[Key, _Lookup] = OrderedDict()

    async def find(
        self, app: str, label: str, look: Callable[[], Coroutine[Any, Any, _T | Problem]]
    ) -> _T | Problem:
        """Return what `look` finds if that takes not long, else the problem that tells why."""
        key, known = (app, label), self._open.get((app, label))
        if known is None or known.is_over(self._now()):
            known = self._open[key] = self._begin(known, look)
            while len(self._open) > _REMEMBERED:
                self._open.popitem(last=False)
        await asyncio.wait({known.task}, timeout=self._patience)
        if known.task.done():
            found: _T | Problem = known.task.result()
            if not _is_away(found):
                self._open.pop(key, None)
                return found
        if not await self._is_answering(app):
            self._open.pop(key, None)
            return problems.unavailable("The preview service does not answer.")
        began = time.strftime("%H:%M:%S UTC", time.gmtime(known.began))
        seconds = max(0, round(self._now() - known.began))
        return problems.reading_repository(app, label, began, seconds)

    def _begin(
        self, before: _Lookup | None, look: Callable[[], Coroutine[Any, Any, Any]]
    ) -> _Lookup:
        """Begin a look-up; one that came to nothing before has waited for the same repository."""
        task = asyncio.create_task(look())
        is_again = before is not None and _is_away(before.task.result())
        begun = _Lookup(before.began if before and is_again else self._now(), task)

        def end(_: object) -> None:
            begun.ended = self._now()

        task.add_done_callback(end)
        return begun

    async def _is_answering(self, app: str) -> bool:
        try:
            return await asyncio.wait_for(self._answers(app), _CHECK_SECONDS)
        except TimeoutError:
            return False


def _is_away(found: object) -> bool:
    return isinstance(found, Problem) and found.slug == "unavailable"
