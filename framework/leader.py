"""The parts that run while this framework leads: made from the stored records, ended together."""

import functools
import gc
import getpass
import queue
import socket
from collections.abc import Callable, Iterable, Sequence
from secrets import choice, token_bytes, token_hex
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from driver import tls
from driver.detector import SCHEME, read_url
from driver.scheduler import Credential
from framework import events, web
from framework.attempts import reconciliation
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.errors import Fatal, ForeignState
from framework.forges.forges import Forges
from framework.forges.parts import ForgeParts, Reading, make_parts
from framework.forges.pull_poller import PullPoller
from framework.forges.teller import Teller
from framework.git.branch_poller import BranchPoller
from framework.git.manifest_reader import ManifestReader
from framework.git.mirrors import Mirrors
from framework.git.remote_refs import RemoteRefs
from framework.http_api.models import event_models
from framework.logs.archive import ArchivedSandboxes, LogArchive
from framework.logs.archiver import LogArchiver
from framework.logs.sandbox import AgentSandboxes
from framework.mesos import scheduler
from framework.metrics import Metrics, NotificationMetrics
from framework.notifications.notifier import Notifier, Published
from framework.notifications.sender import Sender
from framework.ports import HookPorts, Store, Stored
from framework.ports.notifications import NotificationPorts
from framework.ports.tasks import Executor
from framework.preview.lifecycle import WITH_TASK
from framework.scheduling.launches import LaunchTerms, next_attempt
from framework.service.parts import Edges, build_parts
from framework.service.service import Service
from framework.settings import Settings
from framework.state.records import Records
from framework.state.snapshot import Snapshot
from framework.telling.wording import Wording
from framework.vault import Keyring
from framework.zookeeper import installation
from prevs.paths import Paths
from prevs.records import InstallationRecord
from prevs.signatures import derive_key, derive_marker_key
from program.http.health import Check
from program.settings.zookeeper import list_hosts

Inbox = queue.SimpleQueue[events.Event]

log = structlog.get_logger(__name__)


class Leader(NamedTuple):
    """The parts of a leader. `serve` needs a thread; the other parts have their own."""

    service: Service
    cluster: scheduler.MesosCluster
    branch_poller: BranchPoller
    manifest_reader: ManifestReader
    pull_poller: PullPoller
    teller: Teller
    log_archiver: LogArchiver
    notifier: Notifier
    control_plane: ControlPlane
    app: FastAPI

    def serve(self) -> Fatal | None:
        """Run the service until it is stopped, or until a fatal error; return that. Blocks."""
        self.service.run()
        return self.service.ended

    def start(self) -> None:
        """Begin to poll, to tell forges and receivers, to archive logs; subscribe with Mesos.

        Blocks for two seconds if nameservers do not answer.
        """
        self.branch_poller.start()
        self.manifest_reader.start()
        self.pull_poller.start()
        self.teller.start()
        self.log_archiver.start()
        self.notifier.start()
        # Before the first offer: a task needs these addresses.
        self.control_plane.start()
        self.cluster.start()

    def stop(self) -> None:
        """End all parts; tasks keep running. Blocks for some seconds at most."""
        self.service.inbox.put(events.Stop())
        self.branch_poller.stop()
        self.manifest_reader.stop()
        self.pull_poller.stop()
        self.teller.stop()
        self.log_archiver.stop()
        self.notifier.stop()
        self.control_plane.stop()
        self.cluster.stop()


class Shared(NamedTuple):
    """What a leader gets from its program, which has it before it leads.

    `frameworks` returns the machines of all frameworks, `openness` the checks of what is open to
    anybody.
    """

    inbox: Inbox
    registry: CollectorRegistry
    executor: Executor
    frameworks: Callable[[], Sequence[str]]
    openness: Callable[[], Sequence[Check]]


