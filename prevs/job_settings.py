"""The jobs in a commit's `.prevs.toml`: commands that run in its image, and end with a result."""

import dataclasses
from typing import Optional

from prevs.declarations import MEMORY, SHARE, setting
from prevs.schedules import ScheduleSettings

_WEEK = 7 * 24 * 3600


@dataclasses.dataclass(frozen=True)
class JobSettings:
    """A job's command, its resources, and what happens if it fails.

    `command` is an argument vector. Without a `schedule` it starts only when somebody asks. None as
    a share or a limit means the app's setting.
    """

    command: tuple[str, ...]
    cpus: Optional[float] = setting(
        None,
        "CPUs",
        "A share of CPUs.",
        **SHARE,
        order_text="At most the app's `max_cpus`.",
        file_text="Default: the app's `cpus`; at most its `max_cpus`.",
        file_examples=["0.5"],
    )
    mem: Optional[int] = setting(
        None,
        "Memory",
        "A memory limit in MB.",
        **MEMORY,
        unit="MB",
        order_text="At most the app's `max_mem`.",
        file_text="Default: the app's `mem`; at most its `max_mem`.",
        file_examples=["512"],
    )
    timeout: float = setting(
        3600.0,
        "Timeout",
        "How many seconds the command may run, each time.",
        least=1,
        most=_WEEK,
        unit="seconds",
        is_lowered=True,
        file_examples=["900"],
    )
    retries: int = setting(
        0,
        "Retries",
        "How many times it runs again if the command fails.",
        least=0,
        most=10,
        metavar="N",
        file_text="It also starts again if its agent was lost, which uses up no retry.",
        file_examples=["3"],
    )
    delay: float = setting(
        10.0,
        "Delay",
        "How many seconds pass before the first retry, and twice as many before each later one, "
        "but no more than an hour.",
        least=1,
        most=3600,
        unit="seconds",
        file_examples=["60"],
    )
    no_retry: tuple[int, ...] = setting(
        (),
        "No retry",
        "The exit codes with which it does not run again.",
        least=1,
        most=255,
        most_items=20,
        file_text="One, or a list.",
        file_examples=["2", "[2, 64]"],
    )
    retry_only: tuple[int, ...] = setting(
        (),
        "Retry only",
        "The exit codes with which alone it runs again. Not beside `no_retry`.",
        least=1,
        most=255,
        most_items=20,
        file_text="One, or a list.",
        file_examples=["75"],
    )
    once: bool = setting(
        False,
        "Once",
        "Whether it never starts again once it may have run, whatever happened to it. Not beside "
        "`retries`.",
        file_examples=["true"],
    )
    preemptible: bool = setting(
        False,
        "Preemptible",
        "Whether it may be ended when a visitor's preview finds no other room. It starts again "
        "later, which uses up no retry. Not beside `once`.",
        file_examples=["true"],
    )
    priority: int = setting(
        1,
        "Priority",
        "0 is low, 1 usual, 2 high.",
        least=0,
        most=2,
        is_lowered=True,
        file_examples=["2"],
    )
    exclusive: str = setting(
        "",
        "Exclusive",
        "The name of a group of the app's jobs, of which one runs at a time.",
        file_examples=['"database"'],
    )
    expires: float = setting(
        0.0,
        "Expires",
        "How many seconds it may wait for its start; then it fails. 0: it may wait for ever.",
        least=0,
        most=_WEEK,
        unit="seconds",
        file_examples=["600"],
    )
    companions: bool = setting(
        True,
        "Companions",
        "Whether it reaches the commit's companions: those of the running preview, or else its "
        "own.",
        file_text="`false` for a command that needs none: it then starts sooner.",
        file_examples=["false"],
    )
    schedule: Optional[ScheduleSettings] = None

    @property
    def may_be_ended(self) -> bool:
        """Whether it may be ended at any time, as it starts again later."""
        # The API refuses both together.
        return self.preemptible and not self.once
