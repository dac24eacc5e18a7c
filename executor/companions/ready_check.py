"""Looks in a companion's container whether it is ready: by its command, or by a port."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from docker.api import APIClient
from docker.errors import APIError

from executor.attempt.attempt import describe_command
from executor.companions.readiness import Look
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import DockerUnavailable
from executor.ports import Signals
from prevs.companions import Companion

_LOOK = 1.0
"""Seconds after which a look ends although its command still runs."""

_KEPT = 2048
"""Bytes of the command's last output that are kept. It may print without an end."""

_TABLES_KEPT = 65536
"""Bytes of the tables that are kept: some 400 sockets. Those of all containers are in them."""

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
"""The tables of a network namespace (proc(5)): `sl local_address rem_address st …` in hex."""

_READ = ("cat", *TABLES)
_HEADING = "local_address"
"""What the first line of a table has."""

_LISTEN = "0A"


class _Done(NamedTuple):
    code: int | None
    output: bytes
    error: Exception | None = None


class _Try:
    """One run of a command in a container, on a thread of its own."""

    def __init__(
        self,
        client: APIClient,
        container: str,
        command: Sequence[str],
        *,
        kept: int,
        signals: Signals,
    ) -> None:
        self._client = client
        self._container = container
        self._command = list(command)
        self._kept = kept
        self._signals = signals
        self.done: _Done | None = None
        threading.Thread(target=self._run, daemon=True, name="ready").start()

    def _run(self) -> None:
        try:
            with daemon_errors():
                self.done = self._execute()
        except (APIError, DockerUnavailable) as exc:
            self.done = _Done(None, b"", exc)
        except Exception as exc:  # noqa: BLE001 # raised again in the attempt's thread
            self.done = _Done(None, b"", DockerUnavailable(repr(exc)))
        self._signals.wake()

    def _execute(self) -> _Done:
        made = self._client.exec_create(self._container, self._command)
        output = b""
        for piece in self._client.exec_start(made["Id"], stream=True):
            output = (output + piece)[-self._kept :]
        return _Done(self._client.exec_inspect(made["Id"])["ExitCode"], output)


class ReadyCheck:
    """Fulfils the port Readiness with docker-py."""

    def __init__(self, daemon: Daemon, signals: Signals) -> None:
        self._daemon = daemon
        self._signals = signals
        self._tries: dict[str, _Try] = {}
        self._ended: dict[str, _Done] = {}
        self._legible: set[str] = set()

    def look(self, container: str, companion: Companion) -> Look:
        """Look once, at the running container of that name. Blocks for a second or so at most.

        A command that does not end is not started again. Raises DockerUnavailable, Stopped.
        """
        if companion.ready:
            return self._look_by_command(container, companion.ready)
        port = companion.listens_on
        tables, problem = self._read_tables(container), f"nothing listened on its port {port}"
        if tables is None:
            done = self._execute(container, _READ, _TABLES_KEPT)
            tables = "" if done is None else done.output.decode(errors="replace")
            if _HEADING in tables:
                self._legible.add(container)
            # A look that only takes long, when earlier ones did not, is not the reason.
            elif done is not None or container not in self._legible:
                why = _describe(_READ, done)
                problem = f"its port {port} cannot be seen, as {why}; set `ready` to a command"
        return Look(listens(tables, port), problem)

    def _look_by_command(self, container: str, command: Sequence[str]) -> Look:
        # One that takes longer says less than one that has ended.
        done = self._execute(container, command) or self._ended.get(container)
        if done is None:
            return Look(False, _describe(command, None))
        self._ended[container] = done
        return Look(done.code == 0, _describe(command, done), done.output)

    def _execute(self, container: str, command: Sequence[str], kept: int = _KEPT) -> _Done | None:
        """Return how a command ended in a container, None if it still runs."""
        running = self._tries.get(container)
        if running is None:
            client = self._daemon.client()
            running = _Try(client, container, command, kept=kept, signals=self._signals)
            self._tries[container] = running
        until = time.monotonic() + _LOOK
        while running.done is None and time.monotonic() < until:
            self._signals.wait(until - time.monotonic())
        if running.done is not None:
            del self._tries[container]
            if isinstance(running.done.error, DockerUnavailable):
                raise running.done.error
        return running.done

    def _read_tables(self, container: str) -> str | None:
        """Return the tables of sockets of a container, None if its processes are not seen here."""
        try:
            with daemon_errors():
                found = self._daemon.client().inspect_container(container)
            process = Path(f"/proc/{found['State']['Pid']}")
            # Docker may number processes in another namespace: then this is another one's.
            if found["Id"] in (process / "cgroup").read_text():
                return "".join((process / "net" / Path(one).name).read_text() for one in TABLES)
        except (APIError, OSError):
            # It has ended, which others report, or this user may not read them.
            return None
        return None


def listens(tables: str, port: int) -> bool:
    """Return whether a socket listens on a port at any address, by the text of the tables."""
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTEN:
            found = words[1].rpartition(":")[2]
            if found and int(found, 16) == port:
                return True
    return False


def _describe(command: Sequence[str], done: _Done | None) -> str:
    """Return why a command has not succeeded."""
    shown = f"`{describe_command(command)}`"
    if done is None:
        return f"{shown} did not end"
    if isinstance(done.error, APIError):
        return f"{shown} could not run: {explanation(done.error)}"
    return f"{shown} exited with code {done.code}"
