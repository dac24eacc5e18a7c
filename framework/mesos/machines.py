"""The machines of the installation as the framework's parts name them, for the control plane."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from driver.detector import SCHEME, read_url
from framework.state.snapshot import Snapshot
from framework.units import lifecycle
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
    previews = [one for one in snapshot.previews.values() if one.state in lifecycle.WITH_TASK]
    jobs = [one for one in snapshot.jobs.values() if one.state in lifecycle.JOB_WITH_TASK]
    return [*(one.agent_host or "" for one in previews), *(one.agent_host or "" for one in jobs)]
