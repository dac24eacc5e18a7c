"""Watches the control group of a build while it runs, and knows what it was short of.

Steps inherit from dockerd by how much the kernel spares them where the whole agent is short of
memory: Debian's docker.service has -500, so that previews and executors would go first. BuildKit
has no word for that, so each process of a step is told here, some hundredths of a second after it
has begun; what it starts inherits it, and without a capability that steps have not it cannot go
back.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from executor.builds.build_group import Tree
from executor.limits import cgroup

_DIES_FIRST = 700
"""Before previews (500): a build can be had again."""

_LOOK = 0.1
_PATIENCE = 3.0
"""Seconds of refused forks at each look after which steps do nothing else: their end is near."""

_FULL = 0.95
"""Of its limit a group of v1 has used this much at least when it was full: memory is counted in
batches."""

_ENDING = 10.0
"""Seconds for what was killed to be gone."""


class BuildWatch:
    """Of one build in `group`; what is there of others is watched with it.

    With `ends` it kills all that is in the group where forks are refused for seconds on end.
    """

    def __init__(self, tree: Tree, group: str, *, ends: bool) -> None:
        self._group = group
        self._ends = ends
        self._version = tree.version
        self._memory = tree.folder("memory", group)
        self._pids = tree.folder("pids", group)
        self._told: set[int] = set()
        self._over = threading.Event()
        self._refused = cgroup.Refused(self._count_refused())
        self._killed, self._full = self._count("oom_kill"), self._count("oom")
        self._bell = _Bell(self._memory) if self._version == 1 else None
        self._thread = threading.Thread(target=self._watch, daemon=True, name="build watch")
        self.has_ended_it = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[BuildWatch]:
        """Watch on a thread while the context lasts."""
        self._thread.start()
        try:
            yield self
        finally:
            self.stop()
            if self._bell is not None:
                self._bell.close()

    def stop(self) -> None:
        """Look a last time. It may have been stopped before."""
        self._over.set()
        self._thread.join()
        self._look()

    def was_out_of_memory(self) -> bool:
        """Tell whether something in the group was killed for want of memory."""
        if self._bell is not None:
            return self._bell.rang
        return self._count("oom_kill") > self._killed

    def had_all_its_memory(self) -> bool:
        """Tell whether the group itself was full, and not the one of all builds above it."""
        if self._bell is None:
            return self._count("oom") > self._full
        most = _read(self._memory / "memory.max_usage_in_bytes").strip()
        limit = _read(self._memory / "memory.limit_in_bytes").strip()
        return most.isdigit() and limit.isdigit() and int(most) >= int(limit) * _FULL

    def was_out_of_processes(self) -> bool:
        """Tell whether there were as many processes as there may be.

        By what steps were refused while they were seen, and by the most that there were, which
        kernels tell since Linux 6.12.
        """
        limit = _read(self._pids / "pids.max").strip()
        most = _read(self._pids / "pids.peak").strip()
        # What runc moves there may be one more than the limit.
        return self._refused.seen or (
            limit.isdigit() and most.isdigit() and int(most) >= int(limit)
        )

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            self._look()
            if self._ends and self._refused.lasted(time.monotonic()) >= _PATIENCE:
                self._end()

    def _look(self) -> None:
        now = set(_processes(self._pids))
        for pid in now - self._told:
            _let_die_first(pid, self._group)
        self._told = now
        self._refused = self._refused.saw(self._count_refused(), time.monotonic())
        if self._bell is not None:
            self._bell.listen()

    def _end(self) -> None:
        """Kill all that is in the group, and let nothing begin there meanwhile."""
        self.has_ended_it = True
        most, file = _read(self._pids / "pids.max"), self._pids / "pids.max"
        deadline = time.monotonic() + _ENDING
        with contextlib.suppress(OSError):
            file.write_text("0")
            while (left := _processes(self._pids)) and time.monotonic() < deadline:
                for pid in left:
                    _kill(pid, self._group)
                time.sleep(_LOOK)
            file.write_text(most)
        self._refused = self._refused.saw(self._count_refused(), time.monotonic())._replace(
            since=None
        )

    def _count_refused(self) -> int:
        return sum(
            cgroup.read_count(_read(Path(folder, "pids.events")), "max")
            for folder, _, _ in os.walk(self._pids)
        )

    def _count(self, event: str) -> int:
        return cgroup.read_count(_read(self._memory / "memory.events"), event)


class _Bell:
    """Rings when a group of v1, or one above it, is out of memory.

    v1 counts what is killed for that in the group of the killed alone, which is gone with it.
    """

    def __init__(self, folder: Path) -> None:
        self.rang = False
        self._heard: Optional[int] = None
        self._held: list[int] = []
        eventfd = getattr(ctypes.CDLL(None), "eventfd", None)
        if eventfd is None:
            return
        # os.eventfd is there since Python 3.10; the flags are those of open().
        heard = int(eventfd(0, os.O_NONBLOCK | os.O_CLOEXEC))
        if heard < 0:
            return
        self._held.append(heard)
        with contextlib.suppress(OSError):
            control = os.open(folder / "memory.oom_control", os.O_RDONLY)
            self._held.append(control)
            (folder / "cgroup.event_control").write_text(f"{heard} {control}")
            self._heard = heard

    def listen(self) -> None:
        """Hear whether it has rung."""
        if self._heard is not None:
            with contextlib.suppress(BlockingIOError):
                self.rang = bool(os.read(self._heard, 8)) or self.rang

    def close(self) -> None:
        """Hear nothing any more."""
        for one in self._held:
            os.close(one)


def _processes(folder: Path) -> list[int]:
    return [
        int(pid)
        for below, _, _ in os.walk(folder)
        for pid in _read(Path(below, "cgroup.procs")).split()
    ]


def _read(file: Path) -> str:
    """Return what a file of a group has, "" where the kernel has none or the group is gone."""
    try:
        return file.read_text()
    except OSError:
        return ""


def _let_die_first(pid: int, group: str) -> None:
    # What is open of a process is never another one's.
    with contextlib.suppress(OSError), _opened(pid) as process:
        if _is_in(process, group) and int(_read_at(process, "oom_score_adj")) < _DIES_FIRST:
            file = os.open("oom_score_adj", os.O_WRONLY, dir_fd=process)
            try:
                os.write(file, str(_DIES_FIRST).encode())
            finally:
                os.close(file)


def _kill(pid: int, group: str) -> None:
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            with _opened(pid) as process:
                if _is_in(process, group):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _opened(pid: int) -> Iterator[int]:
    folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder
    finally:
        os.close(folder)


def _read_at(folder: int, name: str) -> str:
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(file, 65536).decode(errors="replace")
    finally:
        os.close(file)


def _is_in(process: int, group: str) -> bool:
    return f":{group}/" in _read_at(process, "cgroup").replace("\n", "/\n")
