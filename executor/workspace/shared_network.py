"""The network that an executor keeps for its jobs, as it runs one after another.

Docker makes a network namespace for each container, which takes a third of the CPU time of a short
job (docs/decisions/0110-shared-network.md). So a container that only waits owns one, and the jobs
join it. It is made from the image of a job, which is there, and gets a program of a few bytes: an
image may have none.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import os
import struct
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional, Protocol

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.docker.daemon import Daemon, daemon_errors
from executor.errors import DockerUnavailable
from executor.ports import ContainerSpec
from prevs.containers import ContainerSettings

_PROGRAM = "prevs-owns-network"
_NOBODY = "65534:65534"
_MEMORY = 32
"""MB. The program needs one page; runc needs a few MB before it is that."""

_SHARED_FILES = ("HostsPath", "HostnamePath", "ResolvConfPath")
"""What Docker's answer calls the files that all containers of one network have in common."""

_MACHINE = "x86_64"
"""The only machine whose instructions these are, as Docker's /info calls it."""

_PAUSE = bytes.fromhex("b822000000 0f05 ebf7")
"""mov eax, 34 (pause); syscall; jmp to the first of them: waits for a signal, and ends by it."""

_MOST = 1 << 20
"""Bytes that are looked at of a file that some hundred bytes were written to."""

_BASE = 0x400000
_HEADERS = 64 + 56

logger = logging.getLogger(__name__)


class Guard(Protocol):
    """Keeps a container from being left behind; see executor/workspace/container_guard.py."""

    def labels(self) -> Mapping[str, str]:
        """Return the labels by which the reaper finds a container."""
        ...

    def keep(self, name: str) -> None:
        """Guard a container that is about to be created, and that outlives its attempt."""
        ...


Confine = Callable[[APIClient, ContainerSpec], Mapping[str, Any]]
"""Returns docker-py's host config of a container."""

Forget = Callable[[str], None]
"""Takes the name of a container that was removed for sure."""

State = tuple[int, int, int, bytes]
"""The mode of a file, its owner, its group and its bytes, up to _MOST."""


class _Owner(NamedTuple):
    """The container that owns a network in which `gates` have their addresses.

    `files` are those that all containers of the network have in common, as they were.
    """

    name: str
    gates: Sequence[str]
    files: Mapping[str, Optional[State]]
    forget: Forget

    @property
    def is_touched(self) -> bool:
        """Whether a container has changed what the next one would read."""
        return any(_look(path) != before for path, before in self.files.items())


class SharedNetwork:
    """One network at most, and its owner. One thread at a time uses it. Its methods never raise."""

    def __init__(self, daemon: Daemon, guard: Guard) -> None:
        self._daemon = daemon
        self._guard = guard
        self._owner: Optional[_Owner] = None
        self._may_share = True

    @property
    def exists(self) -> bool:
        """Whether there is a network to join."""
        return self._owner is not None

    def join(self, spec: ContainerSpec, confine: Confine, forget: Forget) -> ContainerSpec:
        """Return the container of a job in this network; unchanged if none can be shared.

        Starts the owner if there is none. Blocks for some calls of docker at most.
        """
        if self._owner is not None and self._owner.is_touched:
            logger.info("a job has changed the files of its network: the next ones have their own")
            self._give_up()
        elif self._owner is not None and self._owner.gates != spec.gates:
            self.end()
        if self._owner is None and self._may_share:
            self._owner = self._make(spec, confine, forget)
        if self._owner is None:
            return spec
        return dataclasses.replace(spec, joins=self._owner.name, gates=())

    def is_lost(self) -> bool:
        """Return whether the network is gone, as somebody has ended its owner."""
        if self._owner is None:
            return False
        try:
            with daemon_errors():
                if self._daemon.client().inspect_container(self._owner.name)["State"]["Running"]:
                    return False
        except (APIError, DockerUnavailable) as exc:
            logger.info("the owner of the network of jobs is not found: %s", exc)
        self._give_up()
        return True

    def end(self) -> None:
        """Remove the owner. The watchdog removes what is left."""
        if self._owner is not None:
            self._remove(self._owner.name, self._owner.forget)
            self._owner = None

    def _give_up(self) -> None:
        """Share no network any more: whatever happened may happen at each job of the app."""
        self._may_share = False
        self.end()

    def _make(self, spec: ContainerSpec, confine: Confine, forget: Forget) -> Optional[_Owner]:
        """Start the owner of a network for `spec`; None if that is not possible."""
        name = f"{spec.name}-network"
        try:
            self._guard.keep(name)
            with daemon_errors():
                files = self._start(dataclasses.replace(spec, name=name), confine)
        except (APIError, DockerUnavailable, OSError) as exc:
            logger.warning("each job gets a network of its own, as this failed: %s", exc)
            files = {}
        if files and None not in files.values():
            return _Owner(name, spec.gates, files, forget)
        self._may_share = False
        self._remove(name, forget)
        return None

    def _start(self, spec: ContainerSpec, confine: Confine) -> Mapping[str, Optional[State]]:
        """Start the owner; return the state of the files that it has in common with who joins.

        It is None where this process sees no such file: then nobody would see what jobs do to it.
        """
        if self._daemon.info()["Architecture"] != _MACHINE:
            return {}
        plain = dataclasses.replace(
            spec,
            mem=_MEMORY,
            read_only=False,
            volumes={},
            exchange=None,
            own=ContainerSettings(),
        )
        client = self._daemon.client()
        made = client.create_container(
            spec.image,
            entrypoint=[f"/{_PROGRAM}"],
            name=spec.name,
            user=_NOBODY,
            labels={**spec.labels, **self._guard.labels()},
            host_config={**confine(client, plain), "CapAdd": [], "Init": False},
            healthcheck={"test": ["NONE"]},
        )["Id"]
        client.put_archive(made, "/", _archive())
        client.start(made)
        told = client.inspect_container(made)
        return {path: _look(path) for path in map(told.__getitem__, _SHARED_FILES)}

    def _remove(self, name: str, forget: Forget) -> None:
        try:
            with daemon_errors():
                self._daemon.client().remove_container(name, force=True, v=True)
        except NotFound:
            pass  # it is gone already
        except (APIError, DockerUnavailable):
            logger.exception("the container %s may be left behind until this process ends", name)
            return
        forget(name)


def program() -> bytes:
    """Return an executable that waits until a signal ends it, and uses no library.

    The layout is that of "ELF-64 Object File Format", sections 3 and 8.
    """
    size = _HEADERS + len(_PAUSE)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return ident + header + segment + _PAUSE


def _archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        entry = tarfile.TarInfo(_PROGRAM)
        entry.mode, entry.size = 0o555, len(program())
        archive.addfile(entry, io.BytesIO(program()))
    return data.getvalue()


def _look(path: str) -> Optional[State]:
    """Return what the next container would find of a file; None if it cannot be seen.

    The times of a file say nothing: Docker changes its owner to what it is, at each start.
    """
    try:
        with Path(path).open("rb") as file:
            about = os.fstat(file.fileno())
            return about.st_mode, about.st_uid, about.st_gid, file.read(_MOST)
    except OSError:
        return None
