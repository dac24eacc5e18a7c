"""The framework's metrics, for Prometheus. docs/monitoring.md lists them."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from framework.preview.ahead import BuildOutcome
from framework.preview.steps import STEPS
from framework.schedules.fires import Outcome
from prevs.gates import GateRecord
from prevs.jobs import JobState
from prevs.stacks import StackRecord
from prevs.states import Cause, State

START_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
FATES = ("received", "accepted", "declined", "rescinded")


class ProgramMetrics:
    """The metrics of every framework, whether it leads or stands by, in `registry`."""

    def __init__(self, registry: CollectorRegistry, connected: Callable[[], bool]) -> None:
        self.leads = Gauge("prevs_leads", "1 while this framework leads", registry=registry)
        Gauge(
            "prevs_zookeeper_connected", "1 while ZooKeeper answers", registry=registry
        ).set_function(connected)
        ProcessCollector(registry=registry)


class AttemptMetrics:
    """The metrics of attempts, from launch to end, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        histogram = functools.partial(Histogram, buckets=START_BUCKETS, registry=registry)
        self.launches = Counter(
            "prevs_attempts_started", "Attempts sent to Mesos", registry=registry
        )
        self.failures = _counter_by(
            registry,
            "prevs_attempts_failed",
            "Attempts that ended by themselves, by cause",
            "cause",
        )
        for cause in Cause:
            self.failures.labels(cause.value)
        self._starts = histogram(
            "prevs_start_duration_seconds",
            "Seconds from when a preview was queued to when it answered",
        )
        self._steps = histogram(
            "prevs_step_duration_seconds",
            "Seconds that each step of attempts that reached running took",
            ["step"],
        )
        for step in STEPS:
            self._steps.labels(step)
        self.updates = _counter_by(
            registry, "prevs_status_updates", "Task status updates by task state", "state"
        )

    def ran(self, took: Mapping[str, float], *, awaited: bool = True) -> None:
        """Count an attempt that runs, with how many seconds each of its steps took.

        If nobody has awaited it, its wait in the queue says nothing about what visitors get.
        """
        if awaited:
            self._starts.observe(sum(took.values()))
        for step, seconds in took.items():
            if awaited or step != State.QUEUED.value:
                self._steps.labels(step).observe(seconds)


class ScheduleMetrics:
    """The metrics of schedules, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._times = _counter_by(
            registry,
            "prevs_schedule_times",
            "Times of schedules by outcome: made (a job), made-up (a job, over a minute late), or "
            "no job: overlap (others had not ended), missed (too late), refused (none can be made)",
            "outcome",
        )
        for outcome in Outcome:
            self._times.labels(outcome.value)
        self.late = Gauge(
            "prevs_schedules_late",
            "Schedules whose time came over a minute ago, and has made no job and is not skipped",
            registry=registry,
        )

    def count(self, outcomes: Iterable[Outcome]) -> None:
        """Count times."""
        for outcome in outcomes:
            self._times.labels(outcome.value).inc()


class GateMetrics:
    """The metrics of gates and of the stacks that have some, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._changes = Gauge(
            "prevs_gates",
            "Gates, by whether a change of them waits, or has failed: their revision stays in "
            "force.",
            ["change"],
            registry=registry,
        )
        self._behind = Gauge(
            "prevs_gates_behind",
            "Gates by whose revision some proxy does not choose yet",
            registry=registry,
        )
        self._counted: Mapping[str, GateRecord] | None = None
        self._variants = Gauge(
            "prevs_stack_variants", "Variants of stacks that are open", registry=registry
        )
        self._counted_behind: Mapping[str, tuple[int, int]] | None = None
        self._counted_stacks: Mapping[str, StackRecord] | None = None

    def count_variants(self, stacks: Mapping[str, StackRecord]) -> None:
        """Set the gauge of open variants. `stacks` are never changed, but replaced."""
        if stacks is not self._counted_stacks:
            self._counted_stacks = stacks
            self._variants.set(sum(len(one.variants) for one in stacks.values()))

    def count(self, gates: Mapping[str, GateRecord], behind: Mapping[str, tuple[int, int]]) -> None:
        """Set the gauges. `behind` is as in Snapshot. Neither is ever changed, but replaced."""
        if behind is not self._counted_behind:
            self._counted_behind = behind
            self._behind.set(sum(bool(number) for number, _ in behind.values()))
        if gates is not self._counted:
            self._counted = gates
            self._count_changes(gates)

    def _count_changes(self, gates: Mapping[str, GateRecord]) -> None:
        proposals = [gate.proposal for gate in gates.values()]
        failed = sum(bool(one and one.failure) for one in proposals)
        none = sum(one is None for one in proposals)
        self._changes.labels("none").set(none)
        self._changes.labels("waits").set(len(proposals) - none - failed)
        self._changes.labels("failed").set(failed)


