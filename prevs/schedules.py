"""The schedules of an app, as the framework stores them: each makes jobs at times.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import enum
from typing import Optional

from prevs import codec
from prevs.declarations import setting

_YEAR = 366 * 86_400
LONGEST_CRON = 200
"""Characters of an expression."""


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
class ScheduleSettings:
    """When a job starts by itself, as a file and a schedule have it: one of `cron` and `every`."""

    cron: str = setting(
        "",
        "Cron",
        "When: minute, hour, day of the month, month and day of the week, as for Debian's cron.",
        is_left_out=True,
        form="cron-expression",
        longest=LONGEST_CRON,
        example="0 6 * * mon-fri",
        metavar="EXPRESSION",
        file_key="schedule",
        file_examples=['"0 6 * * mon-fri"'],
    )
    every: int = setting(
        0,
        "Every",
        "How many seconds pass from one time to the next.",
        is_left_out=True,
        least=60,
        most=_YEAR,
        unit="seconds",
        file_text="Not beside `schedule`.",
        file_examples=["3600"],
    )
    zone: str = setting(
        "UTC",
        "Zone",
        "The time zone of the expression, by its IANA name.",
        form="time-zone",
        example="Europe/Berlin",
        file_examples=['"Europe/Berlin"'],
    )
    overlap: Overlap = setting(
        Overlap.SKIP,
        "Overlap",
        "What a time does while a job of it has not ended: `skip` makes none, `queue` lets one "
        "wait, `replace` cancels the old one, `allow` runs both.",
        file_examples=['"queue"'],
    )
    missed: Missed = setting(
        Missed.LAST,
        "Missed",
        "Which of the times are made up that passed while prevs was away: the `last`, `none` or "
        "`all` (of many, 24).",
        file_examples=['"none"'],
    )
    deadline: float = setting(
        0.0,
        "Deadline",
        "A time that is more than so many seconds late makes no job; 0: no limit.",
        least=0,
        most=_YEAR,
        unit="seconds",
        file_examples=["1800"],
    )
    spread: float = setting(
        0.0,
        "Spread",
        "Its jobs begin up to so many seconds late, always by the same, so that not all schedules "
        "begin at once.",
        least=0,
        most=3600,
        unit="seconds",
        file_examples=["300"],
    )


@dataclasses.dataclass(frozen=True)
class _Work:
    """What a schedule makes, and for which app.

    The job is the one named `job` in the `.prevs.toml` of the commit that `label` leads to at that
    time, or the `command` there; the other one is empty.
    """

    app: str
    name: str
    label: str
    job: str = ""
    command: tuple[str, ...] = ()


WHEN = ("cron", "every", "zone", "start_at", "end_at")
"""The settings that say when a schedule makes jobs, but for how many."""


# The fields of the last base come first: some of them have no default.
@dataclasses.dataclass(frozen=True)
class ScheduleRecord(ScheduleSettings, _Work):
    """A schedule: its job, its times, and which of these times have been decided.

    All times up to `last` have been decided: it is the latest of them, or when the schedule was
    written or resumed. `count` of them have made a job; `skipped` are the last few that have not.
    `token` names who made the schedule. If it is `from_file`, the `.prevs.toml` of the app's
    default branch has it. `convention` is that of its jobs, as in JobRecord. `sealed` is what each
    of its jobs is given, as in PayloadRecord; "" for nothing.
    """

    start_at: Optional[int] = setting(
        None,
        "Begins",
        "No time is before it. The times of `every` count from it, or else from when the schedule "
        "was made.",
        unit="time",
        order_text="A date with a time, like `2026-12-01T06:00`. Without an offset from UTC, it is "
        "what a clock in `zone` shows.",
    )
    end_at: Optional[int] = setting(
        None, "Ends", "No time is after it.", unit="time", order_text="Written as `start_at` is."
    )
    times: int = setting(
        0,
        "Times",
        "After so many jobs it makes no more; 0: no limit.",
        least=0,
        most=1_000_000,
        metavar="N",
    )
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
