"""HAProxy as a child: started, watched, started again when it dies, ended with the proxy.

A proxy that is killed leaves its HAProxy serving; the next proxy in the folder takes over from it
by the pids file: the new HAProxy gets the listening sockets of the old one, which ends when its
requests have.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
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
    """One HAProxy and its successors. `prepare` is called before each start."""

    def __init__(self, files: Files, prepare: Callable[[], None]) -> None:
        self._files = files
        self._prepare = prepare
        self._child: asyncio.subprocess.Process | None = None
        self._former: list[int] = []

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

    async def watch(self) -> None:
        """Start HAProxy again whenever it ends. Runs until it is cancelled."""
        failures = 0
        while True:
            child = self._child
            if child is None:
                return
            began = asyncio.get_running_loop().time()
            status = await child.wait()
            if asyncio.get_running_loop().time() - began > _LONG_ENOUGH:
                failures = 0
            log.error("HAProxy ended; it is started again", pid=child.pid, status=status)
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1
            try:
                await self._launch(())
            except HaproxyFailed as error:
                log.warning("HAProxy does not start", why=str(error))

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
                *("haproxy", "-c", "-q", "-f", str(self._files.configuration)),
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
        # Where it fails, HAProxy begins with an older map, and gets all anew with the first apply.
        with contextlib.suppress(OSError):
            self._prepare()
        command = ["haproxy", "-db", "-f", str(self._files.configuration)]
        if former:
            command += ["-x", str(self._files.socket), "-sf", *map(str, former)]
        else:
            self._files.socket.unlink(missing_ok=True)
        try:
            self._child = child = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL
            )
            lines = [str(pid) for pid in (child.pid, *former)]
            self._files.pids.write_text("\n".join(lines) + "\n", encoding="ascii")
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