class Metrics:
    """The metrics of a framework that leads, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        counter_by = functools.partial(_counter_by, registry)
        counter = functools.partial(Counter, registry=registry)
        gauge = functools.partial(Gauge, registry=registry)
        self.attempts = AttemptMetrics(registry)
        self.schedules = ScheduleMetrics(registry)
        self.previews = gauge("prevs_previews", "Previews by state", ["state"])
        self.gates = GateMetrics(registry)
        self.jobs = gauge(
            "prevs_jobs",
            "Jobs by state; of those that have ended, the last hundred or more of each app",
            ["state"],
        )
        self.events = counter_by("prevs_events", "Events by kind", "kind")
        self.offers = counter_by("prevs_offers", "Offers by outcome", "fate")
        for fate in FATES:
            self.offers.labels(fate)
        self.ahead = counter_by("prevs_builds_ahead", "Builds ahead by outcome", "outcome")
        for outcome in BuildOutcome:
            self.ahead.labels(outcome.value)
        self.illegal = counter(
            "prevs_illegal_transitions", "Events that a preview's state does not allow"
        )
        self.errors = counter("prevs_service_errors", "Unexpected errors in the service's loop")
        self._fetches_failed = counter_by(
            "prevs_refs_fetches_failed", "Failed fetches of a repository, by app", "app"
        )
        self.proxies = gauge("prevs_proxies", "Proxies that reported use lately")
        self.unfit = gauge(
            "prevs_agents_unfit",
            "Agents that failed attempts by their own Docker, disk or network, and get none now",
        )
        self.withdrawn = gauge(
            "prevs_placements_letting_go", "Removed placements that proxies have yet to release"
        )

    def count_jobs(self, jobs: Mapping[JobState, int]) -> None:
        """Set the gauge of jobs by state."""
        for state in JobState:
            self.jobs.labels(state.value).set(jobs.get(state, 0))

    def count(self, previews: Mapping[State, int]) -> None:
        """Set the gauge of previews by state."""
        for state in State:
            self.previews.labels(state.value).set(previews.get(state, 0))

    def fetch_failed(self, app: str) -> None:
        """Count a failed fetch of an app's repository."""
        self._fetches_failed.labels(app).inc()

    def forget(self, app: str) -> None:
        """Drop the values of an app that is gone."""
        with contextlib.suppress(KeyError):  # no fetch of it has failed
            self._fetches_failed.remove(app)

    def watch(
        self,
        *,
        oldest_wait: Callable[[], float],
        subscribed: Callable[[], bool],
        silence: Callable[[], float],
        turned: Callable[[], float],
        looked: Callable[[], float],
    ) -> None:
        """Add values that are computed when they are read, on the reader's thread.

        All but `subscribed` are in seconds.
        """
        shown: tuple[tuple[str, str, Callable[[], float]], ...] = (
            (
                "prevs_queue_oldest_wait_seconds",
                "Seconds that the longest waiting preview has waited",
                oldest_wait,
            ),
            ("prevs_mesos_subscribed", "1 while Mesos has accepted the framework", subscribed),
            ("prevs_mesos_silence_seconds", "Seconds since the last event from Mesos", silence),
            ("prevs_service_turn_age_seconds", "Seconds since the service's last turn", turned),
            (
                "prevs_forge_last_look_seconds",
                "Seconds since the last successful look at a forge, of the app with the oldest one",
                looked,
            ),
        )
        for name, text, value in shown:
            Gauge(name, text, registry=self._registry).set_function(value)


class ApiMetrics:
    """The metrics of the API, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "prevs_api_requests",
            "Requests by method, route and status",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "prevs_api_request_duration_seconds",
            "Seconds that requests took, by route; without streams",
            ["route"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )


class HookMetrics:
    """The metric of webhooks, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._deliveries = Counter(
            "prevs_hooks",
            "Webhooks by result (accepted, repeated, refused, limited) and by the forge that sends",
            ["result", "forge"],
            registry=registry,
        )

    def count(self, result: str, forge: str) -> None:
        """Count one delivery."""
        self._deliveries.labels(result, forge).inc()


class NotificationMetrics:
    """The metric of notifications, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fates = Counter(
            "prevs_notifications",
            "Notifications, callbacks, and tries to send them, by what became of them: taken, "
            "failed (is tried again), refused, expired (after an hour), dropped (too many waited), "
            "lost (too much happened at once)",
            ["fate"],
            registry=registry,
        )
        for fate in ("taken", "failed", "refused", "expired", "dropped", "lost"):
            self._fates.labels(fate)

    def count(self, fate: str) -> None:
        """Count one."""
        self._fates.labels(fate).inc()


class TellingMetrics:
    """The metrics of what is said at forges, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._said = Counter(
            "prevs_forge_updates",
            "Calls that update pull requests, by part (comment, status, deployment) and outcome",
            ["part", "outcome"],
            registry=registry,
        )
        self.waiting = Gauge(
            "prevs_forge_updates_pending",
            "Comments, statuses and deployments of pull requests that are not up to date yet",
            registry=registry,
        )

    def count(self, part: str, outcome: str) -> None:
        """Count one try to say something."""
        self._said.labels(part, outcome).inc()


def _counter_by(registry: CollectorRegistry, name: str, text: str, label: str) -> Counter:
    return Counter(name, text, [label], registry=registry)
