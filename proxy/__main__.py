"""The proxy as a program: `python -m proxy`. Wiring, signals and exit codes; no more.

Exit codes: 0 stopped by a signal, 1 a defect or HAProxy cannot be started, 2 wrong settings.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry

from prevs.paths import Paths
from prevs.signatures import derive_key
from program.http.public_suffixes import find_reach
from program.http.request_ids import RequestIds
from program.logs import log_output
from program.settings.environment import SettingsError
from proxy import certificates, internal_api, serving, settings
from proxy.framework.api_client import FrameworkApi
from proxy.framework.usage_report import UsageReporter
from proxy.haproxy import config
from proxy.haproxy.config import Files
from proxy.haproxy.old_processes import OldProcesses
from proxy.haproxy.process import HaproxyProcess
from proxy.haproxy.router import HaproxyRouter
from proxy.held import probe
from proxy.hold_server import HoldServer
from proxy.intervals import USUAL, Intervals
from proxy.metrics import Metrics
from proxy.model.errors import HaproxyFailed
from proxy.room import app
from proxy.room.context import RoomContext, make_context
from proxy.routing.controller import Controller
from proxy.routing.placements import ZookeeperPlacements
from proxy.routing.routing_table import RoutingTable
from proxy.serving import Server
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


class _Components(NamedTuple):
    placements: ZookeeperPlacements
    controller: Controller
    reporter: UsageReporter
    router: HaproxyRouter
    haproxy: HaproxyProcess
    old_processes: OldProcesses
    framework: FrameworkApi
    room: RoomContext
    pages: Server
    internal: Server
    hold_server: HoldServer


def _wire(chosen: Settings, files: Files, intervals: Intervals) -> _Components:
    loop = asyncio.get_running_loop()
    run = secrets.token_hex(6)
    proxy_id = f"{os.uname().nodename}-{os.getpid()}-{run}"
    tokens = chosen.tokens()
    table, metrics = RoutingTable(), Metrics(CollectorRegistry())
    router, old_processes = HaproxyRouter(files.socket, files.map, run), OldProcesses(files)
    placements = ZookeeperPlacements(
        chosen.zookeeper,
        Paths(chosen.root),
        proxy_id,
        lambda: loop.call_soon_threadsafe(controller.trigger),
        identities=chosen.identities(),
    )
    controller = Controller(
        placements,
        router,
        table,
        domain=chosen.domain,
        trusted=tuple(map(derive_key, tokens)),
        save_map=router.save_map,
        observe_change=metrics.changes.observe,
        intervals=intervals,
    )
    framework = FrameworkApi(chosen.addresses(), tokens[0])
    room = make_context(
        framework,
        table,
        metrics,
        proxy_id=proxy_id,
        tokens=tokens,
        domain=chosen.domain,
        probe=probe.accepts_connections,
        budgets=chosen.budgets(),
    )
    _watch(controller, room)
    return _Components(
        placements,
        controller,
        UsageReporter(router, framework, proxy_id, intervals=intervals),
        router,
        HaproxyProcess(files, old_processes, router.replaced),
        old_processes,
        framework,
        room,
        serving.make_server(RequestIds(app.make_app(room))),
        serving.make_server(internal_api.make_app(room, _probes(controller))),
        HoldServer(room),
    )


def _watch(controller: Controller, room: RoomContext) -> None:
    """Have /metrics show the state of these two."""
    room.metrics.watch(
        since_applied=controller.since_applied,
        since_cycle=controller.since_cycle,
        routes=lambda: len(room.table.routes),
        left_out=controller.left_out,
        refusing=lambda: len(room.refused_tasks.tasks),
        checks=controller.readiness,
    )


def _probes(controller: Controller) -> internal_api.Probes:
    return internal_api.Probes(
        lambda: (controller.health(),), lambda: (controller.health(), *controller.readiness())
    )


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
    loop = asyncio.get_running_loop()
    stop_requested = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_requested.set)
    parts = _wire(chosen, files, intervals)
    config.write(files, chosen.front())
    servers = [
        loop.create_task(parts.pages.serve(sockets=[serving.listen(files.room)])),
        loop.create_task(parts.internal.serve(sockets=[serving.listen(files.internal)])),
    ]
    held = serving.listen(files.held)
    loops: list[asyncio.Task[None]] = []
    if chosen.certificates:  # it notes their state before HAProxy reads them
        watched = certificates.watch(chosen.certificates, parts.haproxy.reload)
        loops.append(loop.create_task(watched))
    try:
        await _start(parts)
        log.info("the proxy runs", listen=chosen.proxy_listen, api=chosen.api)
        loops += [
            loop.create_task(parts.hold_server.serve(held)),
            loop.create_task(parts.haproxy.watch()),
            loop.create_task(parts.old_processes.run()),
            loop.create_task(parts.controller.run()),
            loop.create_task(parts.reporter.run()),
            loop.create_task(parts.room.refused_tasks.run()),
        ]
        end = loop.create_task(_wait(stop_requested))
        await asyncio.wait([*servers, *loops, end], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in [*servers, *loops] if task.done()]
        end.cancel()
    finally:
        await _end(parts, servers, loops)
    for task in failed:
        log.critical("a part of the proxy ended", exc_info=task.exception())
    return DEFECT if failed else 0


async def _start(parts: _Components) -> None:
    """Start HAProxy with the placements, or with the last known routes. Raises HaproxyFailed.

    The hold server starts after this. The last known routes may lack a task that has refused a
    held request; when its route came back, that would look like a new placement.
    """
    parts.room.table.replace(parts.router.load_map())
    parts.placements.start()
    first = await parts.controller.read_first(_FIRST_READ_SECONDS)
    if first is not None:
        parts.router.begin_with(first)
    await parts.haproxy.start()
    await parts.controller.cycle()


async def _end(
    parts: _Components, servers: list[asyncio.Task[None]], loops: list[asyncio.Task[None]]
) -> None:
    """End all components; first the proxy's record, which promises to follow the placements."""
    for task in loops:
        task.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await parts.placements.stop()
    parts.room.pending_starts.close()
    parts.room.refused_tasks.close()
    parts.room.preview_streams.close()
    parts.pages.should_exit = parts.internal.should_exit = True
    await parts.haproxy.stop()
    await asyncio.gather(*servers, return_exceptions=True)
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
    sys.exit(main())
