"""The exit status of `prevs run`. Pure."""

from cli.client.generated.records import Job
from prevs.states import Cause

NOT_DONE = 125
"""prevs itself failed, as with `docker run`: the command did not run to an end of its own."""
TIMED_OUT = 124
"""The command was ended because it ran too long, as with timeout(1)."""
CANCELLED = 130
"""The job was cancelled: 128 + SIGINT, as if the command had been interrupted here."""


def of(job: Job) -> int:
    """Return the status for an ended job: its command's exit status, if the command had one.

    A signal is 128 and its number already. A job that failed although its command ended with 0 is
    NOT_DONE. So is one whose last attempt never came to the command: a build has exit codes, too.
    """
    match job["state"]:
        case "succeeded":
            return 0
        case "cancelled":
            return CANCELLED
    if job["began"] is None:
        return NOT_DONE
    failure = job["failure"]
    if failure is not None and failure["cause"] == Cause.TIMED_OUT.value:
        return TIMED_OUT
    return job["exit_code"] or NOT_DONE
