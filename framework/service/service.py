"""The one thread that decides. It owns all state; everybody else puts events into its inbox.

Events are hints: they change the records, and after each batch of them `settle` compares what is
with what should be, and acts on the difference. So nothing is lost where an act fails: it is
decided again at the next tick.
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
from program import health
from program.health import Check

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
FAST_TICK_SECONDS = 0.05
"""How often to look while proxies let go of a placement, or offers are waited for."""

STUCK_SECONDS = 300.0
"""After which a turn counts as stuck: thirty calls to a master that hangs may be in one."""
NOT_ACCEPTED = "The Mesos master has not accepted this framework yet."

_WITHOUT_STORE = (
    events.StoreSuspended
    | events.StoreResumed
    | events.Ended
    | events.Stop
    | events.Call
    | events.Used
    | events.ConnectionsRefused
)
"""What is handled at once also while ZooKeeper is away; the rest waits for it."""


class Service:
    """Drives previews from request to running and back.

    `origin` describes every task but for the framework id, which comes from the store;
    `new_attempt` returns a name that was never used; `forget_mirror` is called, and must not
    block, when an app is removed: it answers with events.Forgotten. `read_settings` likewise begins
    to read a commit's settings, and answers with events.SettingsRead. `control_plane` is told of
    agents, and says what no preview reaches. `era` tells this leader's
    happenings from every other's. `snapshot` and `history` are replaced, never changed: any thread
    may look at them.
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
        era: str,
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
        self._heard = self._turned = clock.monotonic()
        self._records = records
        self._offers = Offers(cluster, clock, metrics)
        self._attempts = Attempts(self._records, cluster, clock=clock, metrics=metrics)
        self._refused = RefusedConnections(records, self._attempts, clock)
        self._maintenance = Maintenance(records, cluster, clock)
        self._removals = AppRemoval(records, forget_mirror)
        self._manifests = ManifestLoader(records, read_settings, clock=clock, metrics=metrics)
        self._idling = Idleness(self._records, clock)
        self._launching = Launcher(
            self._records,
            self._offers,
            self._attempts,
            eviction=Eviction(self._records, self._idling, clock),
            limits=limits,
            origin=origin,
            control_plane=control_plane,
            new_attempt=new_attempt,
            clock=clock,
            metrics=metrics,
        )
        self.commands = Commands(self._records, clock)
        self._branches = Branches(records, self.commands, clock, vanished=limits.vanished)
        self.snapshot = self._seen = self._records.snapshot()
        self.history = History(era)
        metrics.watch(
            oldest_wait=self._oldest_wait,
            subscribed=lambda: self._offers.connected,
            silence=lambda: clock.monotonic() - self._heard,
            turned=lambda: clock.monotonic() - self._turned,
        )

    @property
    def framework_id(self) -> str | None:
        """The id that is stored, to subscribe with."""
        return self._records.framework_id

    def health(self) -> Check:
        """Tell whether the service's thread turns. Thread safe."""
        return health.turns("service", self._clock.monotonic() - self._turned, STUCK_SECONDS)

    def readiness(self) -> tuple[Check, ...]:
        """Tell what a start needs, and whether it is there. Thread safe."""
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
        """Handle some events, then act on what is different from what should be."""
        answers = [answer for event in batch if (answer := self._handle(event)) is not None]
        acts = not self._suspended and not self._stopping
        if acts:
            # First, so that who reads "running" finds the placement.
            with self._isolate_errors("publish"):
                self._publish()
        self._publish_snapshot()
        for answer in answers:
            answer()
        if acts and not self._stopping:
            self._settle()
            self._publish_snapshot()
        self._turned = self._clock.monotonic()

    def _take(self) -> Sequence[events.Event]:
        """Wait for events, for a tick at most."""
        batch: list[events.Event] = []
        try:
            batch.append(self.inbox.get(timeout=self._tick_seconds()))
            while True:
                batch.append(self.inbox.get_nowait())
        except queue.Empty:
            return batch

    def _tick_seconds(self) -> float:
        hurry = (
            self._records.routes.awaits_proxies()
            or self._launching.hold_offers
            or self._offers.revive_pending
        )
        return FAST_TICK_SECONDS if hurry else TICK_SECONDS

    def _handle(self, event: events.Event) -> Callable[[], None] | None:
        """Handle one event. Returns how to answer it, where somebody waits for that."""
        if self._suspended and not isinstance(event, _WITHOUT_STORE):
            self._backlog.append(event)
            return None
        if isinstance(event, events.Call):
            return self._answer(event)
        if not self._stopping:  # else what it says is for the next leader
            with self._isolate_errors(type(event).__name__):
                self._note(event)
        return None

    def _answer(self, asked: events.Call) -> Callable[[], None]:
        if self._suspended or self._stopping:
            away = Unavailable("The framework" if self._stopping else "ZooKeeper")
            return lambda: asked.answer.set_exception(away)
        try:
            result = asked.act()
        except FrameworkError as error:
            failed: Exception = error
            if isinstance(error, Fatal):
                self._end(error)
        except Exception as error:
            log.exception("a request failed unexpectedly")
            self._metrics.errors.inc()
            failed = error
        else:
            return lambda: asked.answer.set_result(result)
        return lambda: asked.answer.set_exception(failed)

    def _note(self, event: events.Event) -> None:
        self._metrics.events.labels(type(event).__name__).inc()
        match event:
            case events.StoreSuspended():
                self._suspended = True
            case events.StoreResumed():
                self._resume()
            case events.Ended(error):
                self._end(error)
            case events.Stop():
                self._stopping = True
            case events.Heads(app, heads, leading):
                self._branches.fetched(app, heads, leading)
            case events.SettingsRead():
                self._manifests.note(event)
            case events.Forgotten(app):
                self._removals.forgotten(app)
                self._metrics.forget(app)
            case events.Used(proxy, uses):
                self._idling.note(proxy, uses)
                self._refused.used(proxy, uses)
            case events.ConnectionsRefused(proxy, tasks):
                self._refused.note(proxy, tasks)
            case _:
                self._heard = self._clock.monotonic()
                self._note_mesos(event)

    def _note_mesos(self, event: events.Event) -> None:
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
            case events.Updated(status):
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
        self._idling.subscribed()

    def _resume(self) -> None:
        self._suspended = False
        backlog, self._backlog = self._backlog, deque()
        for event in backlog:
            self._handle(event)

    def _settle(self) -> None:
        """Act on every difference. Each step may fail without keeping the others from acting."""
        self._act(
            self._keep_id,
            self._records.rewrite_unconfirmed,
            self._removals.reconcile,
            self._attempts.replace_missing,
            self._manifests.reconcile,
            self._publish,
            self._let_go,
        )
        if self._offers.connected:
            self._act(
                self._maintenance.reconcile,
                self._idling.reconcile,
                self._refused.reconcile,
                self._attempts.kill_drained,
                self._attempts.reconcile,
                self._place,
                # Who waits for what has just been stopped need not wait for a tick as well.
                self._publish,
            )

    def _act(self, *acts: Callable[[], None]) -> None:
        for act in acts:
            if self._stopping:  # what an earlier one met is the end: somebody else leads
                return
            with self._isolate_errors(act.__name__):
                act()

    def _keep_id(self) -> None:
        if self._subscribed_as:
            self._records.save_framework_id(self._subscribed_as)

    def _publish(self) -> None:
        self._records.routes.publish(self._attempts.unrouted)

    def _let_go(self) -> None:
        self._records.routes.release_acknowledged(self._limits.drain)

    def _place(self) -> None:
        # Tasks belong to an id that is found again, or they would never be.
        if self._records.framework_id:
            self._launching.place(self._records.framework_id)

    def _publish_snapshot(self) -> None:
        """Replace what others read."""
        before, self.snapshot = self.snapshot, self._make_snapshot()
        with self._isolate_errors("history"):
            self.history = history.note(self.history, before, self.snapshot, self._clock.now())
        self._metrics.count(self._records.counts())
        self._metrics.unfit.set(len(self.snapshot.unfit))
        self._metrics.proxies.set(self._idling.proxies)
        self._metrics.letting_go.set(self._records.routes.letting_go)

    def _make_snapshot(self) -> Snapshot:
        """Return what others read; the same as before where nothing has changed."""
        records, shown = self._records.snapshot(), self.snapshot
        unfit, isolations = self._attempts.fitness.unfit, self._attempts.isolations.known
        if records is self._seen and (unfit, isolations) == (shown.unfit, shown.isolations):
            return shown
        self._seen = records
        return records._replace(unfit=unfit, isolations=isolations)

    def _oldest_wait(self) -> float:
        """Return for how many seconds the longest has waited. Thread safe."""
        snapshot = self.snapshot
        queued = (snapshot.previews[key] for key in snapshot.queue_places)
        waits = (max(preview.changed, preview.retry_at) for preview in queued)
        return max(0.0, self._clock.now() - min(waits, default=self._clock.now()))

    def _end(self, error: Fatal) -> None:
        # The first reason is the one that counts: what follows follows from it.
        self.ended = self.ended or error
        self._stopping = True

    @contextlib.contextmanager
    def _isolate_errors(self, what: str) -> Iterator[None]:
        """Go on after an error: what could not be done is decided again at the next tick."""
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
