"""A mapping that never changes, and shares with the one before what is alike. No I/O.

The service publishes ten thousand jobs after each change of one of them. A dict would be copied,
and compared by the history, as a whole.
"""

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_PARTS = 128


class SharedMap(Mapping[K, V], Generic[K, V]):
    """A mapping in parts; a change copies the part that it is in. Thread safe."""

    def __init__(self, items: Mapping[K, V]) -> None:
        parts: list[dict[K, V]] = [{} for _ in range(_PARTS)]
        for key, value in items.items():
            parts[hash(key) % _PARTS][key] = value
        self._parts = parts
        self._whole: dict[K, V] | None = None

    def change(self, put: Mapping[K, V], gone: Iterable[K]) -> "SharedMap[K, V]":
        """Return a mapping that has `put` and lacks what is `gone`; this one stays as it is."""
        parts, left_out = list(self._parts), tuple(gone)
        for number in {hash(key) % _PARTS for key in (*put, *left_out)}:
            parts[number] = dict(parts[number])
        for key, value in put.items():
            parts[hash(key) % _PARTS][key] = value
        for key in left_out:
            parts[hash(key) % _PARTS].pop(key, None)
        changed: SharedMap[K, V] = SharedMap({})
        changed._parts = parts
        return changed

    def compare(self, before: "SharedMap[K, V]") -> tuple[Mapping[K, V], Mapping[K, V]]:
        """Return what may differ: the items before, and those now."""
        was: dict[K, V] = {}
        now: dict[K, V] = {}
        for old, new in zip(before._parts, self._parts, strict=True):
            if old is not new:
                was |= old
                now |= new
        return was, now

    def __getitem__(self, key: K) -> V:
        return self._parts[hash(key) % _PARTS][key]

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[K]:
        return iter(self._all())

    def items(self) -> ItemsView[K, V]:
        return self._all().items()

    def values(self) -> ValuesView[V]:
        return self._all().values()

    def _all(self) -> dict[K, V]:
        """Return all items; put together when somebody first asks."""
        whole = self._whole
        if whole is None:
            whole = {}
            for part in self._parts:
                whole |= part
            self._whole = whole
        return whole
