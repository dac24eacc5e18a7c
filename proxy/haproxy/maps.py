"""One of HAProxy's maps: its file, with which HAProxy starts, and its changes at run time."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Generic

from proxy.haproxy import text
from proxy.haproxy.runtime import Connection
from proxy.model import routes
from proxy.model.errors import RouterAway
from proxy.model.routes import Difference, V

_NOTHING: Mapping[str, str] = MappingProxyType({})


class HaproxyMap(Generic[V]):
    """A map whose values are str() of the values in `entries`, which HAProxy is taken to have.

    `more` are entries beside them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, tuple[Mapping[str, V], str]] = {}
        self.entries: Mapping[str, V] = {}

    def find_changes(self, wanted: Mapping[str, V]) -> Difference[V]:
        """Return the changes that turn `entries` into `wanted`."""
        return routes.diff(self.entries, wanted)

    async def fill(
        self, connection: Connection, wanted: Mapping[str, V], more: Mapping[str, str] = _NOTHING
    ) -> None:
        """Make all of the map anew in one commit. Raises RouterAway."""
        path = str(self._path)
        version = text.new_version(await connection.send(text.prepare(path)))
        if version is None:
            raise RouterAway(f"HAProxy did not prepare a new version of {path}")
        parts = routes.parts(wanted).values()
        entries = {key: str(value) for part in parts for key, value in part.items()}
        for command in text.fill(path, version, {**entries, **more}):
            await connection.execute(command)
        await connection.execute(text.commit(path, version))

    async def remove(self, connection: Connection, changes: Difference[V]) -> None:
        """Remove what the changes remove. Raises RouterAway."""
        for key in changes.removes:
            await connection.execute(text.remove(str(self._path), key))

    async def put(self, connection: Connection, changes: Difference[V]) -> None:
        """Make the other changes. Raises RouterAway."""
        for key, value in changes.changes.items():
            await connection.execute(text.change(str(self._path), key, str(value)))
        adds = {key: str(value) for key, value in changes.adds.items()}
        for command in text.add(str(self._path), adds):
            await connection.execute(command)

    def save(self, more: Mapping[str, str] = _NOTHING) -> None:
        """Write the file. Blocks for a small write."""
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="ascii") as file:
            file.writelines(self._lines())
            file.write(text.map_file(more))
        new.replace(self._path)

    def read_file(self) -> dict[str, str]:
        """Return the entries in the file. Raises OSError, ValueError."""
        return text.read_map_file(self._path.read_text(encoding="ascii"))

    def _lines(self) -> Iterator[str]:
        """Yield the file in pieces; a part is made again only after a change."""
        self._texts = {
            name: kept
            if (kept := self._texts.get(name)) and kept[0] is part
            else (part, text.map_file({key: str(value) for key, value in part.items()}))
            for name, part in routes.parts(self.entries).items()
        }
        yield from (written for _, written in self._texts.values())
