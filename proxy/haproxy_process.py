"""HAProxy as a child: started, watched, started again when it dies, ended with the proxy.

A proxy that is killed leaves its HAProxy serving; the next proxy in the folder takes over from it
by the pids file: the new HAProxy gets the listening sockets of the old one, which ends when its
requests have.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import structlog

from proxy import haproxy_text
from proxy.errors import HaproxyFailed
from proxy.haproxy_config import Files

log = structlog.get_logger(__name__)

_START_SECONDS = 10.0
_SOFT_STOP_SECONDS = 1.0
_STOP_SECONDS = 2.0
_LONG_ENOUGH = 5.0
_HANGS_SECONDS = 5.0
"""After this long without an answer to `show info` a process hangs."""
_PAUSES = (0.0, 0.1, 0.5, 2.0)


class HaproxyProcess:
    """One HAProxy and its successors; each starts in a context of `replacing`.

    Started and watched in one task at a time; `reload` may be called by any other.
    """

    def __init__(
        self, files: Files, replacing: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._files = files
        self._replacing = replacing
        self._child: asyncio.subprocess.Process | None = None
        self._former: list[int] = []
        self._to_reload = asyncio.Event()

    async def start(self) -> None:
        """Start HAProxy, in the place of one that an earlier proxy left. Raises HaproxyFailed."""
        self._former = [pid for pid in _read_pids(self._files.pids) if self._is_ours(pid)]
        if await _answering_pid(self._files.socket) is None:
            for pid in self._former:
                _kill(pid, signal.SIGKILL)
            self._former = []
        await self._check()
        await self._launch(self._former)
        if self._former:
            log.info("took over from the HAProxy of an earlier proxy", pids=self._former)

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
            try:
                await self._launch(())
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
        self._former = [pid for pid in (child.pid, *self._former) if self._is_ours(pid)]
        try:
            await self._check()
            await self._launch(self._former)
        except HaproxyFailed as error:
            log.warning("HAProxy is not reloaded; it goes on as it was", why=str(error))
            failed, self._child = self._child, child
            self._former = [pid for pid in self._former if pid != child.pid]
            if failed is not None and failed is not child:
                await _end(failed, signal.SIGKILL, _STOP_SECONDS)
        else:
            log.info("HAProxy was reloaded", pids=self._former)

    async def stop(self) -> None:
        """End every HAProxy of this folder: those with open requests get a second for them."""
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            await _end(child, signal.SIGUSR1, _SOFT_STOP_SECONDS)
            await _end(child, signal.SIGTERM, _STOP_SECONDS)
            await _end(child, signal.SIGKILL, _STOP_SECONDS)
        for pid in self._former:
            if self._is_ours(pid):
                _kill(pid, signal.SIGKILL)
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

    async def _launch(self, former: Sequence[int]) -> None:
        """Start a HAProxy and wait until it answers. Raises HaproxyFailed."""
        async with self._replacing():
            await self._start_and_await(former)

    async def _start_and_await(self, former: Sequence[int]) -> None:
        command = ["haproxy", "-db", "-f", str(self._files.configuration)]
        if former:
            command += ["-x", str(self._files.socket), "-sf", *map(str, former)]
        else:
            self._files.socket.unlink(missing_ok=True)
        try:
            self._child = child = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL
            )
            _write_pids(self._files.pids, (child.pid, *self._former))
        except OSError as error:
            raise HaproxyFailed(f"HAProxy cannot be started: {error}") from error
        try:
            async with asyncio.timeout(_START_SECONDS):
                while await _answering_pid(self._files.socket) != child.pid:
                    if child.returncode is not None:
                        raise HaproxyFailed(
                            f"HAProxy ended at once with status {child.returncode} (above: why)"
                        )
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise HaproxyFailed(f"HAProxy does not answer within {_START_SECONDS:.0f} s") from None

    def _is_ours(self, pid: int) -> bool:
        """Tell whether a process is a HAProxy that runs by our configuration."""
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self._files.configuration) in arguments


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


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


async def _answering_pid(path: Path) -> int | None:
    """Return which process answers on a runtime socket: for a moment it may be the former one.

    None where none does, or takes the connection and says nothing.
    """
    try:
        async with asyncio.timeout(_HANGS_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(haproxy_text.SHOW_INFO.encode() + b"\n")
                reply = await reader.read()
            finally:
                writer.close()
    except OSError:
        return None
    return haproxy_text.answering_pid(reply.decode("utf-8", "replace"))
