"""From what somebody orders to jobs: the commits of labels, their settings, and who may say what.

Each label is resolved once in a request, and each commit's settings are read once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from framework.access import Identity, Scope
from framework.apps.manifest import Manifest
from framework.errors import InvalidSettings, Problem
from framework.http_api.jobs.job_orders import JobOrder
from framework.http_api.streams.label_resolver import LabelResolver
from framework.jobs import leads, orders
from framework.jobs.errors import NeedsAdmin
from framework.jobs.leads import Lead
from framework.service.jobs.job_service import Jobs
from prevs.declarations import list_settings
from prevs.job_settings import JobSettings
from prevs.records import AppRecord, Failure

_CHANGES = [one.name for one in list_settings(JobSettings)]
"""The fields of an order that replace one of JobSettings."""
_LOWERED = [one.name for one in list_settings(JobSettings) if one.about.is_lowered]
"""Those that somebody with the scope `use` may make smaller."""


class Order(NamedTuple):
    """All of a request: its `orders` with their `ids`, and who sends it.

    `digest` is as in JobOrder. `pins` have the commits of labels whose jobs are known already: the
    rest of the request runs at the same ones.
    """

    app: str
    caller: Identity
    ids: Sequence[str]
    orders: Sequence[JobOrder]
    digest: str
    pins: Mapping[str, str]


class JobResolver:
    """Finds what the jobs of an order are. Belongs to the event loop's thread."""

    def __init__(self, jobs: Jobs, resolver: LabelResolver) -> None:
        self._jobs = jobs
        self._resolver = resolver

    async def resolve(self, wanted: Order) -> list[orders.JobOrder]:
        """Return the jobs to request, in order.

        Raises UnknownApp, UnknownLabel, AmbiguousLabel, NotApproved, RepositoryUnreachable,
        CommitSettingsInvalid, UnknownJobName, NeedsAdmin, InvalidSettings.
        """
        app = self._jobs.snapshot.app(wanted.app)
        is_admin = wanted.caller.may(Scope.ADMIN, app.name)
        if not is_admin:
            for order in wanted.orders:
                _check_fields(wanted.caller, order)
        labels = list(dict.fromkeys(order.label for order in wanted.orders))
        ways = (self.find_lead(app, label, wanted.pins.get(label, "")) for label in labels)
        found_at = dict(zip(labels, await asyncio.gather(*ways), strict=True))
        found = []
        for number, (job_id, order) in enumerate(zip(wanted.ids, wanted.orders, strict=True)):
            lead = found_at[order.label]
            try:
                terms = _find_terms(app, order, lead)
            except InvalidSettings as error:
                raise _number(error, number, len(wanted.orders)) from None
            if not is_admin:
                _check_lowered(wanted.caller, order, lead.manifest)
            found.append(_make(wanted, order, job_id, lead=lead, terms=terms))
        return found

    async def find_lead(self, app: AppRecord, label: str, at: str = "") -> Lead:
        """Return where a label leads now, or that it leads to the commit `at`.

        Raises UnknownApp, UnknownLabel, AmbiguousLabel, NotApproved, RepositoryUnreachable,
        CommitSettingsInvalid.
        """
        resolved, whole = await self._resolver.resolve(app.name, at or label, to_start=True)
        read = await self._resolver.read_settings(app.name, resolved.sha)
        if isinstance(read, Failure):
            raise leads.refuse(app, label, read)
        return Lead(label if at else whole, resolved.sha, resolved.refs, read)


def _make(
    wanted: Order, order: JobOrder, job_id: str, *, lead: Lead, terms: JobSettings
) -> orders.JobOrder:
    return orders.JobOrder(
        id=job_id,
        app=wanted.app,
        label=lead.label,
        sha=lead.sha,
        terms=terms,
        refs=lead.refs,
        settings=lead.manifest.settings,
        name=order.job or "",
        by=wanted.caller.name,
        group=order.group or "",
        payload=order.read_payload(),
        environment=order.environment or {},
        stdin=order.stdin,
        digest=wanted.digest,
        callback=order.callback or "",
    )


def _find_terms(app: AppRecord, order: JobOrder, lead: Lead) -> JobSettings:
    """Return what a job runs, with final numbers. Raises UnknownJobName, InvalidSettings."""
    return leads.find_terms(
        app,
        lead,
        job=order.job or "",
        command=order.command or (),
        changes={name: getattr(order, name) for name in _CHANGES},
    )


def _check_fields(caller: Identity, order: JobOrder) -> None:
    """Raise NeedsAdmin for what an admin alone may say, whatever the commit says."""
    for field in ("command", "environment", *_CHANGES):
        if field not in _LOWERED and getattr(order, field) is not None:
            raise NeedsAdmin(caller.name, field, f"`{field}` is for admins")


def _check_lowered(caller: Identity, order: JobOrder, read: Manifest) -> None:
    """Raise NeedsAdmin for what asks for more than the commit does."""
    for field in _LOWERED:
        value, most = getattr(order, field), getattr(read.jobs[order.job or ""], field)
        if value is not None and value > most:
            raise NeedsAdmin(caller.name, field, f"the `{field}` of this one is at most {most:g}")


def _number(error: InvalidSettings, number: int, count: int) -> InvalidSettings:
    """Return the error with the number of the order where there are several."""
    if count == 1:
        return error
    return InvalidSettings(
        [Problem(f"jobs.{number}.{one.field}", one.message) for one in error.problems]
    )
