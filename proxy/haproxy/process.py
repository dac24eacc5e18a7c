"""HAProxy as a child: started, watched, started again when it dies, ended with the proxy.

A proxy that is killed leaves its HAProxy serving; the next proxy in the folder takes over from it
by the pids file: the new HAProxy gets the listening sockets of the old one, which is ended when its
last connection has.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import structlog

from proxy.haproxy import runtime
from proxy.haproxy.config import Files
from proxy.haproxy.old_processes import Formers
from proxy.model.errors import HaproxyFailed

log = structlog.get_logger(__name__)

_START_SECONDS = 10.0
_SOFT_STOP_SECONDS = 1.0
_STOP_SECONDS = 2.0
_LONG_ENOUGH = 5.0
_PAUSES = (0.0, 0.1, 0.5, 2.0)
_COMMAND = 'PREVS_PID=$$ exec haproxy "$@"'


class HaproxyProcess:
    """One HAProxy and its successors.

    Each starts in a context of `replacing`, which gets the runtime sockets of those that it
    replaces. Started and watched in one task at a time; `reload` may be called by any other.
    """

    def __init__(
        self,
        files: Files,
        formers: Formers,
        replacing: Callable[[Collection[Path]], AbstractAsyncContextManager[None]],
    ) -> None:
        self._files = files
        self._replacing = replacing
        self._child: asyncio.subprocess.Process | None = None
        self._formers = formers
        self._to_reload = asyncio.Event()

    async def start(self) -> None:
        """Start HAProxy, in the place of one that an earlier proxy left. Raises HaproxyFailed."""
        await self._formers.find(_read_pids(self._files.pids))
        await self._check()
        await self._launch()
        if self._formers.pids:
            log.info("took over from the HAProxy of an earlier proxy", pids=self._formers.pids)

    def reload(self) -> None:
        """Have another HAProxy take over soon, with what the files say by then.

        No connection is lost: the former one ends when its last one has. Where HAProxy refuses the
        files, that is logged, and the former one goes on.
        """
        self._to_reload.set()

    async def watch(self) -> None:
        """Start HAProxy again whenever it ends, or is to be reloaded. Runs until cancelled."""
        failures = 0
        while child := self._child:
            began = asyncio.get_running_loop().time()
            status = await self._end_or_reload(child)
            if status is None:
                await self._reload(child)
                continue
            if asyncio.get_running_loop().time() - began > _LONG_ENOUGH:
                failures = 0
            log.error("HAProxy ended; it is started again", pid=child.pid, status=status)
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1
            self._formers.bury(child.pid)
            try:
                await self._launch()
            except HaproxyFailed as error:
                log.warning("HAProxy does not start", why=str(error))

    async def _end_or_reload(self, child: asyncio.subprocess.Process) -> int | None:
        """Return the status with which a child ended, or None when it is to be reloaded."""
        ended = asyncio.create_task(child.wait())
        asked = asyncio.create_task(self._to_reload.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else None
        finally:
            ended.cancel()
            asked.cancel()

    async def _reload(self, child: asyncio.subprocess.Process) -> None:
        self._to_reload.clear()
        self._formers.pids = (child.pid, *self._formers.pids)
        try:
            await self._check()
            await self._launch()
        except HaproxyFailed as error:
            log.warning("HAProxy is not reloaded; it goes on as it was", why=str(error))
            failed, self._child = self._child, child
            self._formers.pids = tuple(pid for pid in self._formers.pids if pid != child.pid)
            if failed is not None and failed is not child:
                await _end(failed, signal.SIGKILL, _STOP_SECONDS)
                self._formers.bury(failed.pid)
        else:
            log.info("HAProxy was reloaded", pids=self._formers.pids)

    async def stop(self) -> None:
        """End every HAProxy of this folder: those with open requests get a second for them."""
        child, self._child = self._child, None
        self._formers.stop()
        if child is not None and child.returncode is None:
            await _end(child, signal.SIGUSR1, _SOFT_STOP_SECONDS)
            await _end(child, signal.SIGTERM, _STOP_SECONDS)
            await _end(child, signal.SIGKILL, _STOP_SECONDS)
            self._formers.bury(child.pid)
        for pid in self._formers.pids:
            self._formers.bury(pid)
        self._files.pids.unlink(missing_ok=True)

    async def _check(self) -> None:
        try:
            check = await asyncio.create_subprocess_exec(
                *("haproxy", "-c", "-f", str(self._files.configuration)),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except FileNotFoundError:
            raise HaproxyFailed("there is no haproxy on PATH; install HAProxy 3") from None
        output, _ = await check.communicate()
        if check.returncode != 0:
            raise HaproxyFailed(f"HAProxy refuses its configuration: {output.decode().strip()}")

    async def _launch(self) -> None:
        """Start a HAProxy, wait until it answers, retire the others. Raises HaproxyFailed."""
        async with self._replacing(self._formers.sockets()):
            await self._start_and_await()
            await self._formers.retire()

    async def _start_and_await(self) -> None:
        command = ["sh", "-c", _COMMAND, "sh", "-db", "-f", str(self._files.configuration)]
        # Any of them has the listeners: one that is retired does not use them, but has them open.
        for giver in self._formers.sockets()[:1]:
            command += ["-x", str(giver)]
        try:
            self._child = child = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL
            )
            own = self._files.own_socket(child.pid)
            _write_pids(self._files.pids, (child.pid, *self._formers.pids))
        except OSError as error:
            raise HaproxyFailed(f"HAProxy cannot be started: {error}") from error
        try:
            async with asyncio.timeout(_START_SECONDS):
                while await runtime.pid(own) is None:
                    if child.returncode is not None:
                        raise HaproxyFailed(
                            f"HAProxy ended at once with status {child.returncode} (above: why)"
                        )
                    await asyncio.sleep(0.01)
        except TimeoutError:
            child.kill()  # it is not watched for an answer that comes later
            raise HaproxyFailed(f"HAProxy does not answer within {_START_SECONDS:.0f} s") from None
        _lead(self._files.socket, own)


def _lead(link: Path, path: Path) -> None:
    """Have a link lead to a path beside it."""
    new = link.with_suffix(".link")
    new.unlink(missing_ok=True)
    new.symlink_to(path.name)
    new.replace(link)


async def _end(child: asyncio.subprocess.Process, number: signal.Signals, limit: float) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await child.wait()


def _read_pids(path: Path) -> list[int]:
    try:
        return [int(line) for line in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _write_pids(path: Path, pids: Iterable[int]) -> None:
    new = path.with_suffix(".new")
    new.write_text("".join(f"{pid}\n" for pid in pids), encoding="ascii")
    new.replace(path)
