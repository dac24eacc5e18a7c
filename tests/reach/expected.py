"""Who reaches what, as promised. docs/security.md has this table, and measure.py tries it."""

from collections.abc import Collection
from typing import NamedTuple

PREVIEW, JOB, STEP, COMPANION, HOOK = WHO = ("preview", "job", "RUN step", "companion", "hook")
"""The kinds of containers in which code of a commit runs."""

_ALL = frozenset(WHO)
_NETWORK = _ALL - {STEP}
"""Those in the network of previews; steps of builds are in Docker's default network."""


class Way(NamedTuple):
    """What somebody may reach, and how: `IPv4`, `IPv6`, `ARP`, `name` or `socket`."""

    what: str
    how: str


INTERNET = Way("the internet", "IPv4")
INTERNET_6 = Way("the internet", "IPv6")
PUBLIC_NAME = Way("the internet", "name")
LOOPBACK = Way("the agent's loopback", "IPv4")
LOOPBACK_6 = Way("the agent's loopback", "IPv6")
GATEWAY = Way("the gateway: a service of the agent", "IPv4")
GATEWAY_6 = Way("the gateway: a service of the agent", "IPv6")
GATEWAY_ARP = Way("the gateway", "ARP")
GATES = Way("the gateway: the proxy, for gates of stacks", "IPv4")
PREVIEW_OF_ANOTHER = Way("another preview", "IPv4")
PREVIEW_ARP = Way("another preview", "ARP")
PREVIEW_NAME = Way("another preview", "name")
PREVIEW_BY_ADDRESS = Way("another preview's name, by its address", "name")
PORT_OF_ANOTHER = Way("another preview's port at the agent", "IPv4")
COMPANION_OF_ANOTHER = Way("another preview's companion", "IPv4")
BUILD_OF_ANOTHER = Way("a step of another build", "IPv4")
BUILD_6 = Way("a step of another build", "IPv6")
BUILD_ARP = Way("a step of another build", "ARP")
OWN_COMPANION = Way("its own companion", "name")
AGENT = Way("the Mesos agent that runs it", "IPv4")
OTHER_AGENT = Way("another Mesos agent", "IPv4")
MASTER = Way("the Mesos master", "IPv4")
ZOOKEEPER = Way("ZooKeeper", "IPv4")
FRAMEWORK = Way("the framework's API", "IPv4")
PROXY = Way("a proxy", "IPv4")
DOCKERD = Way("dockerd", "IPv4")
DOCKERD_6 = Way("dockerd", "IPv6")
DOCKER_SOCKET = Way("dockerd", "socket")
METADATA = Way("link-local: a metadata service", "IPv4")
METADATA_6 = Way("link-local: a metadata service", "IPv6")


class Row(NamedTuple):
    """Who reaches one thing in one way, and why; for nobody, what keeps all out."""

    way: Way
    reached_by: Collection[str]
    why: str


_NO_IPV6 = "the previews' network has no IPv6; steps' packets to the agent are dropped"
_LOCAL = "the agent is closed at all its addresses"
_MACHINES = "closed as a machine of the installation, or as an address of the agent"
_FRAMES = "the bridge forwards no frame"
_OWN_LOOPBACK = "each container has a loopback of its own"

TABLE = (
    Row(INTERNET, _ALL, "open: packages, images and APIs are there"),
    Row(INTERNET_6, {STEP}, "steps have IPv6 if the operator gives it to Docker's default network"),
    Row(PUBLIC_NAME, _ALL, "open: the agent's nameservers answer"),
    Row(LOOPBACK, (), _OWN_LOOPBACK),
    Row(LOOPBACK_6, (), _OWN_LOOPBACK),
    Row(GATEWAY, (), _LOCAL),
    Row(GATEWAY_6, (), _NO_IPV6),
    Row(GATEWAY_ARP, _ALL, "open: all that is open goes through it"),
    Row(GATES, _NETWORK, "open with `PREVS_ALLOW_PROXY` alone, as in `make up`"),
    Row(PREVIEW_OF_ANOTHER, (), "closed, as all addresses of the bridge are"),
    Row(PREVIEW_ARP, (), _FRAMES),
    Row(
        PREVIEW_NAME,
        _NETWORK,
        "Docker's nameserver tells all in the network; the address that it tells is closed",
    ),
    Row(
        PREVIEW_BY_ADDRESS,
        _NETWORK,
        "Docker's nameserver tells it: containers can be counted, and show nothing of their app",
    ),
    Row(PORT_OF_ANOTHER, (), _LOCAL),
    Row(COMPANION_OF_ANOTHER, (), "closed, as all addresses of the bridge are"),
    Row(BUILD_OF_ANOTHER, (), "closed: a private address, and for steps one of their bridge"),
    Row(BUILD_6, (), "closed, as all addresses of the bridge are"),
    Row(BUILD_ARP, (), _FRAMES),
    Row(
        OWN_COMPANION,
        {PREVIEW, JOB, COMPANION, HOOK},
        "open: they share one network, or have one of their own. Builds run without companions",
    ),
    Row(AGENT, (), _MACHINES),
    Row(OTHER_AGENT, (), _MACHINES),
    Row(MASTER, (), _MACHINES),
    Row(ZOOKEEPER, (), _MACHINES),
    Row(FRAMEWORK, (), _MACHINES),
    Row(PROXY, (), _MACHINES),
    Row(DOCKERD, (), _LOCAL),
    Row(DOCKERD_6, (), _NO_IPV6),
    Row(DOCKER_SOCKET, (), "no container has Docker's socket"),
    Row(METADATA, (), "link-local addresses are closed"),
    Row(METADATA_6, (), "link-local and metadata addresses are closed"),
)
"""All that is promised, in the order of the page."""
