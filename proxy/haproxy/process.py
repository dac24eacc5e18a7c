"""HAProxy as a child process: started, watched, restarted when it dies, ended with the proxy.

When a proxy is killed, its HAProxy goes on serving. The next proxy in the folder finds it by the
pids file: the new HAProxy gets the listening sockets of the old one, and the old one is ended when
its last connection has ended.

The first HAProxy of a proxy is replaced at once. It stays, accepts nothing, and keeps the listening
sockets open: while a killed HAProxy is started again, clients wait instead of being refused.
"""

import asyncio
import contextlib
import math
import os
import signal
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import structlog

from proxy.haproxy import runtime
from proxy.haproxy.config import Files
from proxy.haproxy.old_processes import OldProcesses
from proxy.model.errors import HaproxyFailed

log = structlog.get_logger(__name__)

_START_SECONDS = 10.0
_SOFT_STOP_SECONDS = 1.0
_STOP_SECONDS = 2.0
_LONG_ENOUGH = 5.0
_PATIENCE_SECONDS = 30.0
_PAUSES = (0.0, 0.1, 0.5, 2.0)
_COMMAND = 'PREVS_PID=$$ exec haproxy "$@"'


class HaproxyProcess:
    """One HAProxy and its successors.

    Each starts within the context `replacing`, which gets the runtime sockets of the processes that
    it replaces, and with `variables` in its environment. One task at a time starts and watches; any
    task may call `reload`. Clients wait for `patience` seconds at most until HAProxy is back.
    """

    def __init__(
        self,
        files: Files,
        old_processes: OldProcesses,
        replacing: Callable[[Collection[Path]], AbstractAsyncContextManager[None]],
        *,
        variables: Mapping[str, str],
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._files = files
        self._patience = patience
        self._replacing = replacing
        self._environment = {**os.environ, **variables}
        self._child: asyncio.subprocess.Process | None = None
        self._old_processes = old_processes
        self._to_reload = asyncio.Event()

    async def start(self) -> None:
        """Start HAProxy, and one that keeps its listening sockets. Raises HaproxyFailed.

        They replace those that an earlier proxy left behind, which may listen elsewhere.
        """
        await self._old_processes.adopt(_read_pids(self._files.pids))
        await self._check()
        child = await self._launch()
        if self._old_processes.pids:
            log.info(
                "took over from the HAProxy of an earlier proxy", pids=self._old_processes.pids
            )
        self._old_processes.add(child.pid)
        await self._launch()

    def reload(self) -> None:
        """Have a new HAProxy take over soon, with the files as they are then.

        No connection is lost: the old process ends with its last connection. If HAProxy rejects the
        files, that is logged and the old process goes on.
        """
        self._to_reload.set()

    async def watch(self) -> None:
        """Start HAProxy again whenever it ends, and at each reload. Runs until cancelled.

        Raises HaproxyFailed if that fails for so long that clients should be refused.
        """
        failures, clock = 0, asyncio.get_running_loop().time
        down_since = math.inf
        while child := self._child:
            began = clock()
            status = await self._end_or_reload(child)
            if status is None:
                await self._reload(child)
                continue
            if clock() - began > _LONG_ENOUGH:
                failures = 0
            down_since = min(down_since, clock())
            log.error("HAProxy ended; starting it again", pid=child.pid, status=status)
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1
            self._old_processes.discard(child.pid)
            try:
                await self._launch()
                down_since = math.inf
            except HaproxyFailed as error:
                if clock() - down_since > self._patience:
                    raise
                log.warning("HAProxy does not start", why=str(error))

    async def _end_or_reload(self, child: asyncio.subprocess.Process) -> int | None:
        """Return the exit status of a child that ended, None when HAProxy is to be reloaded."""
        ended = asyncio.create_task(child.wait())
        reload = asyncio.create_task(self._to_reload.wait())
        try:
            await asyncio.wait({ended, reload}, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else None
        finally:
            ended.cancel()
            reload.cancel()

    async def _reload(self, child: asyncio.subprocess.Process) -> None:
        self._to_reload.clear()
        self._old_processes.add(child.pid)
        try:
            await self._check()
            await self._launch()
        except HaproxyFailed as error:
            log.warning("HAProxy was not reloaded; it keeps its old configuration", why=str(error))
            failed, self._child = self._child, child
            self._old_processes.remove(child.pid)
            if failed is not None and failed is not child:
                await _end(failed, signal.SIGKILL, _STOP_SECONDS)
                self._old_processes.discard(failed.pid)
        else:
            log.info("HAProxy was reloaded", pids=self._old_processes.pids)

    async def stop(self) -> None:
        """End every HAProxy of this folder. Open requests get one second to finish."""
        child, self._child = self._child, None
        self._old_processes.stop()
        if child is not None and child.returncode is None:
            await _end(child, signal.SIGUSR1, _SOFT_STOP_SECONDS)
            await _end(child, signal.SIGTERM, _STOP_SECONDS)
            await _end(child, signal.SIGKILL, _STOP_SECONDS)
            self._old_processes.discard(child.pid)
        await self._old_processes.kill(_STOP_SECONDS)
        self._files.pids.unlink(missing_ok=True)

    async def _check(self) -> None:
        try:
            check = await asyncio.create_subprocess_exec(
                *("haproxy", "-c", "-f", str(self._files.configuration)),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment,
            )
        except FileNotFoundError:
            raise HaproxyFailed("there is no haproxy on PATH; install HAProxy 3") from None
        except OSError as error:  # such as too many open files
            raise HaproxyFailed(f"HAProxy's configuration cannot be checked: {error}") from error
        output, _ = await check.communicate()
        if check.returncode != 0:
            raise HaproxyFailed(f"HAProxy refuses its configuration: {output.decode().strip()}")

    async def _launch(self) -> asyncio.subprocess.Process:
        """Start a HAProxy, wait until it answers, retire the old ones. Raises HaproxyFailed."""
        async with self._replacing(self._old_processes.sockets()):
            child = await self._start_and_await()
            await self._old_processes.retire()
            return child

    async def _start_and_await(self) -> asyncio.subprocess.Process:
        child = await self._spawn()
        own = self._files.own_socket(child.pid)
        try:
            async with asyncio.timeout(_START_SECONDS):
                while await runtime.pid(own) is None:
                    if child.returncode is not None:
                        raise HaproxyFailed(
                            f"HAProxy ended at once with status {child.returncode}: "
                            f"{_read_alerts(self._files.messages)}"
                        )
                    await asyncio.sleep(0.01)
        except TimeoutError:
            child.kill()  # nobody would notice if it answered later
            raise HaproxyFailed(f"HAProxy does not answer within {_START_SECONDS:.0f} s") from None
        _point(self._files.socket, own)
        return child

    async def _spawn(self) -> asyncio.subprocess.Process:
        command = ["sh", "-c", _COMMAND, "sh", "-db", "-f", str(self._files.configuration)]
        # Any old process can hand over the listeners: a retired one keeps them open, unused.
        for old_socket in self._old_processes.sockets()[:1]:
            command += ["-x", str(old_socket)]
        null = asyncio.subprocess.DEVNULL
        try:
            # In a file: they are no lines of our log, and a pipe would end with the proxy.
            self._files.messages.write_bytes(b"")
            with self._files.messages.open("ab") as messages:
                self._child = child = await asyncio.create_subprocess_exec(
                    *command, stdin=null, stderr=messages, env=self._environment
                )
            _write_pids(self._files.pids, (child.pid, *self._old_processes.pids))
        except OSError as error:
            raise HaproxyFailed(f"HAProxy cannot be started: {error}") from error
        return child


def _read_alerts(messages: Path) -> str:
    """Return why HAProxy has ended, as it says itself."""
    try:
        lines = messages.read_text(errors="replace").splitlines()
    except OSError as error:
        return f"{messages} cannot be read: {error}"
    return " ".join(line for line in lines if line.startswith("[ALERT]")) or f"see {messages}"


def _point(link: Path, path: Path) -> None:
    """Make `link` a symbolic link to a path beside it."""
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
