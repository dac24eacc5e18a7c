"""What somebody asks for, and the record of the job that follows. Pure."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from framework.units.reasons import ReasonKind
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.jobs import Callback, JobRecord, JobState


class JobOrder(NamedTuple):
    """A job to add: a command of an app at a commit, with everything resolved.

    `label` led to `sha`, and so do `refs`. `settings` and `terms` are of that commit; the `terms`
    of a command that was given in full are from the order. `cpus` and `mem` of the terms are set.
    `schedule` makes it for the time `nominal`, None if somebody starts it. `id` is new, or that of
    an equal order that came before; then both have the same `digest`, which is "" without an
    idempotency key. `environment` is for this job alone. `callback` is the name of the receiver
    that is told of its end, "" if nobody is. It starts `starts_in` seconds later at the earliest.
    `convention` is as in JobRecord.
    """

    id: str
    app: str
    label: str
    sha: str
    terms: JobSettings
    refs: tuple[str, ...] = ()
    settings: CommitSettings = CommitSettings()
    name: str = ""
    by: str = ""
    group: str = ""
    schedule: str = ""
    nominal: float | None = None
    payload: bytes | None = None
    environment: Mapping[str, str] = MappingProxyType({})
    stdin: bool = False
    digest: str = ""
    callback: str = ""
    starts_in: float = 0.0
    convention: str = ""

    @property
    def has_payload(self) -> bool:
        """Whether something has to be stored beside the record."""
        return self.payload is not None or bool(self.environment)


def begin(order: JobOrder, now: float, *, stranger: bool) -> JobRecord:
    """Return the record of a new job."""
    job = JobRecord(
        app=order.app,
        id=order.id,
        sha=order.sha,
        label=order.label,
        terms=order.terms,
        name=order.name,
        refs=order.refs,
        stranger=stranger,
        by=order.by,
        group=order.group,
        schedule=order.schedule,
        nominal=order.nominal,
        payload_size=len(order.payload or b""),
        has_payload=order.has_payload,
        stdin=order.stdin,
        created=now,
        changed=now,
        settings=_settle(order.settings, order.terms),
        order_digest=order.digest,
        callback=Callback(order.callback) if order.callback else None,
        convention=order.convention,
    )
    return _delay(job, now, order.starts_in)


def _settle(settings: CommitSettings, terms: JobSettings) -> CommitSettings:
    """Return a commit's settings for a job: its own companions have no data and no visitors."""
    companions = settings.run.companions if terms.companions else ()
    beside = tuple(
        dataclasses.replace(
            one, volumes=(), port=0, container=dataclasses.replace(one.container, shared={})
        )
        for one in companions
    )
    return dataclasses.replace(
        settings, run=dataclasses.replace(settings.run, companions=beside, stay=False)
    )


def begin_again(
    job: JobRecord, new_id: str, now: float, *, by: str, starts_in: float = 0.0
) -> JobRecord:
    """Return the record of a new job that does what an ended one did, so many seconds later."""
    again = JobRecord(
        app=job.app,
        id=new_id,
        sha=job.sha,
        label=job.label,
        terms=job.terms,
        state=JobState.QUEUED,
        name=job.name,
        refs=job.refs,
        stranger=job.stranger,
        by=by,
        group=job.group,
        schedule=job.schedule,
        payload_size=job.payload_size,
        has_payload=job.has_payload,
        stdin=job.stdin,
        created=now,
        changed=now,
        settings=job.settings,
        callback=Callback(job.callback.receiver) if job.callback else None,
        convention=job.convention,
    )
    return _delay(again, now, starts_in)


def _delay(job: JobRecord, now: float, seconds: float) -> JobRecord:
    if not seconds:
        return job
    reason = f"It was requested to start {seconds:g} s later."
    return dataclasses.replace(
        job, retry_at=now + seconds, reason=reason, reason_kind=ReasonKind.WAITS.value
    )
