"""How much the waiting room of each app shows, as its settings say. For the event loop."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from proxy.model.errors import ApiAway, ApiRefused
from proxy.ports import Framework

_KNOWN_SECONDS = 5.0
_MOST = 1000


class _Known(NamedTuple):
    since: float
    answer: asyncio.Task[bool]


class Visibility:
    """Remembers the setting of each app for some seconds. `clock` is in seconds."""

    def __init__(
        self, framework: Framework, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._framework = framework
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def shows_all(self, app: str) -> bool:
        """Return whether an app's room shows everything, also the logs of its builds.

        False if no framework answers.
        """
        now = self._clock()
        known = self._known.get(app)
        if known is None or now - known.since > _KNOWN_SECONDS:
            if len(self._known) >= _MOST:
                self._known = {}
            known = _Known(now, asyncio.create_task(self._framework.shows_all(app)))
            self._known[app] = known
        try:
            return await asyncio.shield(known.answer)
        except (ApiAway, ApiRefused):
            self._known.pop(app, None)
            return False
