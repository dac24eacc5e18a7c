"""HAProxy processes that another one replaces: they finish what they have, and are ended then.

None is stopped by a signal before: a HAProxy that stops closes its runtime socket too, and what is
open there would be counted no more.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from proxy.haproxy import runtime, text
from proxy.haproxy.config import Files
from proxy.model.errors import RouterAway

_HANGS_SECONDS = 5.0
"""After this long without an answer on its runtime socket a process hangs."""
_LOOK_SECONDS = 2.0
_LONGEST_SECONDS = 24 * 3600
"""For how long a process that was replaced stays at most."""


class Formers:
    """The former processes of one folder. `pids` is the list, the newest first."""

    def __init__(self, files: Files, clock: Callable[[], float] = time.time) -> None:
        self._files = files
        self._clock = clock
        self.pids: tuple[int, ...] = ()

    def sockets(self) -> list[Path]:
        """Return their runtime sockets."""
        return [self._files.own_socket(pid) for pid in self.pids]

    async def find(self, pids: Iterable[int]) -> None:
        """Have those of `pids` that run and answer; the others are buried."""
        self.pids = tuple(pids)
        for pid in self.pids:
            if await runtime.pid(self._files.own_socket(pid), _HANGS_SECONDS) != pid:
                self.bury(pid)

    async def retire(self) -> None:
        """Have all of them take no connection any more."""
        for pid in self.pids:
            try:
                async with runtime.connect(self._files.own_socket(pid), _HANGS_SECONDS) as former:
                    if text.replaced_at(await former.ask(text.GET_REPLACED)):
                        continue
                    frontends = await former.ask(text.SHOW_FRONTENDS)
                    for command in text.retire(int(self._clock()), frontends):
                        await former.ask(command)
            except RouterAway:
                self.bury(pid)

    async def run(self) -> None:
        """End each of them when its last connection has ended. Runs until cancelled."""
        while True:
            for pid in self.pids:
                await self._see_off(pid)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _see_off(self, pid: int) -> None:
        try:
            async with runtime.connect(self._files.own_socket(pid), _HANGS_SECONDS) as former:
                since = text.replaced_at(await former.ask(text.GET_REPLACED))
                info = await former.ask(text.SHOW_INFO)
        except RouterAway:
            self.bury(pid)
            return
        if since is None:  # it is only about to be replaced
            return
        if not text.has_clients(info):
            _kill(pid, signal.SIGUSR1)
        elif self._clock() - since > _LONGEST_SECONDS:
            _kill(pid, signal.SIGTERM)

    def stop(self) -> None:
        """Have all of them end with what they have, and close the listeners at once."""
        for pid in self.pids:
            if self._is_ours(pid):
                _kill(pid, signal.SIGUSR1)

    def bury(self, pid: int) -> None:
        """Forget a process that has ended; one that has not is killed."""
        if self._is_ours(pid):
            _kill(pid, signal.SIGKILL)
        self._files.own_socket(pid).unlink(missing_ok=True)
        self.pids = tuple(other for other in self.pids if other != pid)

    def _is_ours(self, pid: int) -> bool:
        """Tell whether a process is a HAProxy that runs by our configuration."""
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self._files.configuration) in arguments


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
