"""What went together with a lost attempt, and whether what it ran may be to blame.

Owned by the service's thread. A preview or job can end its executor, its agent or its machine; it
cannot end the cluster in order. What it does to its agent it mostly does soon after it has begun.
"""

import enum
from collections.abc import Iterable

from prevs.states import Cause

SETTLED_SECONDS = 60.0
"""What has run for so long is not to blame if its whole agent goes."""

_TAKEN = frozenset({Cause.TASK_LOST, Cause.EXECUTOR_FAILED, Cause.DOCKER_UNAVAILABLE})
"""The causes by which something else may have taken an attempt away."""


class Loss(enum.Enum):
    """What went with an attempt."""

    ALONE = "nothing that is known of"
    WITH_AGENT = "its agent, or the agent's docker"
    WITH_CLUSTER = "perhaps all of the cluster, as the framework was away"
    IN_STOP = "perhaps all of the cluster, as the framework had stopped in order"

    def is_counted(self, ran: float) -> bool:
        """Return whether a loss counts for what had run for `ran` seconds, 0 if it never did."""
        if self is Loss.IN_STOP:
            return False
        return self is Loss.ALONE or ran < SETTLED_SECONDS

    @property
    def blames_agent(self) -> bool:
        """Whether its agent may be worse than others."""
        return self in (Loss.ALONE, Loss.WITH_AGENT)


class Losses:
    """Knows which attempts nobody has seen since this framework leads.

    `inherited` are the tasks of the attempts that were recorded then. `after_stop` is whether the
    framework that led before had stopped in order.
    """

    def __init__(self, inherited: Iterable[str], *, after_stop: bool) -> None:
        self._unseen = set(inherited)
        self._after_stop = after_stop

    def saw(self, task_id: str) -> None:
        """Note that an attempt is alive, or that its end is stored."""
        self._unseen.discard(task_id)

    def judge(self, task_id: str, cause: Cause, *, was_away: bool) -> Loss:
        """Return what went with an attempt that ended by itself for `cause`.

        `was_away` is whether its agent had not answered before, or Mesos had not known the task.
        """
        if cause not in _TAKEN:
            return Loss.ALONE
        if task_id in self._unseen:
            return Loss.IN_STOP if self._after_stop else Loss.WITH_CLUSTER
        only_executor = cause is Cause.EXECUTOR_FAILED and not was_away
        return Loss.ALONE if only_executor else Loss.WITH_AGENT
