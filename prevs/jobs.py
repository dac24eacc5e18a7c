"""Jobs as the framework stores them: a command, run in an app's image at a commit, with a result.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import enum
from typing import Optional

from prevs import codec
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.records import EndedAttempt, Failure
from prevs.work import Progress


class JobState(enum.Enum):
    """A job's state; the table in framework/units/lifecycle.py has the legal changes."""

    QUEUED = "queued"  # waits for an attempt, its first or another one
    PLACED = "placed"  # an attempt's task was sent to an agent
    BUILDING = "building"  # the executor gets the image and starts the container
    RUNNING = "running"  # the command runs
    ENDING = "ending"  # its task is being ended: it was cancelled, or starts again elsewhere
    SUCCEEDED = "succeeded"  # the command ended with exit code 0
    FAILED = "failed"  # there is no other attempt
    CANCELLED = "cancelled"  # somebody has cancelled it


ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
"""The states that a job never leaves."""


NO_PROGRESS = Progress()


class CallbackState(enum.Enum):
    """What has become of a job's callback."""

    WAITING = "waiting"  # the job has not ended, or its receiver has not taken it yet
    TOLD = "told"
    GIVEN_UP = "given-up"


@dataclasses.dataclass(frozen=True)
class Callback:
    """Which receiver of the app is told of a job's end, and what has become of that.

    `at`, `status` and `problem` are of the last try, once there is no other: when it was, the
    status of the answer (None without one), and why it was not taken.
    """

    receiver: str
    state: CallbackState = CallbackState.WAITING
    at: float = 0.0
    status: Optional[int] = None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class JobRecord:
    """A job of an app at the commit `sha`, to which `label` led when it was requested.

    `terms` are what it does and for how long, with final numbers: nothing of it changes later.
    `name` is its name in the commit's `.prevs.toml`, "" for a command that was given in full.
    `refs` and `stranger` are as in PreviewRecord. `by` is the name of the token or the person that
    requested it. `group` is shared by jobs that were requested together. `schedule` has made it for
    the time `nominal`, which is None if somebody has started it. `payload_size` is in bytes; with
    `stdin` the command reads the payload there too. The payload, and variables for this job alone,
    are elsewhere (Paths.payload) if it `has_payload`.

    `tries` counts the attempts that began, `failures` those that the application failed,
    `consecutive_losses` those lost in a row. The next attempt begins at `retry_at` at the earliest,
    and if possible not on `avoid_agent`. `task_id`, `agent_id` and `agent_host` belong to the
    current or last attempt, `phase` and `detail` are what its executor reported last, `began` is
    when its command began. `starts_again` is set while it ends and is to start again afterwards.
    `reason` is why it waits or ends, `failure` why it failed, `exit_code` that of its command.
    `result` is what the command left, in base64, if that is short; `result_size` is in bytes.
    `attempts` are the last few ended ones. `changed` is when the state last changed. `settings` are
    those of its commit; `digest` is as in PreviewRecord. `order_digest` is that of the request with
    an idempotency key that has made it, "" if it had none. `callback` says who is told of its end.
    `convention` is the other way in which its command is told what to work on, beside our own
    (framework/jobs/conventions.py); "" if none.
    """

    app: str
    id: str
    sha: str
    label: str
    terms: JobSettings
    state: JobState = JobState.QUEUED
    name: str = ""
    refs: tuple[str, ...] = ()
    stranger: bool = False
    by: str = ""
    group: str = ""
    schedule: str = ""
    nominal: Optional[float] = None
    payload_size: int = 0
    has_payload: bool = False
    stdin: bool = False
    created: float = 0.0
    changed: float = 0.0
    tries: int = 0
    failures: int = 0
    consecutive_losses: int = 0
    retry_at: float = 0.0
    avoid_agent: Optional[str] = None
    task_id: Optional[str] = None
    agent_id: Optional[str] = None
    agent_host: Optional[str] = None
    phase: str = ""
    detail: str = ""
    began: Optional[float] = None
    starts_again: bool = False
    reason: str = ""
    reason_kind: str = ""
    failure: Optional[Failure] = None
    exit_code: Optional[int] = None
    progress: Progress = NO_PROGRESS
    result: str = ""
    result_size: int = 0
    attempts: tuple[EndedAttempt, ...] = ()
    settings: CommitSettings = dataclasses.field(default_factory=CommitSettings)
    digest: str = ""
    order_digest: str = ""
    callback: Optional[Callback] = None
    convention: str = ""
    revocable: bool = False

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "JobRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(JobRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class EndedJobsRecord:
    """A block of ended jobs of an app, in the order in which they ended; it is never changed."""

    app: str
    number: int
    jobs: tuple[JobRecord, ...] = ()

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "EndedJobsRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(EndedJobsRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class PayloadRecord:
    """What a job alone is given, as one sealed text: its payload and variables.

    The key is that of SecretsRecord.
    """

    app: str
    id: str
    sealed: str = dataclasses.field(repr=False)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "PayloadRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(PayloadRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class ResultRecord:
    """What a job's command left as its result, in base64."""

    app: str
    id: str
    data: str = dataclasses.field(repr=False)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "ResultRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(ResultRecord, 1, data)
