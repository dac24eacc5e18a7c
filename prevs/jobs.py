"""Jobs as the framework stores them: a command, run in an app's image at a commit, with a result.

Times are seconds since the epoch (UTC).
"""

import dataclasses
import enum
from typing import Optional

from prevs import codec
from prevs.attempts import AttemptRecord
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
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
class _JobKey:
    """What every job has."""

    app: str
    id: str
    sha: str
    label: str
    """What led to the commit `sha` when the job was requested."""
    terms: JobSettings
    """What it does and for how long, with final numbers: nothing of it changes later."""
    state: JobState = JobState.QUEUED


@dataclasses.dataclass(frozen=True)
class JobRecord(AttemptRecord, _JobKey):
    """A job of an app at a commit."""

    # Its attempt runs a command:
    began: Optional[float] = None
    """When its command began."""
    exit_code: Optional[int] = None
    progress: Progress = NO_PROGRESS
    revocable: bool = False
    """Set if it was placed on CPUs that Mesos may take away."""
    tries: int = 0
    """How many attempts began."""
    failures: int = 0
    """How many of them the application failed."""
    result: str = ""
    """What the command left, in base64, if that is short."""
    result_size: int = 0
    """The bytes of what it left, short or not."""

    # The job itself:
    name: str = ""
    """Its name in the commit's `.prevs.toml`, "" for a command that was given in full."""
    beside: str = ""
    """The task of the preview whose companions the attempt reaches; "" if it has its own, or none.
    """
    refs: tuple[str, ...] = ()
    """As in PreviewRecord."""
    stranger: bool = False
    """As in PreviewRecord."""
    settings: CommitSettings = dataclasses.field(default_factory=CommitSettings)
    """Those of its commit."""
    by: str = ""
    """The name of the token or the person that requested it."""
    group: str = ""
    """Shared by jobs that were requested together."""
    schedule: str = ""
    """The schedule that has made it, "" if none."""
    nominal: Optional[float] = None
    """The time for which the schedule made it; None if somebody has started it."""
    payload_size: int = 0
    """In bytes."""
    has_payload: bool = False
    """Whether a payload, or variables for this job alone, are stored elsewhere (Paths.payload)."""
    stdin: bool = False
    """Whether the command reads the payload at its standard input, too."""
    created: float = 0.0
    order_digest: str = ""
    """That of the request with an idempotency key that has made it, "" if it had none."""
    callback: Optional[Callback] = None
    """Who is told of its end."""
    convention: str = ""
    """The other way in which its command is told what to work on, beside our own
    (framework/jobs/conventions.py); "" if none."""

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
