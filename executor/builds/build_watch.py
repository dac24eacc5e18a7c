"""Watches the control group of a build while it runs, and finds out which limit it reached.

Steps inherit dockerd's oom_score_adj, which is -500 in Debian's docker.service. If the agent runs
out of memory, the kernel would kill previews and executors first. BuildKit has no option for it. So
this thread sets it for each process of a step, within a tenth of a second after its start. Children
inherit it, and lowering it again takes a capability that steps do not have.

It also looks which capabilities the steps have, as BuildKit has no option for these either.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

from executor.builds.build_disk import BuildDisk
from executor.builds.build_group import CgroupTree
from executor.limits import cgroup

_OOM_SCORE_ADJ = 700
"""More than that of previews (500): a build can be repeated."""

_LOOK = 0.1
_PATIENCE = 3.0
"""Seconds with refused forks at each check, after which the steps are killed."""

_MEASURE = 1.0
"""Seconds between looks at the free space of the disk."""

_FULL = 0.95
"""A group of v1 counts as full at this share of its limit: the kernel counts memory in batches."""

_NEEDLESS = {"CAP_NET_RAW": 13, "CAP_MKNOD": 27}
"""What Docker gives to steps of builds by default, and no package manager needs, by its number."""

_STATUS = re.compile(r"^Name:\t(.*)$.*^CapBnd:\t([0-9a-f]+)$", re.MULTILINE | re.DOTALL)
_STARTING = "runc"
"""How the names of processes begin that are not yet a step: their capabilities are still runc's."""

_ENDING = 10.0
"""Seconds for killed processes to be gone."""


class BuildWatch:
    """Watches one build in `group`, together with other builds in that group.

    With `ends` it kills all processes in the group if forks have been refused for some seconds.
    With a `disk` it kills the steps of this build if that is over its limit. `needless` are the
    capabilities that steps had and did not need, None if it has seen no step.
    """

    def __init__(
        self, tree: CgroupTree, group: str, *, ends: bool, disk: Optional[BuildDisk] = None
    ) -> None:
        self._group = group
        self._ends = ends
        self._version = tree.version
        self._memory = tree.folder("memory", group)
        self._pids = tree.folder("pids", group)
        self._disk = disk
        self._steps: set[Path] = set()
        self._adjusted: set[int] = set()
        self._over = threading.Event()
        self._refused = cgroup.RefusedForks(self._count_refused())
        self._killed, self._full = self._count("oom_kill"), self._count("oom")
        self._oom_events = _OomEvents(self._memory) if self._version == 1 else None
        self._thread = threading.Thread(target=self._watch, daemon=True, name="build watch")
        # Apart, as it may read folders for seconds.
        self._measurer = threading.Thread(target=self._measure, daemon=True, name="build disk")
        self.has_ended_it = False
        self.needless: Optional[Sequence[str]] = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[BuildWatch]:
        """Watch on a thread within the context."""
        self._thread.start()
        if self._disk is not None:
            self._measurer.start()
        try:
            yield self
        finally:
            self.stop()
            if self._oom_events is not None:
                self._oom_events.close()

    def stop(self) -> None:
        """Check a last time. May be called again."""
        self._over.set()
        self._thread.join()
        self._look()

    def was_over_its_disk(self) -> bool:
        """Return whether this build has written more than it may, and was ended for it."""
        return self._disk is not None and self._disk.is_over

    def was_out_of_memory(self) -> bool:
        """Return whether a process in the group was killed because memory ran out."""
        if self._oom_events is not None:
            return self._oom_events.occurred
        return self._count("oom_kill") > self._killed

    def had_all_its_memory(self) -> bool:
        """Return whether this group's own memory was full, not that of all builds above it."""
        if self._oom_events is None:
            return self._count("oom") > self._full
        most = _read(self._memory / "memory.max_usage_in_bytes").strip()
        limit = _read(self._memory / "memory.limit_in_bytes").strip()
        return most.isdigit() and limit.isdigit() and int(most) >= int(limit) * _FULL

    def was_out_of_processes(self) -> bool:
        """Return whether the group reached its limit of processes.

        This is known from the forks that were refused while we watched, and from the peak, which
        kernels report since Linux 6.12.
        """
        limit = _read(self._pids / "pids.max").strip()
        most = _read(self._pids / "pids.peak").strip()
        # runc moves processes there, so there may be one more than the limit.
        return self._refused.seen or (
            limit.isdigit() and most.isdigit() and int(most) >= int(limit)
        )

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            self._look()
            if self._ends and self._refused.lasted(time.monotonic()) >= _PATIENCE:
                self._end()
            if self.was_over_its_disk():
                self._end_steps()

    def _measure(self) -> None:
        while self._disk is not None and not self._over.wait(_MEASURE):
            self._disk.check()

    def _look(self) -> None:
        found = dict(_find_processes(self._pids))
        starting = set()
        for pid in found.keys() - self._adjusted:
            _raise_oom_score(pid, self._group)
            needless = find_needless(_read(Path(f"/proc/{pid}/status")))
            if needless is None:
                starting.add(pid)
            else:
                self.needless = needless
            if self._disk is not None and self._disk.takes(Path(f"/proc/{pid}"), found[pid].name):
                self._steps.add(found[pid])
        self._adjusted = found.keys() - starting
        self._refused = self._refused.after(self._count_refused(), time.monotonic())
        if self._oom_events is not None:
            self._oom_events.read()

    def _end(self) -> None:
        """Kill all processes in the group, and let none start there meanwhile."""
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
        self._refused = self._refused.after(self._count_refused(), time.monotonic())._replace(
            since=None
        )

    def _end_steps(self) -> None:
        """Kill all processes of this build's own steps, and let none start in them."""
        for step in self._steps:
            with contextlib.suppress(OSError):  # it has ended
                (step / "pids.max").write_text("0")
            for pid in _processes(step):
                _kill(pid, self._group)

    def _count_refused(self) -> int:
        return sum(
            cgroup.read_count(_read(Path(folder, "pids.events")), "max")
            for folder, _, _ in os.walk(self._pids)
        )

    def _count(self, event: str) -> int:
        return cgroup.read_count(_read(self._memory / "memory.events"), event)


