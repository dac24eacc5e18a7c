"""What an executor is ordered to do for a job, and what the command says about its progress."""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs.states import Cause

FOLDER = "/run/prevs"
"""The folder of a job's container in which all files below are; all its users may write there."""
PAYLOAD_FILE = "/run/prevs/payload"
"""Where a job's container has its payload; the file is there only if there is a payload."""
RESULT_FILE = "/run/prevs/result"
"""Where a command leaves its result."""
PROGRESS_FILE = "/run/prevs/progress"
"""Where a command writes its progress: percent and a few words, like `40 half way`."""
ARTIFACTS_FOLDER = "/run/prevs/artifacts"
"""Where a command leaves files to be kept with its log. Only plain files are."""
MOST_RESULT = 64 * 1024
"""Bytes of a result; a longer one fails the job."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a command itself says about its progress: 0 to 100 percent, and a few words."""

    percent: int = 0
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Work:
    """A command to run to its exit, at most `timeout` seconds, as the try `number` of a job.

    `environment` is for this job alone and comes before the app's variables. `payload` is base64,
    None if there is none; with `stdin` the command also reads it there. `nominal` is the time for
    which a schedule has made the job, in seconds since the epoch. `variables` are more
    that say what it works on; they are no secrets, and logs may show them. `before` is how the try
    before it ended, "" if there was none. The executor then waits `linger` seconds for another job
    of the app, if `may_linger` allows it. `beside` is the task of the running preview whose
    companions it reaches; "" if it has its own, or needs none.
    """

    job: str
    command: tuple[str, ...]
    timeout: float
    number: int = 1
    nominal: Optional[float] = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    payload: Optional[str] = dataclasses.field(default=None, repr=False)
    stdin: bool = False
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    before: str = ""
    linger: float = 0.0
    beside: str = ""


def may_linger(cause: Optional[Cause]) -> bool:
    """Return whether an executor may take another job after an attempt that ended by itself.

    `cause` is why that failed, None if it succeeded. Only if the command came to its own end is
    nothing wrong with the executor, and nothing of it left.
    """
    return cause in (None, Cause.APP_EXITED)
