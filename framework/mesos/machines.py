"""The machines of the installation as the framework's parts name them, for the control plane."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from driver.detector import SCHEME, read_url
from framework.preview.lifecycle import WITH_TASK
from framework.state.snapshot import Snapshot
from program.settings.zookeeper import list_hosts


def find_servers(zookeeper: str, masters: str, own: Iterable[str]) -> list[str]:
    """Return the hosts of ZooKeeper, of the masters, and of this framework's `own` HOST:PORTs.

    The first two are as in the settings.
    """
    if masters.startswith(SCHEME):
        masters = read_url(masters).hosts
    return find_hosts([*list_hosts(zookeeper), *masters.split(","), *own])


def find_hosts(servers: Iterable[str]) -> list[str]:
    """Return the host of each HOST:PORT."""
    return [urlsplit(f"//{server}").hostname or "" for server in servers]


def find_agents(snapshot: Snapshot) -> list[str]:
    """Return the machines with tasks; the service notes machines with offers itself."""
    previews = snapshot.previews.values()
    return [preview.agent_host or "" for preview in previews if preview.state in WITH_TASK]
