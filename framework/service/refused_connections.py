"""Running previews whose tasks refuse connections. Owned by the service's thread.

A proxy reports such a task every two seconds, while a client waits for it there. The task is
queried at once. If Mesos confirms that it runs, and the refusals last too long, the attempt fails;
docs/decisions/0024-refused.md explains why it does not always fail.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.attempts.attempts import NO_ANSWER, Attempts
from framework.clock import Clock
from framework.ports import Use
from framework.state.records import Records
from framework.units import reasons
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Alive
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State
from program.logs.log_lines import name_attempt

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 15.0
"""How long a running preview may refuse connections before its attempt fails."""
LAPSE_SECONDS = 8.0
"""How long a proxy's last report of refused connections counts."""

REASON = Reason(
    ReasonKind.REFUSES_CONNECTIONS,
    "Its container refuses connections. The framework has asked Mesos about its task. If no proxy "
    f"reaches it for {PATIENCE_SECONDS:g} s, it starts again as soon as Mesos answers, or after a "
    "minute without an answer.",
)
_FAILURE = Failure(
    Cause.UNHEALTHY,
    f"Its container refused connections for {PATIENCE_SECONDS:g} s, though Mesos says that it "
    "runs; its log may say why.",
)


class RefusingTask(NamedTuple):
    """A task that has refused connections from `since` to the `last` report.

    `refused` is when each proxy last reported that, `used` when each last reported a use of it.
    """

    since: float
    last: float
    refused: Mapping[str, float]
    used: Mapping[str, float] = {}


def note_refusal(task: RefusingTask | None, proxy: str, now: float) -> RefusingTask:
    """Return `task` after a proxy's report at `now`; a new one if that is None or has lapsed."""
    if task is None or has_lapsed(task, now):
        return RefusingTask(now, now, {proxy: now})
    return task._replace(last=now, refused={**task.refused, proxy: now})


def has_lapsed(task: RefusingTask, now: float) -> bool:
    """Return whether no proxy reports refused connections any more."""
    return now - task.last > LAPSE_SECONDS


def has_lasted(task: RefusingTask) -> bool:
    """Return whether a task has refused connections for too long, and no proxy has reached it.

    A request counts as a use before it is refused. So a proxy has reached the task if it reported
    a use, but no refusal in the seconds before.
    """
    never = float("-inf")
    reached = any(
        at - task.refused.get(proxy, never) > LAPSE_SECONDS and task.last - at < PATIENCE_SECONDS
        for proxy, at in task.used.items()
    )
    return task.last - task.since >= PATIENCE_SECONDS and not reached


class RefusedConnections:
    """Receives reports of refused connections, and ends attempts that refuse for too long."""

    def __init__(self, records: Records, attempts: Attempts, clock: Clock) -> None:
        self._records = records
        self._attempts = attempts
        self._clock = clock
        self._refusing: dict[str, RefusingTask] = {}

    def note(self, proxy: str, tasks: Sequence[str]) -> None:
        """Note that tasks refuse a proxy's connections; query each task at its first refusal."""
        now = self._clock.monotonic()
        for task_id in tasks:
            if (preview := self._running(task_id)) is None:
                continue
            task = self._refusing.get(task_id)
            if task is None or has_lapsed(task, now):
                log.warning("connections are refused", proxy=proxy, **name_attempt(task_id))
                self._attempts.query({task_id: preview.agent_id})
            self._refusing[task_id] = note_refusal(task, proxy, now)

    def used(self, proxy: str, uses: Sequence[Use]) -> None:
        """Take a proxy's report of its use of tasks."""
        for use in uses:
            task = self._refusing.get(use.task_id)
            if task is not None and (use.open or use.requests):
                used = {**task.used, proxy: self._clock.monotonic()}
                self._refusing[use.task_id] = task._replace(used=used)

    def reconcile(self) -> None:
        """Write the refusals as the previews' reasons, and end attempts that refuse for too long.

        Raises Unavailable.
        """
        for task_id, task in tuple(self._refusing.items()):
            preview = self._running(task_id)
            if preview is None or has_lapsed(task, self._clock.monotonic()):
                if preview and preview.reason_kind == REASON.kind:
                    self._records.change(preview, Alive(reasons.NONE))
                del self._refusing[task_id]
            elif has_lasted(task) and self._attempts.is_confirmed(task_id):
                self._attempts.give_up(preview, _FAILURE)
            elif has_lasted(task) and self._attempts.is_unanswered(task_id):
                self._attempts.give_up(preview, NO_ANSWER)
            elif not preview.reason:
                self._records.change(preview, Alive(REASON))

    def _running(self, task_id: str) -> PreviewRecord | None:
        preview = self._records.of_task(task_id)
        return preview if preview and preview.state is State.RUNNING else None
