"""dockerd: the machine's if one answers, else one of our own that all clusters of a user share.

Our own dockerd has one folder per user and keeps its images between runs:

    lock     held exclusively to start or stop it
    lease    each cluster holds it shared; the last one can hold it exclusively, and stops dockerd
    docker.sock  pid  data/  exec/  log  pool (the addresses of its networks)
    before.json (the machine's network before it started)

It runs as root (with `sudo -n` for an ordinary user), in its own mount namespace, so that no mount
is left behind. It is not a child of any cluster, so it survives when a cluster is killed. It has
its own bridge (local/docker/bridge.py); a cluster puts the bridge back if somebody removed it.
"""

import contextlib
import fcntl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from local.docker import bridge, containers, daemon
from local.errors import LocalError
from local.parts.part import describe_exit, last_lines

DEFAULT_HOST = "unix:///var/run/docker.sock"
RESTART = "restart it: `sudo systemctl restart docker`"
ADVICE = (
    "Start Docker (`sudo systemctl start docker`) and let your user use it (`sudo adduser $USER "
    "docker`, then log in again), or set DOCKER_HOST. Or install it (run provision/debian.sh) and "
    "let prevs start it: as root, or by sudo without a password."
)
_PID_FILE = Path("/var/run/docker.pid")
"""The pid file of the machine's dockerd, which answers at DEFAULT_HOST."""


def find_host(environ: Mapping[str, str]) -> str | None:
    """Return the address of a dockerd that is not ours, or None if none answers."""
    host = environ.get("DOCKER_HOST") or DEFAULT_HOST
    return host if containers.answers(host) else None


def find_bridge(host: str) -> str | None:
    """Return the bridge that the machine's dockerd should have; None for any other dockerd.

    Blocks for 2 s at most.
    """
    return containers.default_bridge(host) if host == DEFAULT_HOST else None


def is_lost(name: str) -> bool:
    """Return whether somebody has removed that bridge of the machine's dockerd."""
    try:
        return not bridge.is_there(int(_PID_FILE.read_text()), name)
    except (OSError, ValueError):
        return False


class DockerPart:
    """A Part: the dockerd that answers, the machine's or our own."""

    name = "dockerd"
    needs: tuple[str, ...] = ()
    advice = ADVICE

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._daemon = daemon.Daemon(folder)
        self._environ = environ
        self._foreign = find_host(environ)
        self._foreign_bridge: str | None = None
        self._lease: IO[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._launched: subprocess.Popen[bytes] | None = None
        self._was_ready = False

    @property
    def address(self) -> str:
        """The value for DOCKER_HOST."""
        return self._foreign or self._daemon.host

    def gateway(self) -> str | None:
        """Return the address at which its containers reach this machine; None if none is known.

        It is known once dockerd runs. Blocks for 2 s at most.
        """
        return containers.default_gateway(self.address)

    @property
    def pid(self) -> int | None:
        process = None if self._foreign else self._daemon.process()
        return process.pid if process else None

    def runs(self) -> bool:
        """Return whether a dockerd runs, the machine's or our own."""
        return self._foreign is not None or self._daemon.process() is not None

    def start(self) -> None:
        self._was_ready = False
        if not self._foreign:
            self._daemon.prepare()
            self._advance()

    def ready(self) -> bool:
        if not self._foreign:
            self._advance()
            if self._lease is None:
                return False
        if answers := containers.answers(self.address):
            self._release_lock()
            self._foreign_bridge = find_bridge(self._foreign) if self._foreign else None
        self._was_ready = answers and self._foreign_problem() is None
        return self._was_ready

    def problem(self) -> str | None:
        if self._foreign:
            gone = self._was_ready and not containers.answers(self._foreign)
            return "does not answer any more" if gone else self._foreign_problem()
        if self._launched is not None and self._launched.poll() not in (None, 0):
            problem = describe_exit(self._launched.returncode)
            self._launched = None
            self._release_lock()
            return problem
        if self._was_ready and self._daemon.process() is None:
            return "has ended"
        if self._was_ready and self._daemon.lost_bridge():
            return _lost(self._daemon.bridge)
        return None

    def _foreign_problem(self) -> str | None:
        name = self._foreign_bridge
        return f"{_lost(name)}; {RESTART}" if name and is_lost(name) else None

    def last_words(self) -> str:
        return "" if self._foreign else last_lines(self._daemon.log)

    def give_up(self) -> None:
        """Release the lock, but keep the lease for the next start."""
        self._release_lock()

    def stop(self) -> None:
        if self._lease is None:
            self._release_lock()
            return
        deadline = time.monotonic() + 60
        while self._lock is None and not self._take_lock():
            if time.monotonic() > deadline:
                why = "another cluster has been starting or stopping it for over 60 s"
                raise LocalError(self.name, why, "Run the same command again.")
            time.sleep(0.05)
        try:
            self._lease.close()
            self._lease = None
            with (self._daemon.folder / "lease").open("ab") as lease:
                if _try_lock(lease, fcntl.LOCK_EX):
                    self._daemon.stop()
        finally:
            self._release_lock()

    def _advance(self) -> None:
        """Take the lease; start dockerd if it does not run, and hold the lock until it answers."""
        if self._lock is not None or not self._take_lock():
            return
        if self._lease is None:
            self._lease = (self._daemon.folder / "lease").open("ab")
            fcntl.flock(self._lease, fcntl.LOCK_SH)
        if self._daemon.process() is None:
            self._launched = self._daemon.launch(self._environ)
            return
        try:
            self._daemon.restore_bridge()
        finally:
            self._release_lock()

    def _take_lock(self) -> bool:
        lock = (self._daemon.folder / "lock").open("ab")
        if not _try_lock(lock, fcntl.LOCK_EX):
            lock.close()
            return False
        self._lock = lock
        return True

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _lost(name: str) -> str:
    return f"its bridge {name} was removed, so builds fail"


def _try_lock(file: IO[bytes], kind: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        return True
    return False
