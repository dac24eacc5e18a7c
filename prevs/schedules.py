"""The schedules of an app, as the framework stores them: each makes jobs at times.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import enum
from typing import Optional

from prevs import codec


class Overlap(enum.Enum):
    """What happens at a time of a schedule while a job of it has not ended."""

    SKIP = "skip"  # nothing
    QUEUE = "queue"  # one more job waits until the one before has ended
    REPLACE = "replace"  # its jobs are cancelled, and a new one is made
    ALLOW = "allow"  # a new job is made, and both may run


class Missed(enum.Enum):
    """Which of the times are made up that came while nothing could be decided."""

    LAST = "last"
    NONE = "none"
    ALL = "all"


@dataclasses.dataclass(frozen=True)
class SkippedTime:
    """A time at which a schedule made no job, and why, as a sentence or two."""

    nominal: int
    why: str


@dataclasses.dataclass(frozen=True)
class ScheduleRecord:
    """A schedule: which job it makes, at which times, and which of these have been decided.

    The job is the one named `job` in the `.prevs.toml` of the commit that `label` leads to at that
    time, or the `command` there; the other one is empty. The times are those of the expression
    `cron` in the time zone `zone`, or `every` so many seconds from `start_at` on, or else after
    `created`. None is before `start_at` or after `end_at`, and at most so many `times` make a job
    (0: no limit). A missed one is not made up once it is more than `deadline` seconds late (0:
    always). All of them come up to `spread` seconds later, each by the same.

    All times up to `last` have been decided: it is the latest of them, or when the schedule was
    written or resumed. `count` of them have made a job; `skipped` are the last few that have not.
    `token` names who made the schedule. If it is `from_file`, the `.prevs.toml` of the app's
    default branch has it. `convention` is that of its jobs, as in JobRecord. `sealed` is what each
    of its jobs is given, as in PayloadRecord; "" for nothing.
    """

    app: str
    name: str
    label: str
    job: str = ""
    command: tuple[str, ...] = ()
    cron: str = ""
    every: int = 0
    zone: str = "UTC"
    start_at: Optional[int] = None
    end_at: Optional[int] = None
    times: int = 0
    overlap: Overlap = Overlap.SKIP
    missed: Missed = Missed.LAST
    deadline: float = 0.0
    spread: float = 0.0
    paused: bool = False
    last: float = 0.0
    count: int = 0
    skipped: tuple[SkippedTime, ...] = ()
    created: float = 0.0
    token: str = ""
    from_file: bool = False
    convention: str = ""
    sealed: str = dataclasses.field(default="", repr=False)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "ScheduleRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(ScheduleRecord, 1, data)