def find_needless(status: str) -> Optional[Sequence[str]]:
    """Return the capabilities that a step does not need, by its /proc/PID/status.

    None if it has ended, or runc has not started it yet.
    """
    match = _STATUS.search(status)
    if match is None or match[1].startswith(_STARTING):
        return None
    return [name for name, number in _NEEDLESS.items() if int(match[2], 16) >> number & 1]


class _OomEvents:
    """Notifications of the kernel that a group of v1, or one above it, ran out of memory.

    v1 counts killed processes only in their own group, and that is removed with them.
    """

    def __init__(self, folder: Path) -> None:
        self.occurred = False
        self._eventfd: Optional[int] = None
        self._held: list[int] = []
        eventfd = getattr(ctypes.CDLL(None), "eventfd", None)
        if eventfd is None:
            return
        # os.eventfd exists since Python 3.10. The flags are those of open().
        eventfd = int(eventfd(0, os.O_NONBLOCK | os.O_CLOEXEC))
        if eventfd < 0:
            return
        self._held.append(eventfd)
        with contextlib.suppress(OSError):
            control = os.open(folder / "memory.oom_control", os.O_RDONLY)
            self._held.append(control)
            (folder / "cgroup.event_control").write_text(f"{eventfd} {control}")
            self._eventfd = eventfd

    def read(self) -> None:
        """Read whether there was a notification."""
        if self._eventfd is not None:
            with contextlib.suppress(BlockingIOError):
                self.occurred = bool(os.read(self._eventfd, 8)) or self.occurred

    def close(self) -> None:
        """Close all descriptors."""
        for one in self._held:
            os.close(one)


def _processes(folder: Path) -> list[int]:
    return [pid for pid, _ in _find_processes(folder)]


def _find_processes(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the processes in a group and those below it, each with its own group."""
    for below, _, _ in os.walk(folder):
        for pid in _read(Path(below, "cgroup.procs")).split():
            yield int(pid), Path(below)


def _read(file: Path) -> str:
    """Return the text of a group's file, "" if there is none or the group is gone."""
    try:
        return file.read_text()
    except OSError:
        return ""


def _raise_oom_score(pid: int, group: str) -> None:
    # An open folder in /proc never becomes that of another process.
    with contextlib.suppress(OSError), _opened(pid) as process:
        if _is_in(process, group) and int(_read_at(process, "oom_score_adj")) < _OOM_SCORE_ADJ:
            file = os.open("oom_score_adj", os.O_WRONLY, dir_fd=process)
            try:
                os.write(file, str(_OOM_SCORE_ADJ).encode())
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