def build_leader(chosen: Settings, store: Store, shared: Shared) -> Leader:
    """Make the parts from the stored records. Raises ForeignState, Unavailable."""

    # These parts are made before the service, which has the credentials and the snapshot.
    def snapshot() -> Snapshot:
        return service.snapshot

    clock, metrics = Clock(), Metrics(shared.registry)
    stored = _load(store, Paths(chosen.root))
    cluster = _cluster(chosen, shared.inbox, stored.framework_id)
    control_plane = _control_plane(chosen, cluster, shared.frameworks, snapshot)
    reading = Reading(
        lambda app: git.branch_poller.fetch(app),  # noqa: PLW0108 - git is made later
        lambda app, sha: git.refs.resolve(app, sha).subject,
    )
    forges = _forges(chosen, shared, snapshot, reading, clock=clock)
    git = _git(chosen, shared.inbox, snapshot, forges=forges, failed=metrics.fetch_failed)
    parts = build_parts(
        _records(chosen, stored, store, clock),
        Edges(cluster, git.branch_poller.forget, git.manifest_reader.begin),
        _terms(chosen, shared.executor, control_plane),
        clock=clock,
        metrics=metrics,
    )
    service = Service(parts, shared.inbox, leader_token=token_hex(4))
    sandboxes = _sandboxes(chosen, cluster, lambda: service.framework_id)
    archive = LogArchive(chosen.dir / "logs")
    archiver = LogArchiver(sandboxes, archive, snapshot)
    logs = ArchivedSandboxes(sandboxes, archive)

    def nudge(app: str) -> None:
        git.branch_poller.nudge(app)
        forges.pull_poller.nudge(app)

    hooks = HookPorts(nudge, git.branch_poller.polling, token_bytes)
    notifier = _notifier(chosen, service, clock, shared.registry)
    notifications = _notification_ports(chosen, notifier, clock)
    sources = web.Sources(
        service,
        cluster,
        git.refs,
        logs,
        hooks=hooks,
        forges=forges.forges,
        confirm=forges.check.confirm,
        find_ref_problem=git.remote_refs.find_problem,
        notifications=notifications,
    )
    openness, registry = shared.openness, shared.registry
    app = web.make_app(chosen, sources, clock=clock, registry=registry, openness=openness)
    _warn_of_local(chosen, stored)
    readers = (git.branch_poller, git.manifest_reader, forges.pull_poller)
    return Leader(service, cluster, *readers, forges.teller, archiver, notifier, control_plane, app)


def _notifier(
    chosen: Settings, service: Service, clock: Clock, registry: CollectorRegistry
) -> Notifier:
    hosts, addresses = chosen.allowed_receivers(), chosen.addresses()
    return Notifier(
        Published(lambda: service.history, lambda: service.snapshot),
        lambda event: event_models.write_notification(event, addresses),
        Sender(hosts, service.control_plane.addresses, clock),
        metrics=NotificationMetrics(registry),
        clock=clock,
    )


def _notification_ports(chosen: Settings, notifier: Notifier, clock: Clock) -> NotificationPorts:
    return NotificationPorts(
        chosen.allowed_receivers(),
        notifier.standing,
        lambda app, receiver: notifier.test(
            app, receiver, event_models.write_test(app, f"test-{token_hex(8)}", clock.now())
        ),
        token_bytes,
    )


class _Git(NamedTuple):
    """The parts that run git."""

    refs: Mirrors
    remote_refs: RemoteRefs
    branch_poller: BranchPoller
    manifest_reader: ManifestReader


def _git(
    chosen: Settings,
    inbox: Inbox,
    snapshot: Callable[[], Snapshot],
    *,
    forges: ForgeParts,
    failed: Callable[[str], None],
) -> _Git:
    """Make the parts that run git; `failed` counts a failed fetch of an app's repository."""
    interval, folder = chosen.refs_interval, chosen.dir / "mirrors"
    refs = Mirrors(
        folder,
        interval=interval,
        credential=lambda app: snapshot().credential(app),
        pulls=lambda app: snapshot().list_pull_heads(app),
    )
    confirm = forges.check.confirm
    branch_poller = BranchPoller(
        refs, inbox.put, snapshot, interval=interval, failed=failed, confirm=confirm
    )
    remote_refs = RemoteRefs(folder, lambda app: snapshot().credential(app))
    return _Git(refs, remote_refs, branch_poller, ManifestReader(refs, inbox.put))


def _forges(
    chosen: Settings,
    shared: Shared,
    snapshot: Callable[[], Snapshot],
    reading: Reading,
    *,
    clock: Clock,
) -> ForgeParts:
    return make_parts(
        Forges(local_allowed=chosen.local_repositories, clock=clock),
        shared.inbox.put,
        snapshot,
        reading=reading,
        wording=Wording(chosen.addresses(), derive_marker_key(chosen.signing()[0])),
        registry=shared.registry,
    )


def _records(chosen: Settings, stored: Stored, store: Store, clock: Clock) -> Records:
    keys = list(map(derive_key, chosen.signing()))
    return Records(stored, store, clock, Keyring(chosen.keys()), keys=keys)


