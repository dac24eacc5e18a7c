"""The machines that run prevs, Mesos and ZooKeeper, which no preview and no build may reach.

Each part of the framework says which machines it meets, executors close them. Names are resolved on
a thread, for a nameserver may take its time.
"""

import ipaddress
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable

import structlog

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
_EARLY_SECONDS = (1.0, 5.0)
"""Until the second look, and the third: masters are met once the subscription has begun."""
PATIENCE_SECONDS = 2.0
"""How long a new leader waits for names: a task that starts meanwhile would lack their addresses,
and nothing starts meanwhile."""
KEPT_SECONDS = 86_400.0
"""How long a machine counts that nothing says any more: its address may be somebody else's then."""

Look = Callable[[], Iterable[str]]
"""What says hosts when it is asked; it may block, and raise what the thread logs."""


def resolve(host: str) -> list[str]:
    """Return the addresses of a host by its name. Blocks for as long as nameservers take."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        log.warning("a machine's name has no address", host=host, why=str(error))
        return []
    return sorted({str(address[0]).partition("%")[0] for *_, address in found})


class ControlPlane:
    """What is known of the installation's machines. Thread safe.

    `looks` are asked at once, soon again and then each minute, on the thread that `start` begins;
    `resolve` gives the addresses of a name.
    """

    def __init__(
        self,
        looks: Iterable[Look] = (),
        *,
        resolve: Callable[[str], Iterable[str]] = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._looks = tuple(looks)
        self._resolve = resolve
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[str, float] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._addresses: tuple[str, ...] | None = None
        self._looked = threading.Event()
        self._ended = threading.Event()

    def note(self, hosts: Iterable[str]) -> None:
        """Say that machines belong to the installation, by address or name; does not block."""
        noted = dict.fromkeys(filter(None, hosts), self._clock())
        with self._lock:
            if not noted.keys() <= self._hosts.keys():
                self._addresses = None
            self._hosts |= noted

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses that are known, without loopback; does not block.

        Those that are next to each other come as one network: each order has all of them.
        """
        with self._lock:
            if self._addresses is None:
                known = {one for host in self._hosts for one in (host, *self._named.get(host, ()))}
                self._addresses = _collapse(known)
            return self._addresses

    def look(self) -> None:
        """Ask everybody who knows machines, resolve names, forget what is old. Blocks."""
        for ask in self._looks:
            try:
                self.note(ask())
            except Exception:
                log.exception("machines of the installation are not known")
        with self._lock:
            names = [host for host in self._hosts if not _is_address(host)]
        found = {name: tuple(self._resolve(name)) for name in names}
        after = self._clock() - KEPT_SECONDS
        with self._lock:
            self._hosts = {host: noted for host, noted in self._hosts.items() if noted > after}
            # A nameserver that does not answer says nothing against what it said before.
            self._named = {name: found[name] or self._named.get(name, ()) for name in names}
            self._addresses = None

    def start(self, patience: float = PATIENCE_SECONDS) -> None:
        """Begin to look, on a thread of its own; return after the first look, or after a while."""
        threading.Thread(target=self._run, name="control plane", daemon=True).start()
        self._looked.wait(patience)

    def stop(self) -> None:
        """Look no more. Does not wait for a look that goes on."""
        self._ended.set()

    def _run(self) -> None:
        for pause in itertools.chain(_EARLY_SECONDS, itertools.repeat(LOOK_SECONDS)):
            self.look()
            self._looked.set()
            if self._ended.wait(pause):
                return


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _collapse(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses among hosts that a container could reach, as networks."""
    v4: set[ipaddress.IPv4Network] = set()
    v6: set[ipaddress.IPv6Network] = set()
    for host in filter(_is_address, hosts):
        network = ipaddress.ip_network(host)
        if network.is_loopback or network.is_unspecified:
            continue
        if isinstance(network, ipaddress.IPv4Network):
            v4.add(network)
        else:
            v6.add(network)
    found = (*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6))
    return tuple(str(network).removesuffix("/32").removesuffix("/128") for network in found)
