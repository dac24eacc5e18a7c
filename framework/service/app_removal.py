"""Removes apps until nothing is left of them. Owned by the service's thread."""

from collections.abc import Callable

from framework.state.records import Records
from framework.units import reasons
from framework.units.lifecycle import WITH_TASK
from framework.units.transitions import Stopped
from prevs.jobs import ENDED
from prevs.states import State

_UNDER_WAY = frozenset({*WITH_TASK, State.QUEUED})


class AppRemoval:
    """Continues every removal that is marked in the records, also after a restart.

    `forget_mirror` begins to remove an app's mirror on another thread, and must not block; call
    `forgotten` once the mirror is gone.
    """

    def __init__(self, records: Records, forget_mirror: Callable[[str], None]) -> None:
        self._records = records
        self._forget_mirror = forget_mirror
        self._requested: set[str] = set()

    def reconcile(self) -> None:
        """Stop what removed apps have; remove an app's mirror once nothing of it runs."""
        removed = [app.name for app in self._records.apps if app.removed]
        if not removed:
            return
        for name in removed:
            for preview in self._records.of_app(name):
                self._records.change(preview, Stopped(reasons.NONE))
        busy = {*self._records.routes.withdrawn_apps, *self._requested}
        for name in removed:
            left = self._records.of_app(name)
            jobs = [job for job in self._records.jobs.of_app(name) if job.state not in ENDED]
            for job in jobs:
                self._records.jobs.change(job, Stopped(reasons.NONE))
            if name not in busy and not jobs and not any(p.state in _UNDER_WAY for p in left):
                self._requested.add(name)
                self._forget_mirror(name)

    def forgotten(self, name: str) -> None:
        """Remove the records of an app whose mirror is gone. Raises Unavailable."""
        self._requested.discard(name)
        self._records.forget(name)
