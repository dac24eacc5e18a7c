"""The one thread that decides. It owns all state; other threads put events into its inbox.

Events change the records. After each batch of events, `_settle` compares what is with what should
be, and acts on the differences. So nothing is lost if an act fails: the next tick decides it again.
"""

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import structlog

from framework import events
from framework.attempts.attempts import Attempts
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.errors import Fatal, FrameworkError, OutcomeUnknown, Refused, Unavailable
from framework.matching.limits import Limits
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.preview import history
from framework.preview.history import History
from framework.scheduling.eviction import Eviction
from framework.scheduling.idleness import Idleness
from framework.scheduling.launches import Launcher
from framework.scheduling.maintenance import Maintenance
from framework.scheduling.offers import Offers
from framework.service.app_removal import AppRemoval
from framework.service.branches import Branches
from framework.service.commands import Commands
from framework.service.manifest_loader import ManifestLoader
from framework.service.refused_connections import RefusedConnections
from framework.state.records import Records
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord
from program.http import health
from program.http.health import Check

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
FAST_TICK_SECONDS = 0.05
"""The tick while proxies have yet to apply a withdrawal, or a preview waits for offers."""

STUCK_SECONDS = 300.0
"""A longer turn is unhealthy. One turn may contain thirty calls that time out."""
NOT_ACCEPTED = "The Mesos master has not accepted this framework yet."

_WITHOUT_STORE = (
    events.StoreSuspended
    | events.StoreResumed
    | events.EdgeFailed
    | events.Stop
    | events.Call
    | events.UsageReported
    | events.ConnectionsRefused
)
"""The events that are handled even while ZooKeeper is away; the others wait for it."""


