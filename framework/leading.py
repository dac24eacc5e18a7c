"""What runs while this framework leads: made from what is stored, and ended together."""

import functools
import gc
import getpass
import queue
import socket
from pathlib import Path
from secrets import choice, token_hex, token_urlsafe
from typing import NamedTuple

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from driver import tls
from driver.scheduler import Credential
from framework import dashboard, events, http_api, installation, mesos, recovery
from framework.clock import Clock
from framework.errors import Fatal, ForeignState
from framework.following import Following
from framework.keeping import Keeping
from framework.kept_logs import KeptLogs, LastingSandboxes
from framework.launching import next_attempt
from framework.mesos_state import MesosState
from framework.metrics import Metrics
from framework.ports import Store, Stored
from framework.previews import ServicePreviews
from framework.reading import Reading
from framework.records import Records
from framework.refs import Mirrors
from framework.sandbox import AgentSandboxes
from framework.sealing import Keyring
from framework.secrets import ServiceSecrets
from framework.service import Service
from framework.settings import Settings
from framework.task_info import Executor, Origin
from framework.tokens import ServiceTokens
from prevs.paths import Paths
from prevs.records import InstallationRecord
from program import health
from program.health import Check

Inbox = queue.SimpleQueue[events.Event]


class Leading(NamedTuple):
    """The parts of a leader. `serve` needs a thread; the others have their own."""

    service: Service
    cluster: mesos.MesosCluster
    following: Following
    reading: Reading
    keeping: Keeping
    app: FastAPI

    def serve(self) -> Fatal | None:
        """Decide until told to stop, or until what is returned. Blocks."""
        self.service.run()
        return self.service.ended

    def start(self) -> None:
        """Begin to follow branches, to keep logs, and to subscribe with Mesos. Does not block."""
        self.following.start()
        self.reading.start()
        self.keeping.start()
        self.cluster.start()

    def stop(self) -> None:
        """Have all parts end; every task goes on. Blocks for some seconds at most."""
        self.service.inbox.put(events.Stop())
        self.following.stop()
        self.reading.stop()
        self.keeping.stop()
        self.cluster.stop()


def make(
    chosen: Settings,
    store: Store,
    inbox: Inbox,
    registry: CollectorRegistry,
    *,
    executor: Executor,
) -> Leading:
    """Make the parts from what is stored. Raises ForeignState, Unavailable."""
    clock = Clock()
    stored = store.load()
    refuse_without_id(stored, Paths(chosen.root).framework_id)
    # All of this stays: no collection need look at it again (a tenth of a second for 10,000).
    gc.collect()
    gc.freeze()
    cluster = _cluster(chosen, inbox, stored.framework_id)
    # What reads repositories needs credentials, and is made before what keeps them.
    given = ServiceSecrets(lambda: service, clock.now)
    refs = Mirrors(
        chosen.dir / "mirrors", interval=chosen.refs_interval, credential=given.credential
    )
    metrics = Metrics(registry)
    following = Following(
        refs,
        inbox.put,
        lambda: service.snapshot,
        interval=chosen.refs_interval,
        failed=lambda app: metrics.fetches_failed.labels(app).inc(),
    )
    reading = Reading(refs, inbox.put)
    service = Service(
        Records(stored, store, clock, Keyring(chosen.keys())),
        cluster,
        inbox=inbox,
        origin=_origin(chosen, executor),
        new_attempt=functools.partial(next_attempt, choice),
        forget_mirror=following.forget,
        read_settings=reading.begin,
        metrics=metrics,
        clock=clock,
        limits=chosen.limits,
        era=token_hex(4),
    )
    there = AgentSandboxes(
        lambda: cluster.master,
        lambda: service.framework_id,
        credential=_credential(chosen),
        authority=chosen.master_ca_file,
    )
    kept = KeptLogs(chosen.dir / "logs")
    app = _make_app(
        chosen,
        service,
        cluster,
        refs=refs,
        sandboxes=LastingSandboxes(there, kept),
        secrets=given,
        clock=clock,
        registry=registry,
    )
    keeping = Keeping(there, kept, lambda: service.snapshot)
    return Leading(service, cluster, following, reading, keeping, app)


