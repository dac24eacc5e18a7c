"""The current attempt of each preview: what Mesos says of it, and its end.

Owned by the service's thread. An update of any other attempt never touches a preview.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from framework import lifecycle, recovery, task_status
from framework.clock import Clock
from framework.kills import Kills
from framework.lifecycle import Event
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.records import Records
from framework.task_status import Kind, Report
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

log = structlog.get_logger(__name__)

AWAY_SECONDS = 60.0
"""How long an attempt whose agent does not answer is kept before another one replaces it."""
LOST_LIMIT = 3
"""How many attempts in a row may be lost before the preview has failed."""
SILENT_SECONDS = 30.0
"""After which a launched task that has said nothing is asked for."""
LAUNCH_SECONDS = 300.0
"""After which it is given up. Agents themselves give an executor a minute to register."""

_EVENTS: Mapping[Kind, Event] = {
    Kind.ALIVE: Event.ALIVE,
    Kind.BUILDING: Event.BUILDING,
    Kind.STARTING: Event.STARTING,
    Kind.HEALTHY: Event.HEALTHY,
}


class Attempts:
    """Applies status updates to the records, and sees attempts through to their end."""

    def __init__(
        self, records: Records, cluster: Cluster, *, clock: Clock, metrics: Metrics
    ) -> None:
        self._records = records
        self._cluster = cluster
        self._clock = clock
        self._metrics = metrics
        self._away: dict[str, float] = {}
        self._unrouted: set[str] = set()
        self._kills = Kills(cluster, clock)
        self._reminded: set[str] = set()
        self._everything_due = float("inf")
        self._run = recovery.begin((), 0.0)

    @property
    def unrouted(self) -> frozenset[str]:
        """The tasks to which nobody may be sent although they run."""
        return frozenset(self._unrouted)

    def subscribed(self) -> None:
        """Ask for everything: for each task that we know of, and for those that we don't."""
        now = self._clock.monotonic()
        self._run = recovery.begin(self._records.previews, now)
        self._everything_due = now

    def disconnected(self) -> None:
        """Ask for nothing until the next subscription."""
        self._run = recovery.begin((), 0.0)
        self._everything_due = float("inf")

    def doubt(self, task_ids: Mapping[str, str | None]) -> None:
        """Ask what became of some tasks."""
        self._run = recovery.asking(self._run, task_ids, self._clock.monotonic())

    def agent_failed(self, agent_id: str | None, executor_id: str | None) -> None:
        """Take the hint that an agent or executor is gone: ask."""
        self.doubt(
            {
                p.task_id: p.agent_id
                for p in self._records.previews
                if p.state in lifecycle.WITH_TASK
                and p.task_id
                and (p.task_id == executor_id or (executor_id is None and p.agent_id == agent_id))
            }
        )

    def updated(self, status: Mapping[str, Any]) -> None:
        """Store what a status means, then acknowledge it. Raises Unavailable before that."""
        self._metrics.updates.labels(status["state"]).inc()
        try:
            report = task_status.read(status)
        except task_status.UnknownTaskState as error:
            log.warning("unknown task state", state=str(error), task=status["task_id"]["value"])
        else:
            self._apply(report)
        self._cluster.acknowledge(status)

    def _apply(self, report: Report) -> None:
        if report.kind is not Kind.UNKNOWN:
            self._run = recovery.answered(self._run, report.task_id)
        preview = self._records.of_task(report.task_id)
        if preview is None:
            self._stray(report)
            return
        try:
            if report.kind in _EVENTS:
                self._alive(preview, report)
            elif report.kind is Kind.KILLING:
                self._being_killed(preview)
            elif report.kind in (Kind.AWAY, Kind.UNKNOWN):
                self._missing(preview, report)
            else:
                self._over(preview, report)
        except lifecycle.IllegalTransition as error:
            self._metrics.illegal.inc()
            log.warning("unexpected status", task=report.task_id, what=str(error))

    def _stray(self, report: Report) -> None:
        """End a task that no preview has: replaced while its agent was away, or removed."""
        if report.kind in _EVENTS:
            log.info("a task without a preview is killed", task=report.task_id)
            self._kills.send(report.task_id, report.agent_id)
        if report.kind.terminal:
            self._kills.forget(report.task_id)

    def _alive(self, preview: PreviewRecord, report: Report) -> None:
        self._back(preview)
        fields: dict[str, Any] = {"phase": report.phase or preview.phase, "reason": ""}
        if report.kind is Kind.HEALTHY and preview.state is not State.DRAINING:
            fields |= {"phase": "running", "lost": 0}
            if preview.state is not State.RUNNING:
                fields["started"] = self._clock.now()
        if preview.state is State.DRAINING:
            fields = {}
        self._records.change(preview, _EVENTS[report.kind], **fields)

    def _back(self, preview: PreviewRecord) -> None:
        task_id = preview.task_id or ""
        if self._away.pop(task_id, None) is not None:
            self._unrouted.discard(task_id)
            self._records.republish(preview.app)

    def _being_killed(self, preview: PreviewRecord) -> None:
        again = preview.again if preview.state is State.DRAINING else True
        self._records.change(preview, Event.KILLING, again=again)

    def _missing(self, preview: PreviewRecord, report: Report) -> None:
        """Note since when an attempt has been out of sight.

        Where the master merely has not heard of it (a new master, whose agents are still coming
        back) visitors are sent there as before; where it says that the agent is away, not.
        """
        if report.kind is Kind.UNKNOWN and preview.state is State.PLACED:
            self._lost(preview, Failure(Cause.TASK_LOST, "Mesos never got the task."))
            return
        task_id = report.task_id
        self._away.setdefault(task_id, self._clock.monotonic())
        if report.kind is Kind.AWAY and task_id not in self._unrouted:
            self._unrouted.add(task_id)
            self._records.republish(preview.app)
            reason = "Its agent does not answer; in a minute another one takes over."
            self._records.change(preview, Event.ALIVE, reason=reason)

    def _over(self, preview: PreviewRecord, report: Report) -> None:
        failure = report.failure or Failure(Cause.TASK_LOST, "The task ended.")
        if preview.state is State.DRAINING:
            self._ended(preview)
        elif report.kind is Kind.FAILED:
            self._records.change(preview, Event.FAILED, failure=failure, reason="")
        else:
            self._lost(preview, failure)
        self._forget(report.task_id)

    def _ended(self, preview: PreviewRecord) -> None:
        fields = {"again": False, "phase": "", "reason": ""}
        event = Event.ENDED_WANTED if preview.again else Event.ENDED
        self._records.change(preview, event, **fields)

    def _lost(self, preview: PreviewRecord, failure: Failure) -> None:
        log.warning("an attempt is lost", task=preview.task_id, why=failure.message)
        if preview.lost >= LOST_LIMIT:
            message = f"{preview.lost + 1} attempts in a row were lost. The last: {failure.message}"
            failure = Failure(failure.cause, message, failure.exit_code)
            self._records.change(preview, Event.LOST_TOO_OFTEN, failure=failure, reason="")
            return
        reason = f"It starts again, because its last attempt was lost: {failure.message}"
        self._records.change(
            preview, Event.LOST, lost=preview.lost + 1, phase="", reason=reason, started=None
        )

    def _forget(self, task_id: str) -> None:
        self._away.pop(task_id, None)
        self._unrouted.discard(task_id)
        self._kills.forget(task_id)
        self._reminded.discard(task_id)

    def replace_missing(self) -> None:
        """Give up attempts that have been out of sight, or have said nothing, for too long."""
        now = self._clock.monotonic()
        for task_id, since in tuple(self._away.items()):
            if now - since < AWAY_SECONDS:
                continue
            if preview := self._records.of_task(task_id):
                self._give_up(preview, "Its agent did not answer for a minute.")
            self._forget(task_id)
        for preview in self._records.previews:
            if preview.state is State.PLACED:
                self._remind(preview)

    def _remind(self, preview: PreviewRecord) -> None:
        age, task_id = self._clock.now() - preview.changed, preview.task_id or ""
        if age > LAUNCH_SECONDS:
            self._give_up(preview, "The task did not begin within five minutes.")
            self._forget(task_id)
        elif age > SILENT_SECONDS and task_id not in self._reminded:
            self._reminded.add(task_id)
            self.doubt({task_id: preview.agent_id})

    def _give_up(self, preview: PreviewRecord, why: str) -> None:
        if preview.state is State.DRAINING:
            self._ended(preview)
        else:
            self._lost(preview, Failure(Cause.TASK_LOST, why))

    def kill_drained(self) -> None:
        """Kill each draining attempt to which nobody is sent any more; again after a while."""
        for preview in self._records.previews:
            if (
                preview.state is State.DRAINING
                and preview.task_id
                and not self._records.routed(preview)
            ):
                self._kills.send(preview.task_id, preview.agent_id)

    def reconcile(self) -> None:
        """Ask for the tasks that it is time to ask for. Raises Unavailable, OutcomeUnknown."""
        now = self._clock.monotonic()
        if now >= self._everything_due:
            self._run = recovery.begin(self._records.previews, now)
            self._cluster.reconcile(())
            self._everything_due = now + recovery.PERIOD_SECONDS
        tasks, self._run = recovery.ask(self._run, now)
        if tasks:
            self._cluster.reconcile(tuple(tasks.items()))
