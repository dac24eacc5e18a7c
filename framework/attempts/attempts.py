"""The current attempt of each preview: what Mesos reports about it, and its end.

Owned by the service's thread. A status of any other attempt never changes a preview.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import structlog

from framework.attempts import reconciliation, retry
from framework.attempts.fitness import Fitness
from framework.attempts.isolations import Isolations
from framework.attempts.job_attempts import JobAttempts, Watch
from framework.attempts.job_executors import JobExecutors
from framework.attempts.kills import REPEAT_SECONDS, Kills
from framework.attempts.losses import Loss, Losses
from framework.attempts.proxies import Proxies
from framework.attempts.reconciliation import Reconciliation, Tasks
from framework.attempts.unreachable import AWAY_SECONDS, UnreachableTasks
from framework.clock import Clock
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.ports.tasks import StatusKind, TaskStatus
from framework.preview import steps
from framework.preview.transitions import Reported
from framework.state.executor_copies import ExecutorCopies
from framework.state.records import Records
from framework.units import lifecycle
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Alive, AttemptEnded, Ended, Leaves
from prevs import names
from prevs.jobs import JobRecord
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State
from program.logs.log_lines import name_attempt

log = structlog.get_logger(__name__)

SILENT_SECONDS = 30.0
"""How long after its launch a task without any status is queried."""
LAUNCH_SECONDS = 300.0
"""How long after its launch such a task is given up. Executors have a minute to register."""

_SERVES_NOBODY = lifecycle.WITH_TASK - {State.RUNNING}
NO_ANSWER = Failure(
    Cause.TASK_LOST, "Its agent did not come back within a minute after Mesos's master had."
)

_KILLED = Reason(
    ReasonKind.KILLED_BY_MESOS,
    "Mesos is ending its task because it needs the agent; the preview starts again.",
)
_AWAY = Reason(
    ReasonKind.AGENT_AWAY, "Its agent does not answer; another one takes over in a minute."
)
LATE_SECONDS = 60.0
"""How long the end of a run may take, with its open requests, before who waits learns of it."""
_LATE = Reason(
    ReasonKind.ENDS_LATE,
    "Its last run was to end a minute ago, and has not ended yet. The order is repeated every "
    f"{REPEAT_SECONDS:g} s. Its agent's log and Docker may show why.",
)

_EVENTS: Mapping[StatusKind, Event] = {
    StatusKind.ALIVE: Event.ALIVE,
    StatusKind.BUILDING: Event.BUILDING,
    StatusKind.STARTING: Event.STARTING,
    StatusKind.HEALTHY: Event.RUNS,
    StatusKind.UNHEALTHY: Event.ALIVE,
}


class Attempts:
    """Applies status reports to the records, and follows each attempt to its end.

    Fetching and building a commit take at most `build_seconds`. `after_stop` is whether the
    framework that led before had stopped in order. `copies`, `fitness` and `isolations` collect
    what executors report about their agents; `proxies` tells executors who may connect.
    """

    def __init__(
        self,
        records: Records,
        cluster: Cluster,
        *,
        build_seconds: float,
        clock: Clock,
        metrics: Metrics,
        after_stop: bool = False,
    ) -> None:
        self._records = records
        self._cluster = cluster
        self._clock = clock
        self._metrics = metrics
        self.copies = ExecutorCopies(clock)
        self.fitness = Fitness(clock)
        self.isolations = Isolations()
        self.proxies = Proxies(records, cluster, clock)
        self.executors = JobExecutors(clock)
        self._unreachable = UnreachableTasks()
        self._kills = Kills(cluster, clock)
        self._losses = Losses(self._tasks(), after_stop=after_stop)
        self._queried: set[str] = set()
        self._reconciliation = Reconciliation()
        self._subscribed: float | None = None
        self.jobs = JobAttempts(
            records,
            Watch(
                self._kills,
                self._unreachable,
                self._reconciliation,
                self.copies,
                self.fitness,
                self.executors,
                self._losses,
            ),
            build_seconds=build_seconds,
            clock=clock,
            metrics=metrics,
        )
        self._inherit()

    def _tasks(self) -> Tasks:
        """Return the task of everything that may have one."""
        previews = self._records.in_state(*lifecycle.WITH_TASK)
        of_jobs = reconciliation.tasks_of(self._records.jobs.with_task())
        return {**reconciliation.tasks_of(previews), **of_jobs}

    def _inherit(self) -> None:
        """Do not route to a running preview that has no placement until Mesos confirms its task.

        The previous leader either withdrew the placement because the agent was unreachable, or
        died before writing it. In the second case Mesos's answer leads to the placement.
        """
        for preview in self._records.in_state(State.RUNNING):
            if preview.task_id and not self._records.routes.placed(preview):
                self._unreachable.begin(preview.task_id, self._clock.monotonic())
                self._unreachable.stop_routing(preview.task_id)

    @property
    def unrouted(self) -> frozenset[str]:
        """The tasks that run but get no requests."""
        return self._unreachable.unrouted

    def subscribed(self) -> None:
        """Query the state of all tasks, known and unknown ones."""
        now = self._clock.monotonic()
        self._subscribed = self.jobs.subscribed = now
        self._unreachable.reset_timers(now)
        self._reconciliation.restart(now)
        self.proxies.subscribed()

    def disconnected(self) -> None:
        """Query nothing, and give up no attempt, until the next subscription."""
        self.executors.clear()
        self._subscribed = self.jobs.subscribed = None
        self._reconciliation.stop()

    def query(self, tasks: Tasks) -> None:
        """Query the state of some tasks."""
        self._reconciliation.query(tasks, self._clock.monotonic())

    def agent_failed(self, agent_id: str | None, executor_id: str | None) -> None:
        """Query the tasks of an agent or executor that may be gone."""
        self.executors.gone(agent_id, executor_id)
        tasks = self._tasks()
        if executor_id is None:
            self.isolations.forget(agent_id)
            self.query({task: agent for task, agent in tasks.items() if agent == agent_id})
        elif executor_id in tasks:
            self.query({executor_id: tasks[executor_id]})
        else:
            of_jobs = reconciliation.tasks_of(self._records.jobs.with_task())
            own = (task for task in of_jobs if names.executor_id(task) == executor_id)
            self.query({task: of_jobs[task] for task in own})

    def apply(self, statuses: Sequence[TaskStatus]) -> None:
        """Store what statuses mean, then acknowledge them. Raises Unavailable if storing fails.

        Those of jobs are one write, so each is of another task.
        """
        done: list[TaskStatus] = []
        of_jobs: list[tuple[JobRecord, TaskStatus]] = []
        for status in statuses:
            self._metrics.attempts.updates.labels(status.state).inc()
            job = self._records.jobs.of_task(status.task_id)
            if job is not None and status.kind is not StatusKind.UNREADABLE:
                self._note_report(status, job.agent_id)
                of_jobs.append((job, status))
            else:
                self._apply(status)
                done.append(status)
        for status in self.jobs.apply(of_jobs):
            self._note_answer(status, is_known=True)
            done.append(status)
        self._cluster.acknowledge(done)

    def _apply(self, status: TaskStatus) -> None:
        """Store what a status of a preview, or of what has no record, means."""
        if status.kind is StatusKind.UNREADABLE:
            log.warning("unknown task state", state=status.state, **name_attempt(status.task_id))
            return
        preview = self._records.of_task(status.task_id)
        if preview is not None:
            self._apply_to(preview, status)
        else:
            self._kill_orphan(status)
        self._note_answer(status, is_known=preview is not None)

    def _note_answer(self, status: TaskStatus, *, is_known: bool) -> None:
        # Only now that it is stored: Mesos answers a query once, so a lost answer is queried again.
        if status.kind is not StatusKind.UNKNOWN or not is_known:
            self._reconciliation.answered(status.task_id)

    def _apply_to(self, preview: PreviewRecord, status: TaskStatus) -> None:
        """Store what a status of a preview's current attempt means."""
        self._note_report(status, preview.agent_id)
        preview = _with_findings(preview, status)
        try:
            if status.kind in _EVENTS:
                self._apply_alive(preview, status)
            elif status.kind is StatusKind.KILLING:
                self._being_killed(preview)
            elif status.kind is StatusKind.ENDED:
                self._end(preview, status.failure or Failure(Cause.TASK_LOST, "The task ended."))
            else:
                self._note_missing(preview, status)
        except lifecycle.IllegalTransition as error:
            self._metrics.illegal.inc()
            log.warning("unexpected status", what=str(error), **name_attempt(status.task_id))

    def _note_report(self, status: TaskStatus, agent_id: str | None) -> None:
        if status.phase:  # only executors report a phase
            self.copies.reported(status.task_id, agent_id)
        self.isolations.reported(agent_id, status.isolation)

    def _kill_orphan(self, status: TaskStatus) -> None:
        """Kill a task without a record: it was replaced while its agent was away, or removed."""
        if status.kind in _EVENTS:
            log.info("a task without a record is killed", **name_attempt(status.task_id))
            self._kills.kill_orphan(status.task_id, status.agent_id)
        elif status.kind is not StatusKind.KILLING:
            self._kills.drop(status.task_id)

    def _apply_alive(self, preview: PreviewRecord, status: TaskStatus) -> None:
        self._losses.saw(status.task_id)
        event, now = _EVENTS[status.kind], self._clock.now()
        reported = Reported(event, now, status.phase, status.detail, status.began)
        changed = self._records.change(preview, reported)
        if changed.state is State.RUNNING is not preview.state:
            took = steps.durations(changed.steps)
            self._metrics.attempts.ran(took, awaited=not changed.ahead)
            self.fitness.succeeded(changed)
        # Only now: a late status raises above, and does not show that the task is back.
        if self._unreachable.end(status.task_id):
            self._records.routes.mark_dirty(preview.app)
        if status.kind is StatusKind.UNHEALTHY and self._unreachable.stop_routing(status.task_id):
            self._records.routes.mark_dirty(preview.app)

    def _being_killed(self, preview: PreviewRecord) -> None:
        if preview.state is State.DRAINING:
            return
        self._records.change(preview, Leaves(_KILLED, preview.avoid_agent))

    def _note_missing(self, preview: PreviewRecord, status: TaskStatus) -> None:
        """Note since when an attempt has been missing.

        A new master does not know the tasks of agents that have not registered again yet: they may
        run, and those of previews stay routed. If Mesos reports that the agent is away, they do
        not. A task that it never received is reported as gone as soon as its agent is known.
        """
        now = self._clock.monotonic()
        long_enough = self._subscribed is not None and now - self._subscribed >= AWAY_SECONDS
        if status.kind is StatusKind.UNKNOWN and long_enough:
            self._end(preview, Failure(Cause.TASK_LOST, "Mesos has lost its task."))
            return
        self._unreachable.begin(status.task_id, now)
        if status.kind is StatusKind.AWAY and self._unreachable.stop_routing(status.task_id):
            self._records.routes.mark_dirty(preview.app)
            if preview.state is not State.DRAINING:
                self._records.change(preview, Alive(_AWAY))

    def _end(self, preview: PreviewRecord, failure: Failure) -> None:
        now = self._clock.now()
        if preview.state is State.DRAINING:
            ended = Ended(wanted=preview.starts_again)
            self._records.change(preview, AttemptEnded(ended, None, now))
        else:
            log.warning(
                "an attempt ended by itself",
                app=preview.app,
                commit=preview.commit[:12],
                task=preview.task_id,
                why=failure.message,
            )
            self._metrics.attempts.failures.labels(failure.cause.value).inc()
            self.fitness.failed(preview, failure)
            outcome = retry.decide(preview, failure, now, self._judge(preview, failure))
            self._records.change(preview, AttemptEnded(outcome, failure, now))
        self.copies.ended(preview.task_id or "", preview.agent_id)
        self._forget(preview.task_id or "")

    def _judge(self, preview: PreviewRecord, failure: Failure) -> Loss:
        task_id = preview.task_id or ""
        was_away = self._unreachable.has(task_id)
        return self._losses.judge(task_id, failure.cause, was_away=was_away)

    def _forget(self, task_id: str) -> None:
        self._losses.saw(task_id)
        self._unreachable.end(task_id)
        self._kills.drop(task_id)
        self._queried.discard(task_id)

    def replace_missing(self) -> None:
        """Give up attempts that have been missing, or without any status, for too long."""
        if self._subscribed is None:
            return  # without a subscription nobody could report that they are back
        now = self._clock.monotonic()
        for task_id in self._unreachable.expired(now):
            lost = Failure(Cause.TASK_LOST, "Its agent did not answer for a minute.")
            if preview := self._records.of_task(task_id):
                self.give_up(preview, lost)
            elif job := self._records.jobs.of_task(task_id):
                self.jobs.give_up(job, lost)
            self._unreachable.end(task_id)
        # One that runs may have visitors: it stays, unless they are refused.
        for preview in self._records.in_state(*_SERVES_NOBODY):
            if self._reconciliation.is_unanswered(preview.task_id or "", now):
                self.give_up(preview, NO_ANSWER)
        for preview in self._records.in_state(State.PLACED):
            self._check_silent(preview, now - self._subscribed)
        self.jobs.replace_silent(now - self._subscribed)

    def _check_silent(self, preview: PreviewRecord, subscribed_for: float) -> None:
        task_id = preview.task_id or ""
        silence = min(self._clock.now() - preview.changed, subscribed_for)
        if silence > LAUNCH_SECONDS:
            why = "The task did not begin within five minutes."
            self.give_up(preview, Failure(Cause.TASK_LOST, why))
        elif silence > SILENT_SECONDS and task_id not in self._queried:
            self._queried.add(task_id)
            self.query({task_id: preview.agent_id})

    def is_confirmed(self, task_id: str) -> bool:
        """Return whether Mesos has confirmed a task since the last query, and it is routed."""
        return (
            not self._reconciliation.is_pending(task_id)
            and task_id not in self._unreachable.unrouted
        )

    def is_unanswered(self, task_id: str) -> bool:
        """Return whether Mesos has given no answer for a task for too long."""
        return self._reconciliation.is_unanswered(task_id, self._clock.monotonic())

    def give_up(self, preview: PreviewRecord, failure: Failure) -> None:
        """End an attempt whose end nobody has reported, and kill its task."""
        self._end(preview, failure)
        if preview.task_id:
            self._kills.kill_orphan(preview.task_id, preview.agent_id)

    def kill_drained(self) -> None:
        """Kill each draining attempt that gets no requests any more; repeat it after a while."""
        for preview in self._records.in_state(State.DRAINING):
            if preview.task_id and not self._records.routes.may_receive_requests(preview):
                self._kills.send(preview.task_id, preview.agent_id)
        self.jobs.kill_ending()
        self._kills.repeat()

    def note_late_ends(self) -> None:
        """Tell those who wait for the end of an attempt that it is late. Raises Unavailable."""
        for preview in self._records.in_state(State.DRAINING):
            late = self._clock.now() - preview.changed >= LATE_SECONDS
            if late and preview.starts_again and not preview.reason:
                self._records.change(preview, Alive(_LATE))

    def reconcile(self) -> None:
        """Query the tasks that are due. Raises Unavailable, OutcomeUnknown."""
        now = self._clock.monotonic()
        if now >= self._reconciliation.full_query_due:
            self._reconciliation.begin(self._tasks(), now)
            self._cluster.reconcile(())
            self._reconciliation.note_full_query(now)
        if tasks := self._reconciliation.next_batch(now):
            self._cluster.reconcile(tuple(tasks.items()))


def _with_findings(preview: PreviewRecord, status: TaskStatus) -> PreviewRecord:
    """Return a preview with what its executor has found out, once or with each status."""
    return dataclasses.replace(
        preview,
        digest=status.digest or preview.digest,
        protocol=status.protocol or preview.protocol,
        memory_kills=max(status.memory_kills, preview.memory_kills),
    )
