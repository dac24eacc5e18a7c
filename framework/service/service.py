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
from framework.errors import Fatal, FrameworkError, OutcomeUnknown, Refused, Unavailable
from framework.ports.tasks import StatusKind
from framework.preview import history
from framework.preview.history import History
from framework.service.parts import Parts
from framework.state.snapshot import Snapshot
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

    `leader_token` marks this leader's events in the history. `snapshot` and `history` are replaced,
    never changed: any thread may read them.
    """

    def __init__(
        self, parts: Parts, inbox: "queue.SimpleQueue[events.Event]", leader_token: str
    ) -> None:
        self.inbox = inbox
        self.commands = parts.commands
        self.job_commands = parts.jobs.commands
        self.schedule_commands = parts.jobs.schedule_commands
        self.gate_commands = parts.gates.commands
        self.stack_commands = parts.stacks.commands
        self.data_commands = parts.data_commands
        self.variable_commands = parts.variable_commands
        self.control_plane = parts.control_plane
        self.ended: Fatal | None = None
        self._parts = parts
        self._records = parts.records
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._backlog: deque[events.Event] = deque()
        self._stopping = False
        self._suspended = False
        self._subscribed_as: str | None = None
        self._last_mesos_event = self._last_turn = self._clock.monotonic()
        self.snapshot = self._records.snapshot()
        self.history = History(leader_token)
        self._metrics.watch(
            oldest_wait=self._oldest_wait,
            subscribed=lambda: parts.offers.connected,
            silence=lambda: self._clock.monotonic() - self._last_mesos_event,
            turned=lambda: self._clock.monotonic() - self._last_turn,
            looked=self._oldest_look,
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
            _answering("mesos", self._parts.offers.connected, NOT_ACCEPTED),
        )

    def count_missigned(self) -> int:
        """Return how many records have yet to get the signature of the first token. Thread safe."""
        return self._records.signed.count_missigned()

    def run(self) -> None:
        """Serve the inbox until Stop or a fatal error; `ended` is the error then. Blocks."""
        while not self._stopping:
            self.step(self._take())

    def step(self, batch: Sequence[events.Event]) -> None:
        """Handle some events, then act on what is not as it should be."""
        joined = events.join_statuses(batch, self._records.jobs.has_task)
        answers = [answer for event in joined if (answer := self._handle(event)) is not None]
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
            or self._parts.gates.in_force.awaits_proxies()
            or self._parts.launcher.hold_offers
        )
        wait = 0.0 if is_urgent else self._parts.offers.revive_wait()
        return min(TICK_SECONDS, max(FAST_TICK_SECONDS, wait))

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
        self._metrics.events.labels(events.kind(event)).inc(events.count(event))
        match event:
            case events.StoreSuspended():
                self._suspended = True
            case events.StoreResumed():
                self._resume()
            case events.EdgeFailed(error):
                self._end(error)
            case events.Stop():
                self._stopping = True
            case events.HeadsFetched():
                self._parts.stacks.upkeep.fetched(event)
                self._parts.gates.branches.fetched(event)
                self._parts.branches.fetched(event)
                self._parts.builds_ahead.fetched(event)
                self._parts.jobs.file_schedules.fetched(event)
            case events.PullsSeen():
                known = self._records.pulls.of(event.app)
                self._parts.pull_requests.take(event)
                self._parts.builds_ahead.looked(event.app, known)
            case (
                events.RepositorySeen()
                | events.LookFailed()
                | events.PullDelivery()
                | events.TellingFailed()
            ):
                self._parts.pull_requests.take(event)
            case events.SettingsRead() | events.LeadFound():
                self._note_read(event)
            case events.MirrorRemoved(app):
                self._parts.app_removal.forgotten(app)
                self._parts.pull_requests.forget(app)
                self._parts.jobs.file_schedules.forget(app)
                self._metrics.forget(app)
            case events.CallbackSettled():
                self._parts.jobs.callbacks.note(event)
            case events.UsageReported() | events.ConnectionsRefused():
                self._apply_report(event)
            case _:
                self._last_mesos_event = self._clock.monotonic()
                self._apply_mesos(event)

    def _apply_report(self, event: events.ProxyReport) -> None:
        match event:
            case events.UsageReported(proxy, uses, addresses, user):
                self._parts.attempts.proxies.note(proxy, addresses, user)
                self._parts.idleness.note(proxy, uses)
                self._parts.refused_connections.used(proxy, uses)
            case events.ConnectionsRefused(proxy, tasks):
                self._parts.refused_connections.note(proxy, tasks)

    def _note_read(self, event: events.SettingsRead | events.LeadFound) -> None:
        if isinstance(event, events.SettingsRead):
            self._parts.manifest_loader.note(event)
        else:
            self._parts.jobs.schedule_fires.note(event)
            self._parts.jobs.file_schedules.note(event)

    def _apply_mesos(self, event: events.Event) -> None:
        match event:
            case events.Subscribed(framework_id):
                self._subscribed(framework_id)
            case events.Disconnected():
                self._parts.offers.clear()
                self._parts.maintenance.clear()
                self._parts.attempts.disconnected()
            case events.Offered(offers):
                self.control_plane.note(offer.host for offer in offers)
                self._records.routes.destinations.note(offers)
                self._parts.offers.add(offers)
            case events.Rescinded(offer_id):
                self._parts.offers.rescind(offer_id)
            case events.InverseOffered(inverse):
                self._parts.maintenance.offered(inverse)
            case events.InverseRescinded(offer_id):
                self._parts.maintenance.rescinded(offer_id)
            case events.StatusesReceived(statuses):
                self._parts.attempts.apply(statuses)
                if any(status.kind is StatusKind.ENDED for status in statuses):
                    self._parts.offers.renew_request()
            case events.AgentFailed(agent_id, executor_id):
                self._parts.attempts.agent_failed(agent_id, executor_id)
                # An executor keeps its own resources until it has ended, a moment after its task.
                self._parts.offers.renew_request()
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
        self._parts.offers.subscribed()
        self._parts.attempts.subscribed()
        self._parts.idleness.subscribed()

    def _resume(self) -> None:
        self._suspended = False
        backlog, self._backlog = self._backlog, deque()
        for event in backlog:
            self._handle(event)
        # Executors of jobs may have waited for as long as their ends were in the backlog.
        self._parts.attempts.executors.clear()

    def _settle(self) -> None:
        """Act on every difference. Each step may fail without keeping the others from acting."""
        self._act(
            self._save_framework_id,
            self._records.rewrite_unconfirmed,
            self._parts.jobs.callbacks.reconcile,
            self._records.jobs.tidy,
            self._parts.app_removal.reconcile,
            self._parts.builds_ahead.reconcile,
            self._parts.attempts.replace_missing,
            self._parts.manifest_loader.reconcile,
            self._parts.jobs.schedule_fires.reconcile,
            self._publish,
            self._release_acknowledged,
            self._parts.stacks.upkeep.reconcile,
            self._parts.gates.proposals.reconcile,
            self._parts.gates.in_force.reconcile,
        )
        if self._parts.offers.connected:
            self._act(
                self._parts.attempts.proxies.reconcile,
                self._parts.maintenance.reconcile,
                self._parts.idleness.reconcile,
                self._parts.refused_connections.reconcile,
                self._parts.data.reconcile,
                self._parts.attempts.kill_drained,
                self._parts.attempts.note_late_ends,
                self._parts.attempts.reconcile,
                self._place,
                # What was just stopped loses its placement, or is killed, now and not a tick later.
                self._publish,
                self._parts.attempts.kill_ending_jobs,
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
        self._records.routes.publish(self._parts.attempts.unrouted)

    def _release_acknowledged(self) -> None:
        self._records.routes.release_acknowledged(self._parts.limits.drain)

    def _place(self) -> None:
        # Only once the framework id is stored: nobody would find the tasks of a lost id again.
        if self._records.framework_id:
            self._parts.launcher.place(self._records.framework_id)

    def _publish_snapshot(self) -> None:
        """Replace what other threads read."""
        before, self.snapshot = self.snapshot, self._make_snapshot()
        with self._isolate_errors("history"):
            self.history = history.note(self.history, before, self.snapshot, self._clock.now())
        self._metrics.count(self._records.counts())
        self._metrics.count_jobs(self._records.jobs.counts())
        self._metrics.schedules.late.set(self._parts.jobs.schedule_fires.count_late())
        self._metrics.gates.count(self._records.gates.all, self.snapshot.behind)
        self._metrics.gates.count_variants(self._records.stacks.all)
        self._metrics.unfit.set(len(self.snapshot.unfit))
        self._metrics.proxies.set(self._parts.idleness.proxies)
        self._metrics.withdrawn.set(self._records.routes.withdrawn_count)

    def _make_snapshot(self) -> Snapshot:
        """Return what other threads read; the same object as before if nothing has changed."""
        return self._records.snapshot(
            unfit=self._parts.attempts.fitness.unfit,
            isolations=self._parts.attempts.isolations.known,
            looks=self._parts.pull_requests.looks,
            hindrances=self._parts.jobs.schedule_fires.hindrances,
            file_troubles=self._parts.jobs.file_schedules.troubles,
            behind=self._parts.gates.in_force.find_behind(),
            refused=self._records.signed.find_refused(),
        )

    def _oldest_wait(self) -> float:
        """Return for how many seconds the first visitor in the queue has waited. Thread safe."""
        snapshot = self.snapshot
        queued = (snapshot.previews[key] for key in snapshot.queue_places)
        waits = (max(one.changed, one.retry_at) for one in queued if not one.ahead)
        return max(0.0, self._clock.now() - min(waits, default=self._clock.now()))

    def _oldest_look(self) -> float:
        """Return the age in seconds of the oldest last look at an app's forge. Thread safe."""
        now = self._clock.now()
        ages = (now - look.at for look in self.snapshot.looks.values() if look.at is not None)
        return max(0.0, *ages, 0.0)

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
            log.exception("unexpected error; the service continues", what=what)
            self._metrics.errors.inc()


def _answering(name: str, ok: bool, trouble: str) -> Check:
    return Check(name, ok, "It answers." if ok else trouble)
