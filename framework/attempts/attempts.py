"""The current attempt of each unit: what Mesos reports about it, and its end.

Owned by the service's thread. A status of any other attempt never changes a unit. What an end means
is in ends.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import structlog

from framework.attempts import reconciliation, reports
from framework.attempts.ends import Decided, Ends, Watch
from framework.attempts.fitness import Fitness
from framework.attempts.isolations import Isolations
from framework.attempts.job_executors import JobExecutors
from framework.attempts.kills import REPEAT_SECONDS, Kills
from framework.attempts.losses import Losses
from framework.attempts.proxies import Proxies
from framework.attempts.reconciliation import Reconciliation, Tasks
from framework.attempts.unreachable import AWAY_SECONDS, UnreachableTasks
from framework.clock import Clock
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.ports.tasks import StatusKind, TaskStatus
from framework.preview import steps
from framework.state.executor_copies import ExecutorCopies
from framework.state.records import Records
from framework.units import lifecycle
from framework.units.lifecycle import is_ending
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Alive, Leaves
from prevs import names
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State
from program.logs.log_lines import name_attempt

log = structlog.get_logger(__name__)

SILENT_SECONDS = 30.0
"""How long after its launch a task without any status is queried."""
LAUNCH_SECONDS = 300.0
"""How long after its launch such a task is given up. Executors have a minute to register."""

# What runs has visitors or does its work: it outlasts a missing answer.
_SERVES_NOBODY = lifecycle.WITH_TASK - {State.RUNNING}
_DOES_NO_WORK = lifecycle.JOB_WITH_TASK - {JobState.RUNNING}

NO_ANSWER = Failure(
    Cause.TASK_LOST, "Its agent did not come back within a minute after Mesos's master had."
)
_AWAY_TOO_LONG = Failure(Cause.TASK_LOST, "Its agent did not answer for a minute.")
_NEVER_BEGAN = Failure(Cause.TASK_LOST, "The task did not begin within five minutes.")
_UNKNOWN = Failure(Cause.TASK_LOST, "Mesos has lost its task.")

_KILLED = "Mesos is ending its task because it needs the agent; the {} starts again."
_AWAY = Reason(
    ReasonKind.AGENT_AWAY, "Its agent does not answer; another one takes over in a minute."
)
_JOB_AWAY = Reason(
    ReasonKind.AGENT_AWAY, "Its agent does not answer; after a minute the attempt counts as lost."
)
LATE_SECONDS = 60.0
"""How long the end of a run may take, with its open requests, before who waits learns of it."""
_LATE = Reason(
    ReasonKind.ENDS_LATE,
    "Its last run was to end a minute ago, and has not ended yet. The order is repeated every "
    f"{REPEAT_SECONDS:g} s. Its agent's log and Docker may show why.",
)

_Unit = TypeVar("_Unit", PreviewRecord, JobRecord)
_AnyUnit = PreviewRecord | JobRecord


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
        self._silent: set[str] = set()
        self._reconciliation = Reconciliation()
        self._subscribed: float | None = None
        watch = Watch(
            self._kills, self._unreachable, self.copies, self.fitness, self.executors, self._losses
        )
        self._ends = Ends(watch, build_seconds=build_seconds, clock=clock, metrics=metrics)
        self._inherit()

    def _tasks(self) -> Tasks:
        """Return the task of everything that may have one."""
        return reconciliation.tasks_of(self._in_state(lifecycle.WITH_TASK, lifecycle.JOB_WITH_TASK))

    def _in_state(self, previews: Iterable[State], jobs: Iterable[JobState]) -> Iterable[_AnyUnit]:
        """Return the previews and the jobs in some states."""
        return (*self._records.in_state(*previews), *self._records.jobs.in_state(*jobs))

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
        self._subscribed = now
        self._unreachable.reset_timers(now)
        self._reconciliation.restart(now)
        self.proxies.subscribed()

    def disconnected(self) -> None:
        """Query nothing, and give up no attempt, until the next subscription."""
        self.executors.clear()
        self._subscribed = None
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
            jobs = reconciliation.tasks_of(self._records.jobs.with_task())
            own = (task for task in jobs if names.executor_id(task) == executor_id)
            self.query({task: jobs[task] for task in own})

    def apply(self, statuses: Sequence[TaskStatus]) -> None:
        """Store what statuses mean, then acknowledge them. Raises Unavailable if storing fails.

        Those of jobs are one write, so each is of another task.
        """
        done: list[TaskStatus] = []
        jobs: list[tuple[JobRecord, TaskStatus]] = []
        for status in statuses:
            self._metrics.attempts.updates.labels(status.state).inc()
            job = self._records.jobs.of_task(status.task_id)
            if status.kind is StatusKind.UNREADABLE:
                log.warning(
                    "unknown task state", state=status.state, **name_attempt(status.task_id)
                )
                done.append(status)
            elif job is not None:
                jobs.append((job, status))
            else:
                self._apply(status)
                done.append(status)
        done.extend(self._apply_to_jobs(jobs))
        self._cluster.acknowledge(done)

    def _apply(self, status: TaskStatus) -> None:
        """Store what a status of a preview, or of what has no record, means."""
        preview = self._records.of_task(status.task_id)
        if preview is None:
            self._kill_orphan(status)
        elif (decided := self._look(preview, status)) is not None:
            self._store(decided)
        self._note_answer(status, is_known=preview is not None)

    def _store(self, decided: Decided[PreviewRecord]) -> None:
        decided.follow(self._records.change(decided.unit, decided.transition))

    def _apply_to_jobs(self, found: Sequence[tuple[JobRecord, TaskStatus]]) -> Sequence[TaskStatus]:
        """Store what statuses of jobs mean, in one write; return them.

        One that meets a defect stops no other, and is not returned. Raises Unavailable.
        """
        decided, done = [], []
        for job, status in found:
            try:
                decided.append(self._look(job, status))
            except Exception:
                log.exception("a status cannot be applied", **name_attempt(status.task_id))
                self._metrics.errors.inc()
                continue
            done.append(status)
        self._store_jobs([one for one in decided if one is not None])
        for status in done:
            self._note_answer(status, is_known=True)
        return done

    def _store_jobs(self, decided: Sequence[Decided[JobRecord]]) -> None:
        changes = [(one.unit, one.transition) for one in decided]
        results = [one.result for one in decided if one.result]
        jobs = self._records.jobs.change_each(changes, results)
        for one, job in zip(decided, jobs, strict=True):
            one.follow(job)

    def _note_answer(self, status: TaskStatus, *, is_known: bool) -> None:
        # Only now that it is stored: Mesos answers a query once, so a lost answer is queried again.
        if status.kind is not StatusKind.UNKNOWN or not is_known:
            self._reconciliation.answered(status.task_id)

    def _kill_orphan(self, status: TaskStatus) -> None:
        """Kill a task without a record: it was replaced while its agent was away, or removed."""
        if status.kind in reports.EVENTS:
            log.info("a task without a record is killed", **name_attempt(status.task_id))
            self._kills.kill_orphan(status.task_id, status.agent_id)
        elif status.kind is not StatusKind.KILLING:
            self._kills.drop(status.task_id)

    def _look(self, unit: _Unit, status: TaskStatus) -> Decided[_Unit] | None:
        """Return what a status changes, None for nothing or for what the state does not allow."""
        if status.phase:  # only executors report a phase
            self.copies.reported(status.task_id, unit.agent_id)
        self.isolations.reported(unit.agent_id, status.isolation)
        decided = self._decide(reports.with_findings(unit, status), status)
        if decided is None or lifecycle.is_legal(unit.state, decided.transition.event):
            return decided
        self._metrics.illegal.inc()
        what = str(lifecycle.IllegalTransition(unit.state, decided.transition.event))
        log.warning("unexpected status", what=what, **name_attempt(status.task_id))
        return None

    def _decide(self, unit: _Unit, status: TaskStatus) -> Decided[_Unit] | None:
        if status.failure is not None:
            return self._ends.decide(unit, status.failure, status)
        if status.kind in reports.EVENTS:
            return self._note_alive(unit, status)
        if status.kind is StatusKind.KILLING:
            return self._note_kill(unit)
        return self._note_missing(unit, status)

    def _note_alive(self, unit: _Unit, status: TaskStatus) -> Decided[_Unit]:
        self._losses.saw(status.task_id)
        before, reported = unit.state, reports.read(unit, status, self._clock.now())
        return Decided(unit, reported, lambda after: self._note_return(before, after, status))

    def _note_return(self, before: State | JobState, after: _AnyUnit, status: TaskStatus) -> None:
        """Note that a task is back, and whether it serves. A late status does not show that."""
        was_unrouted = self._unreachable.end(status.task_id)
        if isinstance(after, JobRecord):
            return
        if was_unrouted:
            self._records.routes.mark_dirty(after.app)
        if before is not after.state is State.RUNNING:
            took = steps.durations(after.steps)
            self._metrics.attempts.ran(took, awaited=not after.ahead)
            self.fitness.succeeded(after)
        if status.kind is StatusKind.UNHEALTHY:
            self._stop_routing(after)

    def _stop_routing(self, preview: PreviewRecord) -> bool:
        """Send no requests to a preview; return whether that is new."""
        is_new = self._unreachable.stop_routing(preview.task_id or "")
        if is_new:
            self._records.routes.mark_dirty(preview.app)
        return is_new

    def _note_kill(self, unit: _Unit) -> Decided[_Unit]:
        """Note that Mesos kills the task for a reason of its own, for example as its agent drains.

        A preview still avoids the agent that it avoided; a job may come back to any.
        """
        is_job = isinstance(unit, JobRecord)
        text = _KILLED.format("job" if is_job else "preview")
        avoided = None if is_job else unit.avoid_agent
        return Decided(unit, Leaves(Reason(ReasonKind.KILLED_BY_MESOS, text), avoided))

    def _note_missing(self, unit: _Unit, status: TaskStatus) -> Decided[_Unit] | None:
        """Note since when an attempt has been missing.

        A new master does not know the tasks of agents that have not registered again yet: they may
        run, and those of previews stay routed. If Mesos reports that the agent is away, they do
        not. A task that it never received is reported as gone as soon as its agent is known.
        """
        now = self._clock.monotonic()
        long_enough = self._subscribed is not None and now - self._subscribed >= AWAY_SECONDS
        if status.kind is StatusKind.UNKNOWN and long_enough:
            return self._ends.decide(unit, _UNKNOWN)
        self._unreachable.begin(status.task_id, now)
        if status.kind is not StatusKind.AWAY:
            return None
        is_new = isinstance(unit, JobRecord) or self._stop_routing(unit)
        if not is_new or is_ending(unit.state):
            return None
        return Decided(unit, Alive(_AWAY if isinstance(unit, PreviewRecord) else _JOB_AWAY))

    def replace_missing(self) -> None:
        """Give up attempts that have been missing, or without any status, for too long."""
        if self._subscribed is None:
            return  # without a subscription nobody could report that they are back
        now = self._clock.monotonic()
        for task_id in self._unreachable.expired(now):
            if found := self._records.of_task(task_id) or self._records.jobs.of_task(task_id):
                self.give_up(found, _AWAY_TOO_LONG)
            self._unreachable.end(task_id)
        for unit in self._in_state(_SERVES_NOBODY, _DOES_NO_WORK):
            if self._reconciliation.is_unanswered(unit.task_id or "", now):
                self.give_up(unit, NO_ANSWER)
        self._replace_silent(now - self._subscribed)

    def _replace_silent(self, subscribed_for: float) -> None:
        """Query the tasks that say nothing after their launch, once, and give them up later."""
        now, silent = self._clock.now(), dict[str, str | None]()
        for unit in self._in_state([State.PLACED], [JobState.PLACED]):
            silence = min(now - unit.changed, subscribed_for)
            if silence > LAUNCH_SECONDS:
                self.give_up(unit, _NEVER_BEGAN)
            elif silence > SILENT_SECONDS:
                silent[unit.task_id or ""] = unit.agent_id
        self.query({task: silent[task] for task in silent if task not in self._silent})
        self._silent = set(silent)

    def is_confirmed(self, task_id: str) -> bool:
        """Return whether Mesos has confirmed a task since the last query, and it is routed."""
        return (
            not self._reconciliation.is_pending(task_id)
            and task_id not in self._unreachable.unrouted
        )

    def is_unanswered(self, task_id: str) -> bool:
        """Return whether Mesos has given no answer for a task for too long."""
        return self._reconciliation.is_unanswered(task_id, self._clock.monotonic())

    def give_up(self, unit: _AnyUnit, failure: Failure) -> None:
        """End an attempt whose end nobody has reported, and kill its task."""
        if isinstance(unit, JobRecord):
            self._store_jobs([self._ends.decide(unit, failure)])
        else:
            self._store(self._ends.decide(unit, failure))
        if unit.task_id:
            self._kills.kill_orphan(unit.task_id, unit.agent_id)

    def kill_drained(self) -> None:
        """Kill each draining attempt that gets no requests any more; repeat it after a while."""
        for preview in self._records.in_state(State.DRAINING):
            if preview.task_id and not self._records.routes.may_receive_requests(preview):
                self._kills.send(preview.task_id, preview.agent_id)
        self.kill_ending_jobs()
        self._kills.repeat()

    def kill_ending_jobs(self) -> None:
        """Kill the task of each job that is ending; repeat it after a while."""
        for job in self._records.jobs.in_state(JobState.ENDING):
            if job.task_id:
                self._kills.send(job.task_id, job.agent_id)

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
