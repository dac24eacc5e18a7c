"""Finds the job that a person names by its id or the beginning of it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from cli.client.generated.records import Job, JobDetail, Jobs
from cli.client.paging import Listed
from cli.display.job_sentences import SHORT, title
from cli.errors import NotDone
from prevs.near_names import find_near

WHOLE = 16
"""Characters of an id."""
LEAST = 4
_MOST = 5


class HasJobs(Protocol):
    """The calls that a lookup needs. `Api` has them."""

    def show_job(self, app: str, id: str) -> JobDetail:
        """Return a job, with its attempts."""
        ...

    def list_jobs(self, *, app: str | None = None) -> Listed[Job, Jobs]:
        """Return the jobs of an app."""
        ...


def find(api: HasJobs, app: str, begin: str) -> JobDetail:
    """Return the job whose id is or begins with `begin`. Raises CliError."""
    return api.show_job(app, find_id(api, app, begin))


def find_id(api: HasJobs, app: str, begin: str) -> str:
    """Return the id that is or begins with `begin`; a whole one without asking."""
    if len(begin) == WHOLE:
        return begin
    if len(begin) < LEAST:
        raise NotDone(
            f"{begin!r} is too short for the beginning of an id.",
            f"Give at least {LEAST} characters; `prevs job ls {app}` lists the ids.",
        )
    return choose(api.list_jobs(app=app).found, app, begin)


def choose(jobs: Iterable[Job], app: str, begin: str) -> str:
    """Return the one id among those of an app's `jobs` that begins so."""
    known = {job["id"]: job for job in jobs}
    found = [job_id for job_id in known if job_id.startswith(begin)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotDone(f"Several jobs of {app} begin with {begin!r}.", _ask(found[:_MOST], known))
    near = find_near(begin, {job_id[: len(begin)] for job_id in known}, 1)
    meant = [job_id for job_id in known if near and job_id.startswith(near[0])]
    step = f"`prevs job ls {app}` lists the jobs of the last days."
    raise NotDone(
        f"{app} has no job that begins with {begin!r}.",
        f"{_ask(meant[:_MOST], known)} {step}" if meant else step,
    )


def _ask(ids: Sequence[str], known: dict[str, Job]) -> str:
    named = [f"{job_id[:SHORT]} ({title(known[job_id])})" for job_id in ids]
    return f"Did you mean {' or '.join(named)}?"
