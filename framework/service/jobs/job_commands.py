"""The commands of people about jobs, as changes of the records. Owned by the service's thread."""

import base64
from collections.abc import Collection, Mapping, Sequence

import structlog

from framework.apps.receivers import UnknownReceiver
from framework.clock import Clock
from framework.jobs import orders
from framework.jobs.errors import (
    HasEnded,
    KeyOfAnotherOrder,
    NoResult,
    NotEnded,
    NotRunning,
    PayloadGone,
    TooManyJobs,
)
from framework.jobs.orders import JobOrder
from framework.jobs.transitions import ProgressTold
from framework.ports import Vault
from framework.state.jobs import sealed_payloads
from framework.state.jobs.sealed_payloads import Given
from framework.state.records import Records
from framework.units.lifecycle import JOB_WITH_TASK
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.jobs import ENDED, JobRecord, PayloadRecord
from prevs.work import Progress

log = structlog.get_logger(__name__)

MOST_ACTIVE = 10_000
"""How many jobs may wait or run at a time."""


class JobCommands:
    """Each method raises what its docstring names, and Unavailable if nothing was stored."""

    def __init__(
        self, records: Records, vault: Vault, clock: Clock, *, most: int = MOST_ACTIVE
    ) -> None:
        self._records = records
        self._jobs = records.jobs
        self._vault = vault
        self._clock = clock
        self._most = most

    def request(self, wanted: Sequence[JobOrder]) -> list[JobRecord]:
        """Add jobs, and return them in order; one whose id is known already stays as it is.

        Raises UnknownApp, UnknownPull, NotApproved, NoKey, TooManyJobs, UnknownReceiver,
        SecretsUnreadable, and KeyOfAnotherOrder if the known one was ordered with another digest.
        """
        new = self.begin(wanted)
        self._check_receivers(wanted)
        added = self._jobs.add_all(new, self.seal_all(wanted))
        for app in {job.app for job in added}:
            number = sum(job.app == app for job in added)
            log.info("jobs are requested", app=app, number=number, first=added[0].id)
        return added

    def begin(self, wanted: Sequence[JobOrder]) -> list[JobRecord]:
        """Return the records of new jobs, which are not stored yet. Raises as `request`."""
        known = sum(self._find_known(one.app, one.id, one.digest) is not None for one in wanted)
        self._check_number(len(wanted) - known)
        gated = [(one, self._records.check_gate(one.app, one.sha, one.refs)) for one in wanted]
        now = self._clock.now()
        return [orders.begin(order, now, stranger=stranger) for order, stranger in gated]

    def find_known(self, app: str, ids: Sequence[str], digest: str) -> Mapping[str, JobRecord]:
        """Return which jobs an order with that digest has made before, by id.

        Raises UnknownApp, and KeyOfAnotherOrder if it was another order.
        """
        self._records.app(app)
        found = ((job_id, self._find_known(app, job_id, digest)) for job_id in ids)
        return {job_id: job for job_id, job in found if job is not None}

    def _find_known(self, app: str, job_id: str, digest: str) -> JobRecord | None:
        known = self._jobs.find(app, job_id)
        if known is not None and known.order_digest != digest:
            raise KeyOfAnotherOrder(app, job_id)
        return known

    def cancel(self, app: str, job_id: str, *, by: str) -> JobRecord:
        """Cancel a job; a second call changes nothing. Raises UnknownJob, HasEnded."""
        self._records.app(app)
        job = self._jobs.job(app, job_id)
        if job.state in ENDED:
            raise HasEnded(app, job_id, job.state.value)
        return self._jobs.change(job, Stopped(_cancelled(by)))

    def cancel_group(self, app: str, group: str, *, by: str) -> list[JobRecord]:
        """Cancel the jobs of a group that have not ended; return them. Raises UnknownApp."""
        self._records.app(app)
        return self._cancel_active(self._jobs.of_group(app, group), by)

    def cancel_named(self, app: str, name: str, *, by: str) -> list[JobRecord]:
        """Cancel the jobs of a name that have not ended; return them. Raises UnknownApp."""
        self._records.app(app)
        return self._cancel_active([job for job in self._jobs.of_app(app) if job.name == name], by)

    def _cancel_active(self, jobs: Collection[JobRecord], by: str) -> list[JobRecord]:
        active = [job for job in jobs if job.state not in ENDED]
        return [self._jobs.change(job, Stopped(_cancelled(by))) for job in active]

    def tell_progress(self, app: str, job_id: str, progress: Progress) -> JobRecord:
        """Say how far a job's command is. Raises UnknownApp, UnknownJob, NotRunning."""
        job = self.find(app, job_id)
        if job.state not in JOB_WITH_TASK:
            raise NotRunning(app, job_id, job.state.value)
        return self._jobs.change(job, ProgressTold(progress))

    def retry(
        self, app: str, job_id: str, new_id: str, *, by: str, starts_in: float = 0.0
    ) -> JobRecord:
        """Add a job that does what an ended one did; if `new_id` is known, return that job.

        It starts `starts_in` seconds later at the earliest.
        Raises UnknownApp, UnknownJob, NotEnded, PayloadGone, UnknownPull, NotApproved, TooManyJobs.
        """
        self._records.app(app)
        if known := self._jobs.find(app, new_id):
            return known
        job = self._jobs.job(app, job_id)
        if job.state not in ENDED:
            raise NotEnded(app, job_id, job.state.value)
        if self._jobs.is_archived(app, job_id):
            # Without its settings and refs, it would be built in another way, past the gate.
            raise PayloadGone(app, job_id)
        self._records.check_gate(app, job.sha, job.refs)
        self._check_number(1)
        payloads = {}
        if job.has_payload or job.payload_size:
            stored = self._jobs.payload(job)
            if stored is None:
                raise PayloadGone(app, job_id)
            payloads[new_id] = PayloadRecord(app, new_id, stored.sealed)
        again = orders.begin_again(job, new_id, self._clock.now(), by=by, starts_in=starts_in)
        return self._jobs.add_all([again], payloads)[0]

    def find(self, app: str, job_id: str) -> JobRecord:
        """Return a job, also one that ended days ago. Raises UnknownApp, UnknownJob."""
        self._records.app(app)
        return self._jobs.job(app, job_id)

    def list_archived(self, app: str) -> Sequence[JobRecord]:
        """Return the jobs of an app that ended before the last hundred. Raises UnknownApp."""
        self._records.app(app)
        return self._jobs.archived(app)

    def read_result(self, app: str, job_id: str) -> bytes:
        """Return what a job's command left. Raises UnknownApp, UnknownJob, NoResult."""
        job = self.find(app, job_id)
        if job.result or job.state not in ENDED or not job.result_size:
            data = job.result
        else:
            stored = self._jobs.result(job)
            data = stored.data if stored else ""
        if not data:
            raise NoResult(app, job_id, job.state.value)
        return base64.b64decode(data)

    def _check_number(self, new: int) -> None:
        active = sum(n for state, n in self._jobs.counts().items() if state not in ENDED)
        if new and active + new > self._most:
            raise TooManyJobs(self._most)

    def _check_receivers(self, wanted: Sequence[JobOrder]) -> None:
        """Raise UnknownReceiver if somebody is to be told whom the app does not know."""
        for app, name in {(order.app, order.callback) for order in wanted if order.callback}:
            if all(one.name != name for one in self._records.secrets.of(app).receivers):
                raise UnknownReceiver(app, name)

    def seal_all(self, wanted: Sequence[JobOrder]) -> Mapping[str, PayloadRecord]:
        """Return what jobs alone are given, by id, for those that are given something."""
        return {order.id: self._seal(order) for order in wanted if order.has_payload}

    def _seal(self, order: JobOrder) -> PayloadRecord:
        given = Given(sealed_payloads.encode(order.payload), dict(order.environment))
        return sealed_payloads.seal(self._vault, order.app, order.id, given)


def _cancelled(by: str) -> Reason:
    return Reason(ReasonKind.STOPPED, f"{by} has cancelled it." if by else "It was cancelled.")