class Service:
    """Drives previews from request to running and back.

    `origin` has what all tasks share except the framework id, which comes from the store.
    `new_attempt` returns a name that was never used. `forget_mirror` begins to remove an app's
    mirror, and answers with events.MirrorRemoved; `read_settings` begins to read a commit's
    settings, and answers with events.SettingsRead. Neither may block. `control_plane` collects the
    addresses of agents, and knows which machines no preview may reach. `leader_token` marks this
    leader's events in the history. `snapshot` and `history` are replaced, never changed: any
    thread may read them.
    """

    def __init__(  # noqa: PLR0913 - wiring; each is given by name
        self,
        records: Records,
        cluster: Cluster,
        *,
        inbox: "queue.SimpleQueue[events.Event]",
        origin: Origin,
        new_attempt: Callable[[], str],
        forget_mirror: Callable[[str], None],
        read_settings: Callable[[AppRecord, str], None],
        control_plane: ControlPlane,
        metrics: Metrics,
        clock: Clock,
        limits: Limits,
        leader_token: str,
    ) -> None:
        self.inbox = inbox
        self._limits = limits
        self.ended: Fatal | None = None
        self._backlog: deque[events.Event] = deque()
        self._stopping = False
        self._suspended = False
        self._subscribed_as: str | None = None
        self._metrics = metrics
        self.control_plane = control_plane
        self._clock = clock
        self._last_mesos_event = self._last_turn = clock.monotonic()
        self._records = records
        self._offers = Offers(cluster, clock, metrics)
        self._attempts = Attempts(self._records, cluster, clock=clock, metrics=metrics)
        self._refused_connections = RefusedConnections(records, self._attempts, clock)
        self._maintenance = Maintenance(records, cluster, clock)
        self._app_removal = AppRemoval(records, forget_mirror)
        self._manifest_loader = ManifestLoader(records, read_settings, clock=clock, metrics=metrics)
        self._idleness = Idleness(self._records, clock)
        self._launcher = Launcher(
            self._records,
            self._offers,
            self._attempts,
            eviction=Eviction(self._records, self._idleness, clock),
            limits=limits,
            origin=origin,
            control_plane=control_plane,
            new_attempt=new_attempt,
            clock=clock,
            metrics=metrics,
        )
        self.commands = Commands(self._records, clock)
        self._branches = Branches(records, self.commands, clock, unreferenced=limits.unreferenced)
        self.snapshot = self._seen = self._records.snapshot()
        self.history = History(leader_token)
        metrics.watch(
            oldest_wait=self._oldest_wait,
            subscribed=lambda: self._offers.connected,
            silence=lambda: clock.monotonic() - self._last_mesos_event,
            turned=lambda: clock.monotonic() - self._last_turn,
        )

    @property
    def framework_id(self) -> str | None:
        """The stored framework id, to subscribe with."""
        return self._records.framework_id

    def health(self) -> Check:
        """Return whether the service's thread works. Thread safe."""
        return health.turns("service", self._clock.monotonic() - self._last_turn, STUCK_SECONDS)

    def readiness(self) -> tuple[Check, ...]:
        """Return whether everything that a start of a preview needs is there. Thread safe."""
        ends = self._stopping or self.ended is not None
        return (
            Check("service", False, "The framework is ending.") if ends else self.health(),
            _answering("zookeeper", not self._suspended, "ZooKeeper does not answer."),
            _answering("mesos", self._offers.connected, NOT_ACCEPTED),
        )

    def run(self) -> None:
        """Serve the inbox until Stop or a fatal error; `ended` is the error then. Blocks."""
        while not self._stopping:
            self.step(self._take())

    def step(self, batch: Sequence[events.Event]) -> None:
        """Handle some events, then act on what is not as it should be."""
        answers = [answer for event in batch if (answer := self._handle(event)) is not None]
        acts = not self._suspended and not self._stopping
        if acts:
            # First, so that a reader who sees "running" finds the placement.
            with self._isolate_errors("publish"):
                self._publish()
        self._publish_snapshot()
        for answer in answers:
            answer()
        if acts and not self._stopping:
            self._settle()
            self._publish_snapshot()
        self._last_turn = self._clock.monotonic()

    def _take(self) -> Sequence[events.Event]:
        """Wait for events, at most for a tick."""
        batch: list[events.Event] = []
        try:
            batch.append(self.inbox.get(timeout=self._tick_seconds()))
            while True:
                batch.append(self.inbox.get_nowait())
        except queue.Empty:
            return batch

    def _tick_seconds(self) -> float:
        is_urgent = (
            self._records.routes.awaits_proxies()
            or self._launcher.hold_offers
            or self._offers.revive_pending
        )
        return FAST_TICK_SECONDS if is_urgent else TICK_SECONDS

    def _handle(self, event: events.Event) -> Callable[[], None] | None:
        """Handle one event. Return a function that answers it, if somebody waits for an answer."""
        if self._suspended and not isinstance(event, _WITHOUT_STORE):
            self._backlog.append(event)
            return None
        if isinstance(event, events.Call):
            return self._answer(event)
        if not self._stopping:  # else the next leader finds out for itself
            with self._isolate_errors(type(event).__name__):
                self._apply(event)
        return None

    def _answer(self, call: events.Call) -> Callable[[], None]:
        if self._suspended or self._stopping:
            away = Unavailable("The framework" if self._stopping else "ZooKeeper")
            return lambda: call.answer.set_exception(away)
        try:
            result = call.act()
        except FrameworkError as error:
            failed: Exception = error
            if isinstance(error, Fatal):
                self._end(error)
        except Exception as error:
            log.exception("a request failed unexpectedly")
            self._metrics.errors.inc()
            failed = error
        else:
            return lambda: call.answer.set_result(result)
        return lambda: call.answer.set_exception(failed)

    def _apply(self, event: events.Event) -> None:
        self._metrics.events.labels(events.kind(event)).inc()
        match event:
            case events.StoreSuspended():
                self._suspended = True
            case events.StoreResumed():
                self._resume()
            case events.EdgeFailed(error):
                self._end(error)
            case events.Stop():
                self._stopping = True
            case events.HeadsFetched(app, heads, leading):
                self._branches.fetched(app, heads, leading)
            case events.SettingsRead():
                self._manifest_loader.note(event)
            case events.MirrorRemoved(app):
                self._app_removal.forgotten(app)
                self._metrics.forget(app)
            case events.UsageReported(proxy, uses):
                self._idleness.note(proxy, uses)
                self._refused_connections.used(proxy, uses)
            case events.ConnectionsRefused(proxy, tasks):
                self._refused_connections.note(proxy, tasks)
            case _:
                self._last_mesos_event = self._clock.monotonic()
                self._apply_mesos(event)

    def _apply_mesos(self, event: events.Event) -> None:
        match event:
            case events.Subscribed(framework_id):
                self._subscribed(framework_id)
            case events.Disconnected():
                self._offers.clear()
                self._maintenance.clear()
                self._attempts.disconnected()
            case events.Offered(offers):
                self.control_plane.note(offer.host for offer in offers)
                self._records.routes.destinations.note(offers)
                self._offers.add(offers)
            case events.Rescinded(offer_id):
                self._offers.rescind(offer_id)
            case events.InverseOffered(inverse):
                self._maintenance.offered(inverse)
            case events.InverseRescinded(offer_id):
                self._maintenance.rescinded(offer_id)
            case events.TaskStatusReceived(status):
                self._attempts.apply(status)
            case events.AgentFailed(agent_id, executor_id):
                self._attempts.agent_failed(agent_id, executor_id)
                if agent_id is not None and executor_id is None:
                    self._records.routes.destinations.agent_left(agent_id)

    def _subscribed(self, framework_id: str) -> None:
        if self._records.framework_id not in (None, framework_id):
            raise Refused(
                f"it answers with the id {framework_id}, but tasks belong to "
                f"{self._records.framework_id}"
            )
        log.info("subscribed", framework=framework_id)
        self._subscribed_as = framework_id
        self._offers.subscribed()
        self._attempts.subscribed()
        self._idleness.subscribed()

    def _resume(self) -> None:
        self._suspended = False
        backlog, self._backlog = self._backlog, deque()
        for event in backlog:
            self._handle(event)

    def _settle(self) -> None:
        """Act on every difference. Each step may fail without keeping the others from acting."""
        self._act(
            self._save_framework_id,
            self._records.rewrite_unconfirmed,
            self._app_removal.reconcile,
            self._attempts.replace_missing,
            self._manifest_loader.reconcile,
            self._publish,
            self._release_acknowledged,
        )
        if self._offers.connected:
            self._act(
                self._maintenance.reconcile,
                self._idleness.reconcile,
                self._refused_connections.reconcile,
                self._attempts.kill_drained,
                self._attempts.reconcile,
                self._place,
                # Previews that were just stopped lose their placements now, not a tick later.
                self._publish,
            )

    def _act(self, *acts: Callable[[], None]) -> None:
        for act in acts:
            if self._stopping:  # an earlier act has met a fatal error: somebody else leads
                return
            with self._isolate_errors(act.__name__):
                act()

    def _save_framework_id(self) -> None:
        if self._subscribed_as:
            self._records.save_framework_id(self._subscribed_as)

    def _publish(self) -> None:
        self._records.routes.publish(self._attempts.unrouted)

    def _release_acknowledged(self) -> None:
        self._records.routes.release_acknowledged(self._limits.drain)

    def _place(self) -> None:
        # Only once the framework id is stored: nobody would find the tasks of a lost id again.
        if self._records.framework_id:
            self._launcher.place(self._records.framework_id)

    def _publish_snapshot(self) -> None:
        """Replace what other threads read."""
        before, self.snapshot = self.snapshot, self._make_snapshot()
        with self._isolate_errors("history"):
            self.history = history.note(self.history, before, self.snapshot, self._clock.now())
        self._metrics.count(self._records.counts())
        self._metrics.unfit.set(len(self.snapshot.unfit))
        self._metrics.proxies.set(self._idleness.proxies)
        self._metrics.withdrawn.set(self._records.routes.withdrawn_count)

    def _make_snapshot(self) -> Snapshot:
        """Return what other threads read; the same object as before if nothing has changed."""
        records, shown = self._records.snapshot(), self.snapshot
        unfit, isolations = self._attempts.fitness.unfit, self._attempts.isolations.known
        if records is self._seen and (unfit, isolations) == (shown.unfit, shown.isolations):
            return shown
        self._seen = records
        return records._replace(unfit=unfit, isolations=isolations)

    def _oldest_wait(self) -> float:
        """Return for how many seconds the first preview in the queue has waited. Thread safe."""
        snapshot = self.snapshot
        queued = (snapshot.previews[key] for key in snapshot.queue_places)
        waits = (max(preview.changed, preview.retry_at) for preview in queued)
        return max(0.0, self._clock.now() - min(waits, default=self._clock.now()))

    def _end(self, error: Fatal) -> None:
        # The first error counts: later ones are its consequences.
        self.ended = self.ended or error
        self._stopping = True

    @contextlib.contextmanager
    def _isolate_errors(self, what: str) -> Iterator[None]:
        """Continue after an error: the next tick decides again what could not be done."""
        try:
            yield
        except Fatal as error:
            self._end(error)
        except (Unavailable, OutcomeUnknown) as error:
            log.warning("will be tried again", what=what, why=str(error))
        except Exception:
            log.exception("unexpected error; the service goes on", what=what)
            self._metrics.errors.inc()


def _answering(name: str, ok: bool, trouble: str) -> Check:
    return Check(name, ok, "It answers." if ok else trouble)
