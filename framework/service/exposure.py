"""Finds out whether ZooKeeper and the Mesos master are open to everybody who can reach them.

Anyone who can write our records, announce a false master or register a framework can run commands
on every agent. Nothing here closes anything: findings go to the log, to /readyz and so to
`prevs doctor`.
"""

import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping

import structlog

from framework.errors import FrameworkError
from program.http.health import Check

log = structlog.get_logger(__name__)

ZOOKEEPER, MASTER = "zookeeper-access", "mesos-access"
LOOK_SECONDS = 600.0
_EARLY_SECONDS = (1.0, 1.0, 3.0, 10.0, 30.0)
"""The pauses after the first looks: the master is not known at once."""

Look = Callable[[], str | None]
"""Returns an opening and the next step, as a sentence; None without one.

It may block, and raise a FrameworkError if it cannot find out.
"""


def judge_zookeeper(writable: Collection[str], *, root: str, has_identity: bool) -> str | None:
    """Return a text about the znodes that anybody may write; None if there are none."""
    ours = sorted(path for path in writable if path == root or path.startswith(f"{root}/"))
    others = sorted(set(writable) - set(ours))
    findings = []
    if ours:
        do = (
            "The next framework that leads with the same PREVS_ZOOKEEPER_AUTH_FILE closes it."
            if has_identity
            else "Set PREVS_ZOOKEEPER_AUTH_FILE for all frameworks and proxies."
        )
        findings.append(f"Anybody who reaches ZooKeeper may change what runs ({_some(ours)}). {do}")
    if others:
        findings.append(
            f"Anybody who reaches ZooKeeper may pose as the master ({_some(others)}). Give the "
            "masters credentials there (zk://user:password@…), and their znode an ACL."
        )
    return " ".join(findings) or None


def judge_master(
    master: str, *, answers_anybody: bool, flags: Mapping[str, str] | None
) -> str | None:
    """Return a text about an open master; None if it is closed.

    `flags` are its command line flags, None if it does not show them to this framework.
    """
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
        f"The Mesos master {master} does not authenticate callers: anybody who reaches it may "
        f"{may}. Start it with {' '.join(f'--{flag}' for flag in lacks)} and --credentials, and "
        "set PREVS_PRINCIPAL and PREVS_SECRET_FILE."
    )


class Exposure:
    """Looks from time to time, on a thread of its own, and logs new findings. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[str, Look] = {}
        self._found: dict[str, str | None] = {}
        self._woken = threading.Event()
        self._ended = False

    def add(self, name: str, look: Look) -> None:
        """Add one more look."""
        with self._lock:
            self._looks[name] = look
        self._woken.set()

    def checks(self) -> tuple[Check, ...]:
        """Return the findings of the looks that succeeded; none is `needed`. Never blocks."""
        with self._lock:
            found = dict(self._found)
        return tuple(
            Check(name, why is None, why or "It authenticates callers.", needed=False)
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
        threading.Thread(target=self._run, name="exposure", daemon=True).start()

    def stop(self) -> None:
        """Stop looking. Does not wait for a running look."""
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
            return  # other checks report that the part is away
        except Exception:
            log.exception("whether it is open is not known", part=name)
            return
        with self._lock:
            before = self._found.get(name)
            self._found[name] = why
        if why is not None and before is None:
            log.warning("it is open to anybody who reaches it", part=name, why=why)


def _pauses() -> Iterator[float]:
    return itertools.chain(_EARLY_SECONDS, itertools.repeat(LOOK_SECONDS))


def _some(paths: Collection[str]) -> str:
    shown = list(paths)[:3]
    return ", ".join(shown) + (", …" if len(paths) > len(shown) else "")
