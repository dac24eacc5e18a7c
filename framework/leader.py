"""The parts that run while this framework leads: made from the stored records, ended together."""

import functools
import gc
import getpass
import queue
from collections.abc import Callable, Sequence
from secrets import choice, token_bytes, token_hex
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from framework import events, web
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.errors import Fatal, ForeignState
from framework.forges import parts as forge_parts
from framework.forges.forges import Forges
from framework.forges.parts import ForgeParts, Reading
from framework.git import parts as git_parts
from framework.git.parts import Checks, GitParts
from framework.http_api.jobs import job_callbacks
from framework.http_api.models import event_models
from framework.logs import parts as log_parts
from framework.logs.parts import LogParts
from framework.logs.sandbox import AgentSandboxes
from framework.mesos import machines
from framework.mesos.parts import Registration, make_cluster
from framework.mesos.scheduler import MesosCluster
from framework.metrics import Metrics, NotificationMetrics
from framework.notifications import parts as notification_parts
from framework.notifications.notifier import Published
from framework.notifications.parts import NotificationParts, Shown
from framework.notifications.sender import Sender
from framework.ports import HookPorts, Store, Stored
from framework.ports.notifications import NotificationPorts
from framework.ports.tasks import Executor
from framework.scheduling.launches import LaunchTerms, next_attempt
from framework.service.parts import Edges, build_parts
from framework.service.service import Service
from framework.settings import Settings
from framework.state.records import Records
from framework.state.snapshot import Snapshot
from framework.telling.wording import Wording
from framework.units import lifecycle
from framework.vault import Keyring
from framework.zookeeper import installation
from prevs.paths import Paths
from prevs.records import InstallationRecord
from prevs.signatures import derive_key, derive_marker_key
from program.http.health import Check

Inbox = queue.SimpleQueue[events.Event]


