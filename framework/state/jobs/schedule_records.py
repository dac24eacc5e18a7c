"""The schedules in memory. Owned by the service's thread; JobRecords writes what has jobs as well.

As everywhere, the store is written first; after a write without an answer, `rewrite_unconfirmed`
makes the store equal to memory again.
"""

from collections.abc import Iterable, Mapping, Sequence

from framework.ports.jobs import JobStore
from framework.schedules.errors import UnknownSchedule
from prevs.schedules import ScheduleRecord

ScheduleKey = tuple[str, str]
"""A schedule: (app, name)."""


class ScheduleRecords:
    """Every schedule, by key. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[ScheduleRecord], store: JobStore) -> None:
        self._store = store
        self._unconfirmed: dict[ScheduleKey, ScheduleRecord] = {}
        self.all: Mapping[ScheduleKey, ScheduleRecord] = {key_of(one): one for one in stored}

    def find(self, app: str, name: str) -> ScheduleRecord | None:
        """Return a schedule; None if there is none."""
        return self.all.get((app, name))

    def schedule(self, app: str, name: str) -> ScheduleRecord:
        """Return a schedule."""
        found = self.find(app, name)
        if found is None:
            raise UnknownSchedule(app, name)
        return found

    def of_app(self, app: str) -> Sequence[ScheduleRecord]:
        """Return the schedules of an app."""
        return [one for one in self.all.values() if one.app == app]

    def change_all(
        self, saved: Sequence[ScheduleRecord], removed: Sequence[ScheduleRecord] = ()
    ) -> None:
        """Write some schedules and remove others, all or none."""
        saved = [one for one in saved if self.all.get(key_of(one)) != one]
        if not saved and not removed:
            return
        self._unconfirmed.update({key_of(one): one for one in (*saved, *removed)})
        self._store.write(saved, deleted=removed)
        for one in (*saved, *removed):
            del self._unconfirmed[key_of(one)]
        self.note(saved, removed)

    def note(self, saved: Iterable[ScheduleRecord], removed: Iterable[ScheduleRecord] = ()) -> None:
        """Take what is written by now."""
        left = {**self.all, **{key_of(one): one for one in saved}}
        for one in removed:
            left.pop(key_of(one), None)
        self.all = left

    def remove_of(self, app: str) -> None:
        """Remove the schedules of an app."""
        self.change_all([], self.of_app(app))

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer."""
        for key, tried in tuple(self._unconfirmed.items()):
            known = self.all.get(key)
            self._store.write([known] if known else [], deleted=[] if known else [tried])
            del self._unconfirmed[key]


def key_of(schedule: ScheduleRecord) -> ScheduleKey:
    """Return the key of a schedule."""
    return (schedule.app, schedule.name)
