"""The jobs that the newest commit of an app's first branch names."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.errors import FrameworkError
from framework.git.resolution import find_main
from framework.ports import Ref
from prevs.job_settings import JobSettings
from prevs.records import Failure

READ_S = 2.0
"""How long a page waits for the repository."""
_NO_JOBS: Mapping[str, JobSettings] = MappingProxyType({})


class NamedJobs(NamedTuple):
    """The jobs at the head of `branch`, by name; `problem` is why they are not known, else "".

    `labels` are those of all branches and tags. Without a branch there is nothing to run.
    """

    branch: Ref | None = None
    jobs: Mapping[str, JobSettings] = _NO_JOBS
    problem: str = ""
    labels: Sequence[str] = ()


async def read_named(context: PageContext, app: str) -> NamedJobs:
    """Return the jobs that an app names now."""
    what = f"The repository of {app!r}"
    try:
        listing = await within(context.resolver.listing(app), what, READ_S)
        found = NamedJobs(find_main(listing.refs), labels=[ref.label for ref in listing.refs])
        if found.branch is None:
            return found
        reading = context.resolver.read_settings(app, found.branch.sha)
        read = await within(reading, what, READ_S)
    except FrameworkError as error:
        return NamedJobs(problem=str(error))
    if isinstance(read, Failure):
        first = f" {read.mistakes[0].message}." if read.mistakes else ""
        return found._replace(problem=f"{read.message}{first}")
    return found._replace(jobs=read.jobs)
