"""HAProxy processes that were replaced by a newer one: they finish their connections, then end.

No signal stops them earlier: a HAProxy that stops closes its runtime socket too, and then nobody
could count its open requests.

One of them stays, with no connection: it keeps the listening sockets open while the newest process
is started again after its end.
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
"""A process that has not answered on its runtime socket for this long is taken to hang."""
_LOOK_SECONDS = 2.0
_LONGEST_SECONDS = 24 * 3600
"""How long a replaced process may run on."""


class OldProcesses:
    """The replaced processes of one folder. `pids` has the newest first.

    `keeper` is the one that keeps the listening sockets.
    """

    def __init__(self, files: Files, clock: Callable[[], float] = time.time) -> None:
        self._files = files
        self._clock = clock
        self.pids: tuple[int, ...] = ()
        self.keeper: int | None = None

    def sockets(self) -> list[Path]:
        """Return the runtime sockets of all of them."""
        return [self._files.own_socket(pid) for pid in self.pids]

    async def adopt(self, pids: Iterable[int]) -> None:
        """Take over those of `pids` that answer; discard the others."""
        self.pids = tuple(pids)
        for pid in self.pids:
            if await runtime.pid(self._files.own_socket(pid), _HANGS_SECONDS) != pid:
                self.discard(pid)

    def add(self, pid: int) -> None:
        """Add a process that is about to be replaced. If there is no keeper, it will be that."""
        self.pids = (pid, *self.pids)
        if self.keeper is None:
            self.keeper = pid

    def remove(self, pid: int) -> None:
        """Forget a process, which may go on."""
        self.pids = tuple(other for other in self.pids if other != pid)
        if self.keeper == pid:
            self.keeper = None

    async def retire(self) -> None:
        """Have all of them accept no further connection."""
        for pid in self.pids:
            try:
                async with runtime.connect(self._files.own_socket(pid), _HANGS_SECONDS) as old:
                    if text.replaced_at(await old.send(text.GET_REPLACED)):
                        continue
                    frontends = await old.send(text.SHOW_FRONTENDS)
                    for command in text.retire(int(self._clock()), frontends):
                        await old.send(command)
            except RouterAway:
                self.discard(pid)

    async def run(self, replace: Callable[[], object]) -> None:
        """End each process but the keeper when its last connection has ended. Until cancelled.

        Calls `replace`, which has the newest process replaced soon, if the keeper has ended.
        """
        while True:
            for pid in self.pids:
                await self._end_if_drained(pid)
            if self.keeper is None:
                replace()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _end_if_drained(self, pid: int) -> None:
        try:
            async with runtime.connect(self._files.own_socket(pid), _HANGS_SECONDS) as old:
                since = text.replaced_at(await old.send(text.GET_REPLACED))
                info = await old.send(text.SHOW_INFO)
        except RouterAway:
            self.discard(pid)
            return
        if since is None:  # it is about to be replaced
            return
        if not text.has_clients(info):
            if pid != self.keeper:
                _kill(pid, signal.SIGUSR1)
        elif self._clock() - since > _LONGEST_SECONDS:
            _kill(pid, signal.SIGTERM)

    def stop(self) -> None:
        """Have all of them close their listeners now, and end with their last connection."""
        for pid in self.pids:
            if self._is_ours(pid):
                _kill(pid, signal.SIGUSR1)

    async def kill(self, seconds: float) -> None:
        """Forget all of them, and kill those that still run. Returns when they have ended.

        Waits for `seconds` at most.
        """
        killed = self.pids
        for pid in killed:
            self.discard(pid)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(self._is_ours(pid) for pid in killed):
                    await asyncio.sleep(0.01)

    def discard(self, pid: int) -> None:
        """Forget a process, and kill it if it still runs."""
        if self._is_ours(pid):
            _kill(pid, signal.SIGKILL)
        self._files.own_socket(pid).unlink(missing_ok=True)
        self.remove(pid)

    def _is_ours(self, pid: int) -> bool:
        """Return whether a process is a HAProxy with our configuration."""
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        except OSError:
            # No file can be opened. One that is left would keep its ports from every later proxy.
            return _is_haproxy(pid)
        return os.fsencode(self._files.configuration) in arguments


def _is_haproxy(pid: int) -> bool:
    """Return whether a process is a HAProxy. Opens no file."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name == "haproxy"
    except OSError:
        return False


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
