"""The machines that run prevs, Mesos and ZooKeeper, which no preview and no build may reach.

Each part of the framework reports the machines that it meets; executors block them. A thread
resolves names, because a nameserver may be slow.
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
"""The pauses before the second and third look: masters are known once the subscription begins."""
PATIENCE_SECONDS = 2.0
"""How long a new leader waits for addresses before anything starts: tasks need them."""
KEPT_SECONDS = 86_400.0
"""How long a machine counts after its last report: then its address may belong to another one."""

Look = Callable[[], Iterable[str]]
"""Returns hosts. It may block, and raise errors, which are logged."""


def resolve(host: str) -> list[str]:
    """Return the addresses of a host name. Blocks until the nameservers answer."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        log.warning("a machine's name has no address", host=host, why=str(error))
        return []
    return sorted({str(address[0]).partition("%")[0] for *_, address in found})


class ControlPlane:
    """The known machines of the installation. Thread safe.

    Calls `looks` at once, soon again and then each minute, on the thread that `start` begins;
    `resolve` returns the addresses of a name.
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
        """Note machines of the installation, by address or name. Does not block."""
        noted = dict.fromkeys(filter(None, hosts), self._clock())
        with self._lock:
            if not noted.keys() <= self._hosts.keys():
                self._addresses = None
            self._hosts |= noted

    def addresses(self) -> tuple[str, ...]:
        """Return the known addresses, without loopback. Does not block.

        Neighbouring addresses are merged into networks, because every order contains all of them.
        """
        with self._lock:
            if self._addresses is None:
                known = {one for host in self._hosts for one in (host, *self._named.get(host, ()))}
                self._addresses = _collapse(known)
            return self._addresses

    def look(self) -> None:
        """Call all looks, resolve names, and drop old machines. Blocks."""
        for look in self._looks:
            try:
                self.note(look())
            except Exception:
                log.exception("machines of the installation are not known")
        with self._lock:
            names = [host for host in self._hosts if not _is_address(host)]
        found = {name: tuple(self._resolve(name)) for name in names}
        after = self._clock() - KEPT_SECONDS
        with self._lock:
            self._hosts = {host: noted for host, noted in self._hosts.items() if noted > after}
            # If a nameserver does not answer, its last answer still counts.
            self._named = {name: found[name] or self._named.get(name, ()) for name in names}
            self._addresses = None

    def start(self, patience: float = PATIENCE_SECONDS) -> None:
        """Begin to look, on a thread; return after the first look, or after `patience` seconds."""
        threading.Thread(target=self._run, name="control plane", daemon=True).start()
        self._looked.wait(patience)

    def stop(self) -> None:
        """Stop looking. Does not wait for a running look."""
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
    """Return the addresses in `hosts` that a container could reach, as networks."""
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
