"""How an attempt of a job fails, beside the ways of executor/errors.py.

ExecutorError
├── CommandExited              its command exited with another code than 0
├── TimedOut                   it ran longer than it may
├── ResultUnusable             it exited with code 0, but left a result that cannot be kept
├── OutOfMemory
│   └── JobOutOfMemory         the same, of a job
├── DiskFull
│   └── JobDiskFull            the same, of a job
└── DockerUnavailable
    └── EndUnknown             nobody knows how its command ended
"""

from __future__ import annotations

from executor.errors import (
    EXIT_HINTS,
    DiskFull,
    DockerUnavailable,
    ExecutorError,
    OutOfMemory,
    close,
)
from prevs.states import Cause


class CommandExited(ExecutorError):
    """The command of a job exited with another code than 0: 128 + n if signal n ended it."""

    cause = Cause.APP_EXITED

    def __init__(self, exit_code: int) -> None:
        super().__init__(
            f"The command exited with code {exit_code}{EXIT_HINTS.get(exit_code, '')}. The end of "
            "the log shows its last output."
        )
        self.exit_code = exit_code


class TimedOut(ExecutorError):
    """The command of a job ran longer than `limit` seconds, and was ended."""

    cause = Cause.TIMED_OUT

    def __init__(self, limit: float) -> None:
        super().__init__(
            f"It ran longer than its timeout of {limit:g} s. The end of the log shows how far it "
            "came. Make it faster, or give the job a longer timeout."
        )
        self.limit = limit


class ResultUnusable(ExecutorError):
    """The command succeeded, but its result cannot be kept; `why` is a sentence."""

    cause = Cause.RESULT_UNUSABLE
    exit_code = 0

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The command exited with code 0, but its result cannot be used: {close(why)} A larger "
            "result belongs into a file in /run/prevs/artifacts."
        )
        self.why = why


class JobOutOfMemory(OutOfMemory):
    """The kernel killed the command of a job at its memory limit."""

    def __init__(self, exit_code: int | None, mem: int) -> None:
        ExecutorError.__init__(
            self,
            f"The command was killed because it used more than its {mem} MB of memory. Give the "
            "job more memory, or make the command use less.",
        )
        self.exit_code = exit_code
        self.mem = mem


class JobDiskFull(DiskFull):
    """The command of a job wrote more to the agent's disk than it may."""

    def __init__(self, limit: int) -> None:
        ExecutorError.__init__(
            self,
            f"The command was ended because it wrote more than {limit} MB to the disk; its "
            "artifacts count too. Make it write less, or clean up after itself. The agents' "
            "operators set the limit (PREVS_DISK_LIMIT).",
        )
        self.limit = limit


class EndUnknown(DockerUnavailable):
    """Docker lost the container of a job, so nobody knows how its command ended."""

    def __init__(self, why: str) -> None:
        ExecutorError.__init__(
            self, f"Nobody knows how the command ended: {close(why)} It may have run to its end."
        )
        self.why = why
