"""The components of the proxy, and how they are connected."""

import asyncio
import functools
import os
import secrets
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from prevs.paths import Paths
from prevs.signatures import derive_key, derive_pass_key
from program.http.request_ids import RequestIds
from proxy import internal_api, servers
from proxy.entrance.routes import make_routes
from proxy.framework.api_client import FrameworkApi
from proxy.framework.sources import Sources
from proxy.framework.usage_report import UsageReporter
from proxy.haproxy.config import Files, name_pass_key
from proxy.haproxy.old_processes import OldProcesses
from proxy.haproxy.process import HaproxyProcess
from proxy.haproxy.router import HaproxyRouter
from proxy.held import probe
from proxy.hold_server import HoldServer
from proxy.intervals import Intervals
from proxy.metrics import Metrics, State
from proxy.room import app
from proxy.room.context import RoomContext, RoomSettings, make_context
from proxy.routing.controller import Controller
from proxy.routing.placements import ZookeeperPlacements
from proxy.routing.routing_table import RoutingTable
from proxy.servers import Server
from proxy.settings import Settings


class Routing(NamedTuple):
    """What routes hosts by the placements in ZooKeeper."""

    placements: ZookeeperPlacements
    controller: Controller
    router: HaproxyRouter
    table: RoutingTable


class Components(NamedTuple):
    """All components; nothing of them has started yet."""

    routing: Routing
    haproxy: HaproxyProcess
    old_processes: OldProcesses
    framework: FrameworkApi
    reporter: UsageReporter
    room: RoomContext
    pages: Server
    internal: Server
    hold_server: HoldServer


def make_components(chosen: Settings, files: Files, intervals: Intervals) -> Components:
    """Return the components of a proxy with these settings. Call it in the event loop."""
    run = secrets.token_hex(6)
    proxy_id = f"{os.uname().nodename}-{os.getpid()}-{run}"
    metrics = Metrics(CollectorRegistry())
    router, old_processes = HaproxyRouter(files, run), OldProcesses(files)
    pass_keys = tuple(map(derive_pass_key, chosen.tokens()))
    variables = {name_pass_key(number): key for number, key in enumerate(pass_keys, 1)}
    routing = _make_routing(chosen, router, metrics, proxy_id=proxy_id, intervals=intervals)
    framework = FrameworkApi(chosen.addresses(), chosen.tokens()[0])
    settings = RoomSettings(proxy_id, chosen.tokens(), chosen.domain, chosen.budgets())
    accepts = functools.partial(probe.accepts_connections, source=chosen.proxy_source)
    room = make_context(
        framework, routing.table, metrics, settings, probe=accepts, count_open=router.count
    )
    metrics.watch(_state(routing, room))
    return Components(
        routing,
        HaproxyProcess(files, old_processes, router.replaced, variables=variables),
        old_processes,
        framework,
        UsageReporter(
            router,
            framework,
            proxy_id,
            find_source=Sources(routing.controller.agent_hosts, chosen.proxy_source).find,
            intervals=intervals,
        ),
        room,
        servers.make_server(RequestIds(app.make_app(room, make_routes(room)))),
        servers.make_server(internal_api.make_app(room, _probes(routing.controller))),
        HoldServer(room),
    )


def _make_routing(
    chosen: Settings,
    router: HaproxyRouter,
    metrics: Metrics,
    *,
    proxy_id: str,
    intervals: Intervals,
) -> Routing:
    loop = asyncio.get_running_loop()
    placements = ZookeeperPlacements(
        chosen.zookeeper,
        Paths(chosen.root),
        proxy_id,
        lambda: loop.call_soon_threadsafe(controller.trigger),
        identities=chosen.identities(),
    )
    table = RoutingTable()
    controller = Controller(
        placements,
        router,
        table,
        domain=chosen.domain,
        trusted=tuple(map(derive_key, chosen.tokens())),
        save_map=router.save_map,
        observe_change=metrics.changes.observe,
        intervals=intervals,
    )
    return Routing(placements, controller, router, table)


def _state(routing: Routing, room: RoomContext) -> State:
    return State(
        since_applied=routing.controller.since_applied,
        since_cycle=routing.controller.since_cycle,
        routes=lambda: len(routing.table.routes),
        left_out=routing.controller.left_out,
        refusing=lambda: len(room.refused_tasks.tasks),
        followed=lambda: room.preview_streams.count,
        checks=routing.controller.readiness,
    )


def _probes(controller: Controller) -> internal_api.Probes:
    return internal_api.Probes(
        lambda: (controller.health(),), lambda: (controller.health(), *controller.readiness())
    )
