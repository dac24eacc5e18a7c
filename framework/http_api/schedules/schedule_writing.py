"""Who may write and run which schedule, and whether what it is to do is there."""

from framework.access import Identity, Scope
from framework.http_api.jobs.job_resolver import JobResolver
from framework.jobs import leads
from framework.jobs.errors import NeedsAdmin
from prevs.job_settings import JobSettings
from prevs.records import AppRecord
from prevs.schedules import ScheduleRecord


def check_caller(caller: Identity, touched: ScheduleRecord) -> None:
    """Raise NeedsAdmin if a schedule has a command, and the caller is no admin of its app."""
    if touched.command and not caller.may(Scope.ADMIN, touched.app):
        why = f"the schedule {touched.name!r} has a command of its own"
        raise NeedsAdmin(caller.name, "command", why)


async def check_work(resolver: JobResolver, app: AppRecord, written: ScheduleRecord) -> JobSettings:
    """Return what its job is now: that the label leads to a commit, and that it can run there.

    Later both may change: then the times say so. Raises as JobResolver.find_lead, UnknownJobName,
    InvalidSettings.
    """
    lead = await resolver.find_lead(app, written.label)
    return leads.find_terms(app, lead, job=written.job, command=written.command)
