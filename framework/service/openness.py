"""What of an installation is open to whoever reaches it: ZooKeeper, the Mesos master.

Who writes a record of ours, or announces himself as a master, or registers as a framework, has
commands run on every agent. Nothing here closes it: it is told to the log, at /readyz and, by that,
in `prevs doctor`.
"""

import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping

import structlog

from framework.errors import FrameworkError
from program.health import Check

log = structlog.get_logger(__name__)

ZOOKEEPER, MASTER = "zookeeper-access", "mesos-access"
LOOK_SECONDS = 600.0
_EARLY_SECONDS = (1.0, 1.0, 3.0, 10.0, 30.0)
"""Until the next looks: the master is not known at once."""

Look = Callable[[], str | None]
"""Returns what is open and what to do, None where nothing is.

It may block, and raise a FrameworkError where it cannot tell.
"""


def judge_zookeeper(writable: Collection[str], *, root: str, has_identity: bool) -> str | None:
    """Return what to tell of znodes that anybody may write."""
    ours = sorted(path for path in writable if path == root or path.startswith(f"{root}/"))
    others = sorted(set(writable) - set(ours))
    told = []
    if ours:
        do = (
            "The framework that leads next with this one's PREVS_ZOOKEEPER_AUTH_FILE closes it."
            if has_identity
            else "Set PREVS_ZOOKEEPER_AUTH_FILE for all frameworks and proxies."
        )
        told.append(f"Whoever reaches ZooKeeper may change what runs ({_some(ours)}). {do}")
    if others:
        told.append(
            f"Whoever reaches ZooKeeper may announce himself as the master ({_some(others)}). "
            "Give the masters credentials there (zk://user:password@…), and their znode an ACL."
        )
    return " ".join(told) or None


def judge_master(
    master: str, *, answers_anybody: bool, flags: Mapping[str, str] | None
) -> str | None:
    """Return what to tell of a master, of its flags, None where it doesn't tell them."""
    lacks = []
    if answers_anybody:
        lacks.append("authenticate_http_readonly")
    if flags is not None:
        wanted = ("authenticate_http_readwrite", "authenticate_http_frameworks")
        lacks += [flag for flag in wanted if flags.get(flag) != "true"]
    if not lacks:
        return None
    registers = "authenticate_http_frameworks" in lacks
    may = "run commands on every agent" if registers else "read or change it"
    return (
        f"The Mesos master {master} does not ask who one is: whoever reaches it may {may}. Start "
        f"it with {' '.join(f'--{flag}' for flag in lacks)} and --credentials, and set "
        "PREVS_PRINCIPAL and PREVS_SECRET_FILE."
    )


class Openness:
    """Looks now and then, on a thread of its own, and tells what is new. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[str, Look] = {}
        self._found: dict[str, str | None] = {}
        self._woken = threading.Event()
        self._ended = False

    def add(self, name: str, look: Look) -> None:
        """Have one more thing looked at."""
        with self._lock:
            self._looks[name] = look
        self._woken.set()

    def checks(self) -> tuple[Check, ...]:
        """Return what was found, of what could be looked at; nothing needs it. Never blocks."""
        with self._lock:
            found = dict(self._found)
        return tuple(
            Check(name, why is None, why or "It asks who one is.", needed=False)
            for name, why in found.items()
        )

    def look(self) -> None:
        """Look at everything; log what is new. Blocks."""
        with self._lock:
            looks = dict(self._looks)
        for name, look in looks.items():
            self._look(name, look)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="openness", daemon=True).start()

    def stop(self) -> None:
        """Look no more. Does not wait for a look that goes on."""
        self._ended = True
        self._woken.set()

    def _run(self) -> None:
        pauses = _pauses()
        while not self._ended:
            self.look()
            if self._woken.wait(next(pauses)):
                self._woken.clear()
                pauses = _pauses()

    def _look(self, name: str, look: Look) -> None:
        try:
            why = look()
        except FrameworkError:
            return  # others tell that it is away
        except Exception:
            log.exception("whether it is open is not known", part=name)
            return
        with self._lock:
            before = self._found.get(name)
            self._found[name] = why
        if why is not None and before is None:
            log.warning("it is open to whoever reaches it", part=name, why=why)


def _pauses() -> Iterator[float]:
    return itertools.chain(_EARLY_SECONDS, itertools.repeat(LOOK_SECONDS))


def _some(paths: Collection[str]) -> str:
    shown = list(paths)[:3]
    return ", ".join(shown) + (", …" if len(paths) > len(shown) else "")