def _make_app(
    chosen: Settings,
    service: Service,
    cluster: mesos.MesosCluster,
    *,
    refs: Mirrors,
    sandboxes: LastingSandboxes,
    secrets: ServiceSecrets,
    clock: Clock,
    registry: CollectorRegistry,
) -> FastAPI:
    """Return the API and the dashboard over the parts."""
    operator, addresses = chosen.token(), chosen.addresses()
    admission = _admission(chosen.dir, operator, service, clock)
    ports = dashboard.Ports(
        previews=ServicePreviews(service),
        refs=refs,
        sandboxes=sandboxes,
        agents=MesosState(
            lambda: cluster.master, _credential(chosen), authority=chosen.master_ca_file
        ),
        tokens=admission.tokens,
        audit=admission.audit,
        secrets=secrets,
        ready=lambda: _not_ready(service, cluster),
    )
    app = http_api.make_app(
        ports.previews,
        refs,
        sandboxes,
        admission=admission,
        agents=ports.agents,
        secrets=secrets,
        addresses=addresses,
        registry=registry,
        ready=ports.ready,
        checks=http_api.Probes(lambda: (service.health(),), lambda: _readiness(service, cluster)),
    )
    dashboard.add_dashboard(app, ports, operator_token=operator, addresses=addresses)
    return app


def refuse_without_id(stored: Stored, path: str) -> None:
    """Raise ForeignState where tasks belong to a framework id that is not at `path` any more.

    Under a new id nobody would end them, and each of their previews would run a second time.
    """
    tasks = recovery.tasks_of(stored.previews)
    if stored.framework_id is None and tasks and not stored.forgotten:
        why = (
            f"holds no framework id, but {len(tasks)} previews have a task under the one that was "
            "there. Put it back, or run `python -m framework --forget id`."
        )
        raise ForeignState(path, why)


def describe(chosen: Settings) -> InstallationRecord:
    """Return what has to be the same for every framework at the root."""
    return InstallationRecord(
        master=installation.name_master(chosen.master, chosen.zookeeper),
        name=chosen.name,
        role=chosen.role,
        user=getpass.getuser(),
        domain=chosen.domain,
        principal=chosen.principal,
    )


def _admission(folder: Path, operator: str, service: Service, clock: Clock) -> http_api.Admission:
    return http_api.Admission(
        ServiceTokens(service, operator, functools.partial(token_urlsafe, 32)),
        http_api.Audit(folder, clock.now, functools.partial(token_hex, 6)),
        http_api.Vouching(operator, clock.now),
        clock.monotonic,
    )


def _origin(chosen: Settings, executor: Executor) -> Origin:
    """Return what is the same for every task; the framework id is Mesos's to give."""
    return Origin(
        "",
        executor,
        chosen.addresses(),
        registry=chosen.registry,
        fetch_limit=chosen.fetch_limit,
        build_limit=chosen.build_limit,
    )


def _credential(chosen: Settings) -> tuple[str, str] | None:
    secret = chosen.secret()
    return (chosen.principal, secret) if chosen.principal and secret else None


def _cluster(chosen: Settings, inbox: Inbox, framework_id: str | None) -> mesos.MesosCluster:
    info = mesos.framework_info(
        name=chosen.name,
        role=chosen.role,
        user=getpass.getuser(),
        hostname=socket.gethostname(),
        webui_url=f"{chosen.api}/",
        principal=chosen.principal,
    )
    credential = _credential(chosen)
    return mesos.MesosCluster(
        mesos.Inbox(inbox.put),
        info,
        chosen.master,
        framework_id=framework_id,
        credential=Credential(*credential) if credential else None,
        tls=tls.make_context(chosen.master_ca_file) if chosen.master_ca_file else None,
    )


def _not_ready(service: Service, cluster: mesos.MesosCluster) -> str | None:
    return health.why_not(_readiness(service, cluster))


def _readiness(service: Service, cluster: mesos.MesosCluster) -> tuple[Check, ...]:
    """Return the service's checks; that of Mesos tells what the link to it has met."""
    why = cluster.problem
    return tuple(
        check._replace(detail=f"{check.detail} ({why})")
        if why and check.name == "mesos" and not check.ok
        else check
        for check in service.readiness()
    )