class _Thread(Protocol):
    """What runs beside the service, on threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


class Leader(NamedTuple):
    """The parts of a leader. `serve` needs a thread; `threads` have their own.

    The last of these are the control plane and the cluster: a task needs the addresses of the one,
    so they are known before the first offer of the other.
    """

    service: Service
    cluster: MesosCluster
    threads: Sequence[_Thread]
    app: FastAPI

    def serve(self) -> Fatal | None:
        """Run the service until it is stopped, or until a fatal error; return that. Blocks."""
        self.service.run()
        return self.service.ended

    def start(self) -> None:
        """Begin to poll, to tell forges and receivers, to archive logs; subscribe with Mesos.

        Blocks for two seconds if nameservers do not answer.
        """
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """End all parts; tasks keep running. Blocks for some seconds at most."""
        self.service.inbox.put(events.Stop())
        for thread in self.threads:
            thread.stop()


class Shared(NamedTuple):
    """What a leader gets from its program, which has it before it leads.

    `frameworks` returns the machines of all frameworks, `exposure` the checks of what is open to
    anybody.
    """

    inbox: Inbox
    registry: CollectorRegistry
    executor: Executor
    frameworks: Callable[[], Sequence[str]]
    exposure: Callable[[], Sequence[Check]]


class _Readers(NamedTuple):
    """What reads and writes outside of the cluster."""

    git: GitParts
    forges: ForgeParts
    logs: LogParts


def build_leader(
    chosen: Settings, store: Store, shared: Shared, *, after_stop: bool = False
) -> Leader:
    """Make the parts from the stored records.

    `after_stop` is whether the framework that led before had stopped in order.
    """

    # These parts are made before the service, which has the credentials and the snapshot.
    def snapshot() -> Snapshot:
        return service.snapshot

    clock, metrics = Clock(), Metrics(shared.registry)
    stored = load(store, Paths(chosen.root))
    cluster = _cluster(chosen, shared.inbox, stored.framework_id)
    plane = _control_plane(chosen, cluster, shared.frameworks, snapshot)
    git, forges = _repositories(chosen, shared, snapshot, failed=metrics.fetch_failed, clock=clock)
    parts = build_parts(
        _records(chosen, stored, store, clock),
        Edges(
            cluster,
            git.branch_poller.forget,
            git.manifest_reader.begin,
            git.manifest_reader.begin_lead,
        ),
        _terms(chosen, shared.executor, plane),
        clock=clock,
        metrics=metrics,
        after_stop=after_stop,
    )
    service = Service(parts, shared.inbox, leader_token=token_hex(4))
    readers = _Readers(git, forges, _logs(chosen, cluster, service))
    told = _notifications(chosen, service, clock, shared.registry)
    sources = _sources(service, cluster, readers, told.ports)
    app = web.make_app(
        chosen, sources, clock=clock, registry=shared.registry, exposure=shared.exposure
    )
    web.warn_of_local(chosen, stored.apps)
    return Leader(service, cluster, (*_list_threads(readers, told), plane, cluster), app)


def _list_threads(readers: _Readers, told: NotificationParts) -> tuple[_Thread, ...]:
    git, forges, logs = readers
    pollers = (git.branch_poller, git.manifest_reader, forges.pull_poller)
    return (*pollers, forges.teller, logs.archiver, told.notifier, told.callbacks)


def _sources(
    service: Service,
    cluster: MesosCluster,
    readers: _Readers,
    notifications: NotificationPorts,
) -> web.Sources:
    git, forges, logs = readers

    def nudge(app: str) -> None:
        git.branch_poller.nudge(app)
        forges.pull_poller.nudge(app)

    return web.Sources(
        service,
        cluster,
        git.refs,
        logs.sandboxes,
        hooks=HookPorts(nudge, git.branch_poller.polling, token_bytes),
        forges=forges.forges,
        confirm=forges.check.confirm,
        find_ref_problem=git.remote_refs.find_problem,
        notifications=notifications,
    )


def _notifications(
    chosen: Settings, service: Service, clock: Clock, registry: CollectorRegistry
) -> NotificationParts:
    addresses = chosen.addresses()
    return notification_parts.make_parts(
        Published(lambda: service.history, lambda: service.snapshot),
        Shown(
            lambda event: event_models.write_notification(event, addresses),
            job_callbacks.write,
            event_models.write_test,
        ),
        lambda: Sender(chosen.allowed_receivers(), service.control_plane.addresses, clock),
        submit=service.inbox.put,
        metrics=NotificationMetrics(registry),
        clock=clock,
    )


def _repositories(
    chosen: Settings,
    shared: Shared,
    snapshot: Callable[[], Snapshot],
    *,
    failed: Callable[[str], None],
    clock: Clock,
) -> tuple[GitParts, ForgeParts]:
    """Make the parts that run git and that talk to forges, which ask each other."""
    forges = forge_parts.make_parts(
        Forges(local_allowed=chosen.local_repositories, clock=clock),
        shared.inbox.put,
        snapshot,
        reading=Reading(
            lambda app: git.branch_poller.fetch(app),  # noqa: PLW0108 - git is made later
            lambda app, sha: git.refs.resolve(app, sha).subject,
        ),
        wording=Wording(chosen.addresses(), derive_marker_key(chosen.signing()[0])),
        registry=shared.registry,
    )
    git = git_parts.make_parts(
        chosen.dir / "mirrors",
        shared.inbox.put,
        snapshot,
        interval=chosen.refs_interval,
        checks=Checks(failed, forges.check.confirm),
        images=chosen.base_images(),
    )
    return git, forges


def _records(chosen: Settings, stored: Stored, store: Store, clock: Clock) -> Records:
    keys = list(map(derive_key, chosen.signing()))
    return Records(stored, store, clock, Keyring(chosen.keys()), keys=keys)


def _terms(chosen: Settings, executor: Executor, control_plane: ControlPlane) -> LaunchTerms:
    new_attempt = functools.partial(next_attempt, choice)
    origin = _origin(chosen, executor)
    return LaunchTerms(origin, chosen.limits, control_plane, new_attempt, chosen.roles)


def _logs(chosen: Settings, cluster: MesosCluster, service: Service) -> LogParts:
    sandboxes = AgentSandboxes(
        lambda: cluster.master,
        lambda: service.framework_id,
        credential=chosen.credential(),
        agents_credential=chosen.agents_credential(),
        authority=chosen.master_ca_file,
    )
    return log_parts.make_parts(sandboxes, chosen.dir / "logs", lambda: service.snapshot)


def _control_plane(
    chosen: Settings,
    cluster: MesosCluster,
    frameworks: Callable[[], Sequence[str]],
    snapshot: Callable[[], Snapshot],
) -> ControlPlane:
    own = (chosen.listen, urlsplit(chosen.api).netloc)
    looks = (
        lambda: machines.find_servers(chosen.zookeeper, chosen.master, own),
        frameworks,
        lambda: machines.find_hosts(cluster.masters),
        lambda: machines.find_agents(snapshot()),
    )
    return ControlPlane(looks)


def describe(chosen: Settings) -> InstallationRecord:
    """Return the settings that must be equal for all frameworks at the root."""
    return InstallationRecord(
        master=installation.name_master(chosen.master, chosen.zookeeper),
        name=chosen.name,
        role=chosen.role,
        user=getpass.getuser(),
        domain=chosen.domain,
        principal=chosen.principal,
        jobs_role=chosen.jobs_role,
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


def _cluster(chosen: Settings, inbox: Inbox, framework_id: str | None) -> MesosCluster:
    registration = Registration(
        name=chosen.name,
        roles=chosen.roles,
        webui_url=f"{chosen.api}/",
        principal=chosen.principal,
        framework_id=framework_id,
        revocable=chosen.revocable,
    )
    return make_cluster(
        inbox.put,
        registration,
        chosen.master,
        credential=chosen.credential(),
        authority=chosen.master_ca_file,
    )


def load(store: Store, paths: Paths) -> Stored:
    """Return all records. Raises ForeignState, Unavailable."""
    stored = store.load()
    refuse_without_id(stored, paths.framework_id)
    # All of this stays, so the garbage collector need not visit it (0.1 s for 10,000 previews).
    gc.collect()
    gc.freeze()
    return stored


def refuse_without_id(stored: Stored, path: str) -> None:
    """Raise ForeignState if tasks belong to a framework id that is no longer at `path`.

    Under a new id, nobody would end these tasks, and each preview and job would run twice.
    """
    previews = [one for one in stored.previews if one.task_id and one.state in lifecycle.WITH_TASK]
    jobs = [one for one in stored.jobs.jobs if one.task_id and one.state in lifecycle.JOB_WITH_TASK]
    number = len(previews) + len(jobs)
    if stored.framework_id is None and number and not stored.forgotten:
        why = (
            f"holds no framework id, but {number} previews or jobs have a task under the id that "
            "was there. Put it back, or run `python -m framework --forget id`."
        )
        raise ForeignState(path, why)
