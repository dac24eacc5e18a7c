"""The proxy as a program: `python -m proxy`. Its start and end, signals and exit codes; no more.

Exit codes: 0 stopped by a signal, 1 a defect or HAProxy cannot be started, 2 wrong settings.
"""

import asyncio
import contextlib
import fcntl
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence

if __name__ == "__main__":
    gc.disable()  # until all is imported, as in framework/__main__.py

import structlog

from program.http.public_suffixes import find_reach
from program.logs import log_output
from program.settings.environment import SettingsError
from proxy import certificates, servers, settings
from proxy.components import Components, make_components
from proxy.haproxy import config
from proxy.haproxy.config import Files
from proxy.intervals import USUAL, Intervals
from proxy.model.errors import HaproxyFailed
from proxy.settings import Settings

DEFECT, BAD_SETTINGS = 1, 2
_FIRST_READ_SECONDS = 3.0
"""How long to wait for ZooKeeper before HAProxy starts with the last known routes."""

log = structlog.get_logger("proxy")


def main(intervals: Intervals = USUAL) -> int:
    """Run until a signal; return the exit code. A test may pass shorter `intervals`."""
    log_output.configure()
    try:
        chosen = settings.read(os.environ)
        log_output.configure(chosen.log)
        files = Files(chosen.proxy_dir)
        with _locked(files):
            _warn_about_cookies(chosen.domain)
            return asyncio.run(_run(chosen, files, intervals))
    except SettingsError as error:
        for problem in error.problems:
            print(f"proxy: {problem}", file=sys.stderr)
        return BAD_SETTINGS
    except HaproxyFailed as error:
        log.critical("the proxy ends", why=str(error), listen=chosen.proxy_listen)
        return DEFECT


def _warn_about_cookies(domain: str) -> None:
    reach = find_reach(domain)
    if reach is not None:
        log.warning(
            "scripts of a preview can set cookies that other previews get",
            domain=reach,
            do="give previews a domain of their own, and have it put on the public suffix list "
            "(docs/operating/tls.md)",
        )


async def _run(chosen: Settings, files: Files, intervals: Intervals) -> int:
    """Run all components until one ends or a signal comes, and end the others."""
    stop_requested = _catch_signals()
    parts = make_components(chosen, files, intervals)
    config.write(files, chosen.front())
    server_tasks = [
        asyncio.create_task(parts.pages.serve(sockets=[servers.listen(files.room)])),
        asyncio.create_task(parts.internal.serve(sockets=[servers.listen(files.internal)])),
    ]
    held = servers.listen(files.held)
    loops: list[asyncio.Task[None]] = []
    if chosen.certificates:  # it notes their state before HAProxy reads them
        watched = certificates.watch(chosen.certificates, parts.haproxy.reload)
        loops.append(asyncio.create_task(watched))
    try:
        await _start(parts)
        log.info("the proxy runs", listen=chosen.proxy_listen, api=chosen.api)
        loops += _start_loops(parts, held)
        failed = await _wait_for_end([*server_tasks, *loops], stop_requested)
    finally:
        await _end(parts, server_tasks, loops)
    for task in failed:
        log.critical("a part of the proxy ended", exc_info=task.exception())
    return DEFECT if failed else 0


def _catch_signals() -> asyncio.Event:
    """Return what is set once a signal requests the end of the proxy."""
    stop_requested = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_requested.set)
    return stop_requested


def _start_loops(parts: Components, held: socket.socket) -> list[asyncio.Task[None]]:
    """Start what runs as long as the proxy. Held requests come at the socket `held`."""
    return [
        asyncio.create_task(loop)
        for loop in (
            parts.hold_server.serve(held),
            parts.haproxy.watch(),
            parts.old_processes.run(parts.haproxy.reload),
            parts.routing.controller.run(),
            parts.reporter.run(),
            parts.room.refused_tasks.run(),
        )
    ]


async def _wait_for_end(
    tasks: Sequence[asyncio.Task[None]], stop_requested: asyncio.Event
) -> Sequence[asyncio.Task[None]]:
    """Wait until a stop is requested or a task has ended; return the tasks that have."""
    stop = asyncio.create_task(_wait(stop_requested))
    await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    ended = [task for task in tasks if task.done()]
    stop.cancel()
    return ended


async def _start(parts: Components) -> None:
    """Start HAProxy with the placements, or with the last known routes.

    The hold server starts after this. The last known routes may lack a task that has refused a
    held request; when its route came back, that would look like a new placement.
    """
    placements, controller, router, table = parts.routing
    routes, table.accesses = router.load_map()
    table.replace(routes)
    placements.start()
    first = await controller.read_first(_FIRST_READ_SECONDS)
    if first is not None:
        router.begin_with(first, table.accesses, table.gates)
    await parts.haproxy.start()
    await controller.cycle()


async def _end(
    parts: Components, server_tasks: list[asyncio.Task[None]], loops: list[asyncio.Task[None]]
) -> None:
    """End all components; first the proxy's record, which promises to follow the placements."""
    for task in loops:
        task.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await parts.routing.placements.stop()
    parts.room.pending_starts.close()
    parts.room.refused_tasks.close()
    parts.room.preview_streams.close()
    parts.pages.should_exit = parts.internal.should_exit = True
    await parts.haproxy.stop()
    await asyncio.gather(*server_tasks, return_exceptions=True)
    await parts.framework.close()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


@contextlib.contextmanager
def _locked(files: Files) -> Iterator[None]:
    """Lock the proxy's folder. Raises SettingsError."""
    with contextlib.ExitStack() as stack:
        try:
            files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = stack.enter_context(files.lock.open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = f"PREVS_PROXY_DIR: another proxy uses {files.folder}; give each its own"
            raise SettingsError([text]) from None
        except OSError as error:
            text = f"PREVS_PROXY_DIR: {files.folder} cannot be used ({error})"
            raise SettingsError([text]) from None
        yield


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
