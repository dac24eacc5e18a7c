"""The jobs in a commit's `.prevs.toml`: commands that run in its image, and end with a result."""

import dataclasses
from typing import Optional

from prevs.schedules import Missed, Overlap


@dataclasses.dataclass(frozen=True)
class ScheduleSettings:
    """When a job starts by itself: at the times of a cron expression, or `every` so many seconds.

    One of `cron` and `every` is set. `zone` is the time zone of `cron`; `overlap` and `missed` are
    values of Overlap and Missed. A job that could not start within `deadline` seconds of its time
    is left out (0: never). Each time is moved by up to `spread` seconds, by the same for the same
    job.
    """

    cron: str = ""
    every: int = 0
    zone: str = "UTC"
    overlap: str = Overlap.SKIP.value
    missed: str = Missed.LAST.value
    deadline: float = 0.0
    spread: float = 0.0


@dataclasses.dataclass(frozen=True)
class JobSettings:
    """What a job runs, with what, and what happens if it fails.

    `command` is an argument vector. `cpus` is a share, `mem` a limit in MB; None means the app's
    setting. `timeout` limits each run of the command in seconds. A command that fails runs again up
    to `retries` times, the first time after `delay` seconds, and after twice as long each time
    later; not with an exit code of `no_retry`, and only with one of `retry_only` if there are any.
    A job that is `once` never starts again once it may have run. One that is `preemptible` may be
    ended when a preview needs its room, and starts again later. `priority` is 0 (low), 1 (usual) or
    2 (high). Of an app's jobs with the same `exclusive`, one runs at a time ("": as many as there
    are). A job that has not started after `expires` seconds no longer starts (0: it always may).
    Without a `schedule` it starts only when somebody asks.
    """

    command: tuple[str, ...]
    cpus: Optional[float] = None
    mem: Optional[int] = None
    timeout: float = 3600.0
    retries: int = 0
    delay: float = 10.0
    no_retry: tuple[int, ...] = ()
    retry_only: tuple[int, ...] = ()
    once: bool = False
    preemptible: bool = False
    priority: int = 1
    exclusive: str = ""
    expires: float = 0.0
    schedule: Optional[ScheduleSettings] = None

    @property
    def may_be_ended(self) -> bool:
        """Whether it may be ended at any time, as it starts again later."""
        # The API refuses both together.
        return self.preemptible and not self.once
