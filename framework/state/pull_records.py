"""Pull requests and the repositories that they are of, in memory and written to the store.

Owned by the service's thread. As for apps and previews, the store is written first; after a write
without an answer, `rewrite_unconfirmed` makes the store equal to memory again.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from framework.ports import Store
from framework.pulls import gate
from framework.pulls.errors import UnknownPull
from framework.pulls.gate import Rules
from framework.state.secret_records import StoredSecrets
from framework.state.unconfirmed_writes import UnconfirmedWrites
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import AppRecord

_AT_ONCE = 100
"""Records in one write. One has a kilobyte at most, and ZooKeeper allows a megabyte."""

PullsOfApps = Mapping[str, Mapping[int, PullRecord]]
NO_PULLS: Mapping[int, PullRecord] = MappingProxyType({})


def has_token(app: str, secrets: Mapping[str, StoredSecrets]) -> bool:
    """Return whether an app has a token for its forge, in secrets that can be opened."""
    known = secrets.get(app)
    return known is not None and not known.why and bool(known.opened.forge_token)


def find_rules(app: AppRecord, secrets: Mapping[str, StoredSecrets]) -> Rules:
    """Return the rules for an app's pull requests."""
    return gate.read_rules(app, has_token=has_token(app.name, secrets))


class PullRecords:
    """The pull requests of every app, by number. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[PullRecord], store: Store) -> None:
        self._writes: UnconfirmedWrites[tuple[str, int], PullRecord] = UnconfirmedWrites(
            store, lambda pull: (pull.app, pull.number)
        )
        found: dict[str, dict[int, PullRecord]] = {}
        for pull in stored:
            found.setdefault(pull.app, {})[pull.number] = pull
        self.all: PullsOfApps = found

    def of(self, app: str) -> Mapping[int, PullRecord]:
        """Return the pull requests of an app, by number; closed ones too."""
        return self.all.get(app, NO_PULLS)

    def find_open(self, app: str, number: int) -> PullRecord:
        """Return an open pull request."""
        pull = self.of(app).get(number)
        if pull is None or pull.closed is not None:
            raise UnknownPull(app, number)
        return pull

    def save_all(self, pulls: Sequence[PullRecord]) -> None:
        """Write changed records. After an error memory holds exactly what the store holds."""
        changed = [one for one in pulls if self.of(one.app).get(one.number) != one]
        for first in range(0, len(changed), _AT_ONCE):
            some = changed[first : first + _AT_ONCE]
            self._writes.save_all(some)
            self._note(some)

    def _note(self, written: Sequence[PullRecord]) -> None:
        apps = {one.app for one in written}
        new = {
            app: {**self.of(app), **{one.number: one for one in written if one.app == app}}
            for app in apps
        }
        self.all = {**self.all, **new}

    def remove(self, pull: PullRecord) -> None:
        """Remove one."""
        self._writes.delete(pull)
        left = {number: one for number, one in self.of(pull.app).items() if number != pull.number}
        others = {app: pulls for app, pulls in self.all.items() if app != pull.app}
        self.all = {**others, pull.app: left} if left else others

    def remove_of(self, app: str) -> None:
        """Remove those of an app."""
        for pull in tuple(self.of(app).values()):
            self.remove(pull)

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer."""
        self._writes.rewrite(lambda key: self.of(key[0]).get(key[1]))


class RepositoryRecords:
    """What the forges of apps have shown, by app. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[RepositoryRecord], store: Store) -> None:
        self._writes: UnconfirmedWrites[str, RepositoryRecord] = UnconfirmedWrites(
            store, lambda record: record.app
        )
        self.all: Mapping[str, RepositoryRecord] = {record.app: record for record in stored}

    def save(self, record: RepositoryRecord) -> None:
        """Write a record if it has changed."""
        if self.all.get(record.app) == record:
            return
        self._writes.save(record)
        self.all = {**self.all, record.app: record}

    def remove(self, app: str) -> None:
        """Remove an app's record, if there is one."""
        if record := self.all.get(app):
            self._writes.delete(record)
            self.all = {name: one for name, one in self.all.items() if name != app}

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer."""
        self._writes.rewrite(self.all.get)
