"""Many jobs at once: the name of their group, how far they are, and what became of them."""

import functools
import re
from collections import Counter
from collections.abc import Sequence

from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.display.output import note
from cli.display.progress import waiting_line
from cli.jobs.repetition import repeat

_NO_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST = 40
POLL = 1.0
"""Seconds between looks at a group of up to a page; more jobs are looked at less often."""
_PAGE = 500

_ENDED = {"succeeded": "have succeeded", "failed": "have failed", "cancelled": "are cancelled"}
_STATES = {**_ENDED, "running": "run", "ending": "are being ended"}


def name_group(what: str, key: str) -> str:
    """Return a name for a group of jobs that run `what`, with random hex digits from `key`."""
    words = _NO_NAME.sub("-", what.lower()).strip("-")[:_LONGEST].strip("-")
    return f"{words or 'jobs'}-{key[:8]}"


def has_ended(job: Job) -> bool:
    """Return whether a job has ended."""
    return job["state"] in _ENDED


def describe(jobs: Sequence[Job]) -> str:
    """Return how far jobs are: "100 jobs: 40 have succeeded, 2 have failed, 58 wait"."""
    counts = Counter(_STATES.get(job["state"], "wait") for job in jobs)
    order = (*_STATES.values(), "wait")
    known = ", ".join(f"{counts[does]} {does}" for does in order if counts[does])
    return f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}: {known}"


def wait(context: CommandContext, requested: Sequence[Job], group: str) -> list[Job]:
    """Show how far jobs are until all have ended; return them in the order of the request.

    Blocks. A `group` of "" is one job alone.
    """
    pause = POLL * max(1, len(requested) // _PAGE)
    jobs = list(requested)
    with waiting_line() as line:
        while True:
            line.show(describe(jobs))
            if all(map(has_ended, jobs)):
                return jobs
            context.pause(pause)
            jobs = look(context, jobs, group)


def look(context: CommandContext, jobs: Sequence[Job], group: str) -> list[Job]:
    """Return jobs as they are now. Blocks. A `group` of "" is one job alone.

    Raises CliError, also if one is not kept any more and nobody knows how it ended.
    """
    # A new leader may need some seconds to begin.
    return repeat(functools.partial(_look, context, jobs, group), pause=context.pause, notify=note)


def _look(context: CommandContext, jobs: Sequence[Job], group: str) -> list[Job]:
    api = context.api
    if not group:
        return [api.show_job(job["app"], job["id"]) for job in jobs]
    now = {job["id"]: job for job in api.list_jobs(app=jobs[0]["app"], group=group).found}
    return [now.get(job["id"]) or _find_unlisted(context, job) for job in jobs]


def _find_unlisted(context: CommandContext, job: Job) -> Job:
    """Return a job that lists do not have: only the last thousand of an app that ended are kept."""
    return job if has_ended(job) else context.api.show_job(job["app"], job["id"])