def _terms(chosen: Settings, executor: Executor, control_plane: ControlPlane) -> LaunchTerms:
    new_attempt = functools.partial(next_attempt, choice)
    return LaunchTerms(_origin(chosen, executor), chosen.limits, control_plane, new_attempt)


def _sandboxes(
    chosen: Settings, cluster: scheduler.MesosCluster, framework_id: Callable[[], str | None]
) -> AgentSandboxes:
    return AgentSandboxes(
        lambda: cluster.master,
        framework_id,
        credential=chosen.credential(),
        agents_credential=chosen.agents_credential(),
        authority=chosen.master_ca_file,
    )


def _warn_of_local(chosen: Settings, stored: Stored) -> None:
    if local := web.find_local(chosen, stored.apps):
        log.warning(
            "apps have repositories on this machine, which no new app may have; they continue "
            "to work; PREVS_LOCAL_REPOSITORIES=yes allows it",
            apps=",".join(local),
        )


def _control_plane(
    chosen: Settings,
    cluster: scheduler.MesosCluster,
    frameworks: Callable[[], Sequence[str]],
    snapshot: Callable[[], Snapshot],
) -> ControlPlane:
    looks = (
        lambda: _hosts(_servers(chosen)),
        frameworks,
        lambda: _hosts(cluster.masters),
        lambda: _agents(snapshot()),
    )
    return ControlPlane(looks)


def _servers(chosen: Settings) -> list[str]:
    """Return the HOST:PORT of the servers in the settings: ZooKeeper, masters, this framework."""
    masters = chosen.master
    if masters.startswith(SCHEME):
        masters = read_url(masters).hosts
    return [
        *list_hosts(chosen.zookeeper),
        *masters.split(","),
        chosen.listen,
        urlsplit(chosen.api).netloc,
    ]


def _hosts(servers: Iterable[str]) -> list[str]:
    return [urlsplit(f"//{server}").hostname or "" for server in servers]


def _agents(snapshot: Snapshot) -> list[str]:
    """Return the machines with tasks; the service notes machines with offers itself."""
    previews = snapshot.previews.values()
    return [preview.agent_host or "" for preview in previews if preview.state in WITH_TASK]


def _load(store: Store, paths: Paths) -> Stored:
    stored = store.load()
    refuse_without_id(stored, paths.framework_id)
    # All of this stays, so the garbage collector need not visit it (0.1 s for 10,000 previews).
    gc.collect()
    gc.freeze()
    return stored


def refuse_without_id(stored: Stored, path: str) -> None:
    """Raise ForeignState if tasks belong to a framework id that is no longer at `path`.

    Under a new id, nobody would end these tasks, and each of their previews would run twice.
    """
    tasks = reconciliation.tasks_of(stored.previews)
    if stored.framework_id is None and tasks and not stored.forgotten:
        why = (
            f"holds no framework id, but {len(tasks)} previews have a task under the id that "
            "was there. Put it back, or run `python -m framework --forget id`."
        )
        raise ForeignState(path, why)


def describe(chosen: Settings) -> InstallationRecord:
    """Return the settings that must be equal for all frameworks at the root."""
    return InstallationRecord(
        master=installation.name_master(chosen.master, chosen.zookeeper),
        name=chosen.name,
        role=chosen.role,
        user=getpass.getuser(),
        domain=chosen.domain,
        principal=chosen.principal,
    )


def _origin(chosen: Settings, executor: Executor) -> Origin:
    """Return what all tasks share, without the framework id, which Mesos assigns."""
    return Origin(
        "",
        executor,
        chosen.addresses(),
        registry=chosen.registry,
        fetch_limit=chosen.fetch_limit,
        build_limit=chosen.build_limit,
    )


def _cluster(chosen: Settings, inbox: Inbox, framework_id: str | None) -> scheduler.MesosCluster:
    info = scheduler.framework_info(
        name=chosen.name,
        role=chosen.role,
        user=getpass.getuser(),
        hostname=socket.gethostname(),
        webui_url=f"{chosen.api}/",
        principal=chosen.principal,
    )
    credential = chosen.credential()
    return scheduler.MesosCluster(
        scheduler.Inbox(inbox.put),
        info,
        chosen.master,
        framework_id=framework_id,
        credential=Credential(*credential) if credential else None,
        tls=tls.make_context(chosen.master_ca_file) if chosen.master_ca_file else None,
    )
