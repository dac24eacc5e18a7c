"""What the framework and the proxies have in ZooKeeper, for the proxy's tests."""

import contextlib
import dataclasses
from collections.abc import Mapping

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from prevs.paths import Paths
from prevs.records import Placement, ProxyRecord
from tests.fakes.placements import AGENTS, record


@dataclasses.dataclass
class Tree:
    """The placements in ZooKeeper, as the framework would write them."""

    client: KazooClient
    paths: Paths

    def place(self, app: str, placements: Mapping[str, Placement], **failed: str) -> int:
        """Write an app's placements, what has failed at a label; return the znode's version."""
        return self.write(app, record(app, placements, failed))

    def write(self, app: str, data: bytes) -> int:
        """Write the bytes of an app's node; return its version."""
        path = self.paths.app_placements(app)
        self.make_room()
        if self.client.exists(path) is None:
            self.client.create(path, data)
            return 0
        return self.client.set(path, data).version

    def make_room(self) -> None:
        """Have a place for placements, and for where previews may be."""
        self.client.ensure_path(self.paths.placements)
        if self.client.exists(self.paths.agents) is None:
            self.client.create(self.paths.agents, AGENTS, makepath=True)

    def apps(self) -> list[str]:
        """Return the apps that have or had placements."""
        self.client.ensure_path(self.paths.placements)
        return self.client.get_children(self.paths.placements)

    def forget(self, pid: int) -> None:
        """Remove the record of a proxy by its process id, if it has one."""
        for name in self.client.get_children(self.paths.proxies):
            if name.split("-")[-2] == str(pid):  # its name ends with that, and what is random
                with contextlib.suppress(NoNodeError):
                    self.client.delete(self.paths.proxy(name))

    def applied(self) -> list[Mapping[str, int]]:
        """Return the versions that each live proxy has reported as applied."""
        return [record.applied for record in self.records()]

    def records(self) -> list[ProxyRecord]:
        """Return the record of each live proxy."""
        if self.client.exists(self.paths.proxies) is None:
            return []
        names = self.client.get_children(self.paths.proxies)
        found = []
        for name in names:
            with contextlib.suppress(NoNodeError):  # it has ended meanwhile
                found.append(ProxyRecord.decode(self.client.get(self.paths.proxy(name))[0]))
        return found
