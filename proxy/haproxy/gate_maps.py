"""HAProxy's four maps of gates: proxy/model/gate_entries.py has their layout."""

from collections.abc import Mapping

from proxy.haproxy.config import Files
from proxy.haproxy.maps import HaproxyMap
from proxy.haproxy.runtime import Connection
from proxy.model.gates import Gates

_MANY = 500
"""More removals than these take longer, one by one, than making a map anew."""


class GateMaps:
    """The maps. What HAProxy is taken to have is noted by `note`."""

    def __init__(self, files: Files) -> None:
        self._hosts = HaproxyMap[str](files.gates)
        paths = (files.gate_paths, files.gate_values, files.gate_lots)
        self._others = tuple(HaproxyMap[str](path) for path in paths)

    def has_changes(self, wanted: Gates | None) -> bool:
        """Return whether HAProxy has other gates than `wanted`; None are no others."""
        return any(one.find_changes(entries) for one, entries in self._pair(wanted))

    async def put(self, connection: Connection, wanted: Gates | None) -> None:
        """Put gates in force. Raises RouterAway.

        All that the new revisions need comes first, and what the old ones needed goes last: a
        request finds all of the one or all of the other. Of these, lots go first: choose.lua looks
        them up last, and takes it from the beginning if there are none.
        """
        _, *others = pairs = self._pair(wanted)
        changes = [one.find_changes(entries) for one, entries in pairs]
        for (one, _), found in zip(others, changes[1:], strict=True):
            await one.put(connection, found)
        await self._hosts.put(connection, changes[0])
        await self._hosts.remove(connection, changes[0])
        for (one, entries), found in reversed(list(zip(others, changes[1:], strict=True))):
            if len(found.removes) > _MANY:
                await one.fill(connection, entries)
            else:
                await one.remove(connection, found)

    async def fill(self, connection: Connection, wanted: Gates | None) -> None:
        """Make all maps anew. Raises RouterAway."""
        for one, entries in reversed(self._pair(wanted)):
            await one.fill(connection, entries)

    def note(self, wanted: Gates | None) -> None:
        """Take HAProxy to have these gates; None changes nothing."""
        for one, entries in self._pair(wanted):
            one.entries = entries

    def save(self) -> None:
        """Write the files. Blocks for small writes."""
        for one in (*self._others, self._hosts):
            one.save()

    def load(self) -> None:
        """Take HAProxy to have what is in the files. Raises OSError, ValueError."""
        found = [one.read_file() for one in (self._hosts, *self._others)]
        for one, entries in zip((self._hosts, *self._others), found, strict=True):
            one.entries = entries

    def _pair(self, wanted: Gates | None) -> list[tuple[HaproxyMap[str], Mapping[str, str]]]:
        """Return each map with its entries; that of hosts comes first."""
        maps = (self._hosts, *self._others)
        if wanted is None:
            return [(one, one.entries) for one in maps]
        return list(zip(maps, wanted.entries, strict=True))
