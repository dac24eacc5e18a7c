"""The links between parts, which may be cut or lose packets: rules of iptables.

All parts are in one network, and a packet does not say whose it is. So a connection gets a mark
when its first packet leaves, by the control group of who makes it. A rule then names a link by that
mark and by where the connection leads, which holds for the packets of both directions.

The rules are for a network namespace of its own. Needs root.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from local.settings import Settings
from tests.chaos.parts import ELECTION_PORT, QUORUM_PORT, group
from tests.chaos.plan import AGENTS, FRAMEWORKS, PARTS, ZOOKEEPERS

GIT_HOST, GIT_PORT = "127.0.0.9", 9418
LOST = "0.3"
"""The share of packets that a lossy link loses. This makes it slow, too: TCP waits for at least
200 ms until it sends a lost packet again, and longer each time."""
_PATH = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


class Way(NamedTuple):
    """Connections that a part makes to an address; `maker` is None for those of everybody."""

    maker: str | None
    host: str
    port: int


class Links:
    """The links of one cluster, all whole at first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._marks = {part: number for number, part in enumerate(PARTS, 1)}

    def prepare(self) -> None:
        """Make the control groups, and mark the connections of each."""
        for part, mark in self._marks.items():
            folder = group(self._settings, part)
            folder.mkdir(exist_ok=True)
            new = ("-m", "cgroup", "--path", folder.name, "-m", "conntrack", "--ctstate", "NEW")
            target = ("-j", "CONNMARK", "--set-mark", str(mark))
            _iptables("-t", "mangle", "-A", "OUTPUT", *new, *target)

    def remove(self) -> None:
        """Remove the groups, whose processes have ended; the rules end with their network."""
        for part in self._marks:
            group(self._settings, part).rmdir()

    def cut(self, link: str) -> None:
        """Drop every packet of a link."""
        self._change("-I", link, lossy=False)

    def mend(self, link: str) -> None:
        """Undo a cut."""
        self._change("-D", link, lossy=False)

    def lose(self, link: str) -> None:
        """Drop LOST of the packets of a link."""
        self._change("-I", link, lossy=True)

    def find(self, link: str) -> None:
        """Undo the loss."""
        self._change("-D", link, lossy=True)

    def _change(self, order: str, link: str, *, lossy: bool) -> None:
        chance = ("-m", "statistic", "--mode", "random", "--probability", LOST) if lossy else ()
        for way in self._ways(link):
            _iptables(order, "OUTPUT", *self._match(way), *chance, "-j", "DROP")

    def _match(self, way: Way) -> Sequence[str]:
        of: tuple[str, ...] = ()
        if way.maker is not None:
            of = ("-m", "connmark", "--mark", str(self._marks[way.maker]))
        to = ("--ctorigdst", way.host, "--ctorigdstport", str(way.port))
        return ("-p", "tcp", *of, "-m", "conntrack", *to)

    def _ways(self, link: str) -> Iterator[Way]:
        """Yield the connections of a link, which is ONE>OTHER, or `git`."""
        one, _, other = link.partition(">")
        ports = self._settings
        if one == "git":
            yield Way(None, GIT_HOST, GIT_PORT)
        elif one in ZOOKEEPERS:
            yield from self._ways_of_member(one)
        elif other == "zookeepers":
            for host in _hosts(ZOOKEEPERS):
                yield Way(one, host, ports.zookeeper_port)
        elif other == "frameworks":
            for host in _hosts(FRAMEWORKS):
                yield Way(one, host, ports.api_port)
        else:
            yield Way(one, "127.0.0.1", ports.mesos_port)
            if one in AGENTS:
                yield Way("master", _host(one), ports.agent_port)

    def _ways_of_member(self, one: str) -> Iterator[Way]:
        for other in ZOOKEEPERS:
            if other != one:
                for port in (QUORUM_PORT, ELECTION_PORT):
                    yield Way(one, _host(other), port)
                    yield Way(other, _host(one), port)


def _hosts(parts: Sequence[str]) -> Iterator[str]:
    return map(_host, parts)


def _host(part: str) -> str:
    """Return the address of a ZooKeeper, a framework or an agent."""
    number = part.rpartition("-")[2]
    return f"127.0.0.{number if number.isdigit() else 1}"


def _iptables(*arguments: str) -> None:
    subprocess.run(["iptables", "-w", *arguments], env=_PATH, check=True)
