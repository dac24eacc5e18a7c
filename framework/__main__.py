"""The framework as a program: `python -m framework`. Wiring, signals and exit codes; no more.

Exit codes: 0 asked to end, 1 a defect, 2 settings, 3 Mesos refuses this framework (an operator
decides), 4 ZooKeeper is away (start again), 5 another framework writes the same records.
Whatever it is, no task ends with it.
"""

import functools
import getpass
import os
import queue
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from driver.scheduler import Credential
from framework import events, http_api, mesos, settings, zookeeper
from framework.clock import Clock
from framework.errors import Unavailable
from framework.following import Following
from framework.launching import next_attempt
from framework.limits import Limits
from framework.metrics import Metrics
from framework.previews import ServicePreviews
from framework.records import Records
from framework.refs import Mirrors
from framework.sandbox import AgentSandboxes
from framework.service import Service
from framework.settings import Settings
from framework.task_info import Origin
from prevs.paths import Paths
from program import logs
from program.settings import SettingsError

DEFECT, BAD_SETTINGS, NO_ZOOKEEPER = 1, 2, 4
ZOOKEEPER_SECONDS = 30.0
"""How long to wait for ZooKeeper at the start, before the supervisor gets to know."""

OPEN_REQUESTS_SECONDS = 1
"""How long open requests may go on at the end: who follows a log would otherwise hold it up."""

log = structlog.get_logger("framework")


def main() -> int:
    """Run until told to end; return the exit code."""
    logs.configure()
    try:
        chosen = settings.read(os.environ)
        listener = _listen(chosen)
    except SettingsError as error:
        for problem in error.problems:
            print(f"framework: {problem}", file=sys.stderr)
        return BAD_SETTINGS
    try:
        client = zookeeper.connect(chosen.zookeeper, ZOOKEEPER_SECONDS)
    except Unavailable as error:
        log.critical("the framework ends", why=str(error))
        return NO_ZOOKEEPER
    try:
        return _run(chosen, listener, zookeeper.ZookeeperStore(client, Paths(chosen.root)))
    except Unavailable as error:
        log.critical("the framework ends", why=str(error))
        return NO_ZOOKEEPER
    finally:
        client.stop()
        client.close()


class Parts(NamedTuple):
    """What runs, each on a thread of its own."""

    service: Service
    cluster: mesos.MesosCluster
    following: Following
    server: uvicorn.Server


def _run(chosen: Settings, listener: socket.socket, store: zookeeper.ZookeeperStore) -> int:
    """Run the parts until one ends or a signal comes, end the others; return the exit code."""
    inbox: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    parts = _wire(chosen, store, inbox)
    over: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: over.put(signal.Signals(received).name))
    serving = _thread("service", parts.service.run, over)
    answering = _thread("http", functools.partial(parts.server.run, sockets=[listener]), over)
    parts.following.start()
    parts.cluster.start()
    log.info("the framework runs", api=f"http://{chosen.listen}", master=chosen.master)

    why = over.get()
    log.info("ending", why=why)
    parts.server.should_exit = True
    parts.cluster.stop()
    inbox.put(events.Stop())
    parts.following.stop()
    serving.join(timeout=15)
    answering.join(timeout=5)
    if parts.service.ended is not None:
        return parts.service.ended.exit_code
    return 0 if why in signal.Signals.__members__ else DEFECT


def _wire(
    chosen: Settings, store: zookeeper.ZookeeperStore, inbox: "queue.SimpleQueue[events.Event]"
) -> Parts:
    """Make the parts from what is stored. Raises Unavailable."""
    registry = CollectorRegistry()
    clock = Clock()
    store.watch_link(inbox.put)
    stored = store.load()
    cluster = _cluster(chosen, inbox, stored.framework_id)
    refs = Mirrors(chosen.dir / "mirrors")
    following = Following(refs, inbox.put, lambda: service.snapshot, interval=chosen.refs_interval)
    service = Service(
        Records(stored, store, clock),
        cluster,
        inbox=inbox,
        origin=Origin(
            "", chosen.executor_command, chosen.executor_uris, chosen.domain, chosen.public_port
        ),
        new_attempt=functools.partial(next_attempt, secrets.choice),
        forget_mirror=following.forget,
        metrics=Metrics(registry),
        clock=clock,
        limits=Limits(),
    )
    app = http_api.make_app(
        ServicePreviews(service),
        refs,
        AgentSandboxes(lambda: cluster.master, lambda: service.framework_id),
        token=chosen.token(),
        domain=chosen.domain,
        public_port=chosen.public_port,
        registry=registry,
        ready=lambda: _not_ready(service, cluster),
    )
    return Parts(service, cluster, following, _server(app))


def _server(app: FastAPI) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=OPEN_REQUESTS_SECONDS,
        )
    )


def _listen(chosen: Settings) -> socket.socket:
    try:
        return socket.create_server((chosen.host, chosen.port))
    except OSError as error:
        raise SettingsError([f"PREVS_LISTEN: {chosen.listen} cannot be used ({error})"]) from None


def _cluster(
    chosen: Settings, inbox: "queue.SimpleQueue[events.Event]", framework_id: str | None
) -> mesos.MesosCluster:
    info = mesos.framework_info(
        name=chosen.name,
        role=chosen.role,
        user=getpass.getuser(),
        hostname=socket.gethostname(),
        webui_url=f"http://{chosen.listen}/docs",
        principal=chosen.principal,
    )
    secret = chosen.secret()
    credential = Credential(chosen.principal, secret) if chosen.principal and secret else None
    return mesos.MesosCluster(
        mesos.Inbox(inbox.put),
        info,
        chosen.master,
        framework_id=framework_id,
        credential=credential,
    )


def _not_ready(service: Service, cluster: mesos.MesosCluster) -> str | None:
    why = service.not_ready()
    return f"{why} ({cluster.problem})" if why and cluster.problem else why


def _thread(name: str, run: Callable[[], None], over: "queue.SimpleQueue[str]") -> threading.Thread:
    """Start a thread whose end, by whatever, is the program's."""

    def guarded() -> None:
        try:
            run()
        except Exception:
            log.exception("a thread ends by a defect", thread=name)
        finally:
            over.put(name)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(main())
