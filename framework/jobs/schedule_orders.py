"""The jobs that a schedule orders. Pure."""

import dataclasses

from framework.jobs import ids, leads
from framework.jobs.leads import Lead
from framework.jobs.orders import JobOrder
from prevs.records import AppRecord
from prevs.schedules import Overlap, ScheduleRecord

_ONE_AT_A_TIME = (Overlap.QUEUE, Overlap.REPLACE)


def order_run(
    app: AppRecord, schedule: ScheduleRecord, lead: Lead, *, id: str, by: str
) -> JobOrder:
    """Return the order of a job that somebody starts, for no time of the schedule.

    Raises UnknownJobName, InvalidSettings.
    """
    terms = leads.find_terms(app, lead, job=schedule.job, command=schedule.command)
    if schedule.overlap in _ONE_AT_A_TIME and not terms.exclusive:
        terms = dataclasses.replace(terms, exclusive=name_group(schedule.name))
    return JobOrder(
        id=id,
        app=app.name,
        label=lead.label,
        sha=lead.sha,
        terms=terms,
        refs=lead.refs,
        settings=lead.manifest.settings,
        name=schedule.job,
        by=by,
        schedule=schedule.name,
        convention=schedule.convention,
    )


def order_time(app: AppRecord, schedule: ScheduleRecord, lead: Lead, nominal: int) -> JobOrder:
    """Return the order of the job for a time: a time has one, however often it is decided.

    Raises UnknownJobName, InvalidSettings.
    """
    id = ids.of_schedule(app.name, schedule.name, nominal)
    order = order_run(app, schedule, lead, id=id, by=schedule.token)
    return order._replace(nominal=float(nominal))


def name_group(schedule: str) -> str:
    """Return the group of which one job runs at a time, for JobSettings.exclusive.

    Nobody can write it: it is no name of a group.
    """
    return f"schedule:{schedule}"
