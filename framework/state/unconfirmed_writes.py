"""Writes to the store whose outcome is not known. Owned by the service's thread.

A write without an answer may have happened. Memory stays as it was before such a write, so the
store has to be made equal to memory again: otherwise the next leader could find a change that was
reported as failed, and act on it.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from framework.ports import Record, Store
from prevs.commit_settings import CommitSettings
from prevs.records import PreviewRecord

Key = TypeVar("Key", bound=Hashable)
Written = TypeVar("Written", bound=Record)

_AT_ONCE = 100
"""Records in one write: ZooKeeper allows a megabyte, and a record has a kilobyte or two."""
_LARGE = 2000
"""Bytes of a record that count as one more: settings, attempts or a failure can make it large."""
_SHORT = (None, CommitSettings())
"""The settings of a preview whose commit has none, which is the usual case."""


class UnconfirmedWrites(Generic[Key, Written]):
    """Writes the records of one kind, and keeps those whose writes have not succeeded.

    `find_key` returns what is the same for all versions of a record.
    """

    def __init__(self, store: Store, find_key: Callable[[Written], Key]) -> None:
        self._store = store
        self._find_key = find_key
        self._tried: dict[Key, Written] = {}

    def save(self, record: Written) -> None:
        """Write a record."""
        self._tried[self._find_key(record)] = record
        self._store.save(record)
        self._confirm(record)

    def save_all(self, records: Sequence[Written]) -> None:
        """Write several records in one round trip, all or none."""
        self._tried.update((self._find_key(record), record) for record in records)
        self._store.save_all(records)
        for record in records:
            self._confirm(record)

    def delete(self, record: Written) -> None:
        """Remove a record."""
        self._tried[self._find_key(record)] = record
        self._store.delete(record)
        self._confirm(record)

    def repeat(self, record: Written) -> None:
        """Let the next `rewrite` write what memory has in the place of a stored record."""
        self._tried[self._find_key(record)] = record

    def count(self) -> int:
        """Return how many records are still to be written."""
        return len(self._tried)

    def find(self, key: Key) -> Written | None:
        """Return what may have been written."""
        return self._tried.get(key)

    def rewrite(self, find_known: Callable[[Key], Written | None]) -> None:
        """Make the store equal to memory again, where `find_known` reads."""
        for key, tried in tuple(self._tried.items()):
            known = find_known(key)
            if known is None:
                self._store.delete(tried)
            else:
                self._store.save(known)
            del self._tried[key]

    def _confirm(self, record: Written) -> None:
        del self._tried[self._find_key(record)]


def divide(previews: Iterable[PreviewRecord]) -> Iterator[Sequence[PreviewRecord]]:
    """Yield previews in parts that each fit into one write."""
    part: list[PreviewRecord] = []
    left = _AT_ONCE
    for preview in previews:
        may_be_large = preview.failure or preview.attempts or preview.settings not in _SHORT
        size = 1 + (len(preview.encode()) // _LARGE if may_be_large else 0)
        if part and size > left:
            yield part
            part, left = [], _AT_ONCE
        part.append(preview)
        left -= size
    if part:
        yield part
