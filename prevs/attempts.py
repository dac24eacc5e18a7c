"""What a unit's record says of its attempts, alike for previews and jobs.

Times are seconds since the epoch (UTC).
"""

import dataclasses
from typing import Optional

from prevs.states import Cause


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A mistake in a line (from 1) of a commit's .prevs.toml or compose file, and the next step."""

    line: int
    message: str


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an attempt failed, as a sentence for people and a cause for programs.

    `mistakes` are those in one file of the commit's settings, if they are the reason; the message
    names it.
    """

    cause: Cause
    message: str
    exit_code: Optional[int] = None
    mistakes: tuple[Mistake, ...] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of an attempt: its name, and when it began."""

    name: str
    began: float


@dataclasses.dataclass(frozen=True)
class EndedAttempt:
    """An attempt that is over: the `number`th of its unit, which ran as the task `task_id`.

    `reached` is the last step that began. `cause` and `exit_code` are why it failed, None if it was
    stopped; `why` is the sentence for either, cut short.
    """

    number: int
    task_id: str
    began: float
    ended: float
    agent_id: Optional[str] = None
    agent_host: Optional[str] = None
    reached: str = ""
    cause: Optional[Cause] = None
    exit_code: Optional[int] = None
    why: str = ""


@dataclasses.dataclass(frozen=True)
class AttemptRecord:
    """The fields of a unit's record about its current or last attempt, and the next one."""

    task_id: Optional[str] = None
    """Its task, whose id is never used again."""
    agent_id: Optional[str] = None
    agent_host: Optional[str] = None
    phase: str = ""
    """The last phase that its executor reported."""
    detail: str = ""
    """The progress in that phase ("3/5 RUN make")."""
    digest: str = ""
    """The digest of its image in the registry, "" if unknown."""
    reason: str = ""
    """Why the unit waits or ends, as a sentence."""
    reason_kind: str = ""
    """The kind of that reason (framework/units/reasons.py)."""
    failure: Optional[Failure] = None
    """Why the unit failed."""
    changed: float = 0.0
    """When the unit's state last changed."""
    starts_again: bool = False
    """Set while the attempt is to end, if the unit is to start again afterwards."""
    consecutive_losses: int = 0
    """How many attempts were lost in a row."""
    retry_at: float = 0.0
    """When the next attempt begins at the earliest."""
    avoid_agent: Optional[str] = None
    """The agent that the next attempt avoids if possible."""
    attempts: tuple[EndedAttempt, ...] = ()
    """The last few that ended, the oldest first (framework/units/ended_attempts.py)."""
