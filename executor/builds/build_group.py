"""The control groups of builds. Executors create them if they may, and remove them after a build.

The steps of a build are Docker's children, not an executor's, so only a control group can limit
them. All builds of an agent are below one group, and each app has its own group below that: a build
that takes all memory or processes takes them from its own app. All builds of an app use the same
group, as the group's name is a part of BuildKit's cache key.

Each build locks its groups' folders, and the last build removes the groups. So their counters are
those of running builds, and nothing is left on a machine that builds nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Optional

from executor.limits import cgroup
from executor.limits.cgroup import Budget

ROOT = Path("/sys/fs/cgroup")
_NEEDED = ("memory", "pids")


class GroupRefused(Exception):
    """This executor may not create or limit a control group; str() is the reason."""


class CgroupTree:
    """The control groups of this machine, v1 or v2, mounted at `root`."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self.version = 2 if (root / "cgroup.controllers").exists() else 1

    def folder(self, controller: str, group: str) -> Path:
        """Return the folder of a group with a controller."""
        top = self._root if self.version == 2 else self._root / controller
        return top / group.strip("/")

    def copies(self, group: str) -> Sequence[Path]:
        """Return the folders that a group may have: with v1 one per controller."""
        tops = [self._root] if self.version == 2 else sorted(self._root.iterdir())
        return [Path(copy) for copy in cgroup.copies(group, map(str, tops))]

    def limit(self, group: str, budget: Budget) -> None:
        """Create a group, unless it exists, and set its limits. Raises OSError."""
        if self.version == 2:
            self._delegate(self.folder("", group).parent)
        memory, pids = (self.folder(controller, group) for controller in _NEEDED)
        for folder in (memory, pids):
            folder.mkdir(exist_ok=True)
        _set_all(memory, cgroup.memory_files(self.version, budget))
        _set_all(pids, {"pids.max": str(budget.processes)})

    def weigh(self, group: str) -> None:
        """Give a group less CPU than its neighbours, if that is possible."""
        name, text = cgroup.weight_file(self.version)
        with contextlib.suppress(OSError):
            if self.version == 2:
                _add_controllers(self._root, ["cpu"])
            folder = self.folder("cpu", group)
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    def remove(self, group: str) -> None:
        """Remove a group and those below it that are empty.

        BuildKit leaves one there. Killed executors leave groups too, of apps that may never be
        built again.
        """
        for copy in self.copies(group):
            for folder, _, _ in os.walk(copy, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()

    def is_limited(self, group: str) -> bool:
        """Return whether the group exists and has a limit of its processes or its memory.

        Existence is not enough: builds leave a group behind in each hierarchy of v1, and systemd
        starts slices that have no unit.
        """
        for copy in self.copies(group):
            for name in cgroup.LIMITS:
                # Most hierarchies have neither file, and the group may vanish meanwhile.
                with contextlib.suppress(OSError):
                    if cgroup.is_limit((copy / name).read_text()):
                        return True
        return False

    def find_problem(self) -> Optional[str]:
        """Return why this process may not create groups, None if it may. Changes nothing."""
        for controller in _NEEDED:
            folder = self.folder(controller, "")
            if not folder.is_dir():
                return f"the machine has no control groups for {controller}"
            if not os.access(folder, os.W_OK):
                return f"this user may not create a control group in {folder}"
        return None

    def _delegate(self, parent: Path) -> None:
        _add_controllers(parent, _NEEDED)


def _add_controllers(parent: Path, controllers: Sequence[str]) -> None:
    """With v2, enable controllers for the groups below `parent`. Raises OSError."""
    file = parent / "cgroup.subtree_control"
    given = file.read_text().split()
    if missing := [f"+{name}" for name in controllers if name not in given]:
        file.write_text(" ".join(missing))


def _set_all(folder: Path, files: Mapping[str, str]) -> None:
    """Write the limits that differ.

    With v1 the limit of memory may never be above that of memory and swap. So we write both twice,
    as the first write may be refused. A kernel that does not count swap has no file for it.
    """
    there = {folder / name: text for name, text in files.items() if (folder / name).exists()}
    if not there:
        raise FileNotFoundError(2, "the kernel has no limits there", str(folder))
    wrong = {file: text for file, text in there.items() if file.read_text().strip() != text}
    for file, text in wrong.items():
        with contextlib.suppress(OSError):
            file.write_text(text)
    for file, text in wrong.items():
        if file.read_text().strip() != text:
            file.write_text(text)


@contextlib.contextmanager
def held(tree: CgroupTree, group: str, of_all: Budget, of_app: Budget) -> Iterator[None]:
    """Keep the group of an app's builds, with its limits, within the context.

    Raises GroupRefused. Blocks while another build removes the group.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_kept(tree, cgroup.BUILDS))
            tree.limit(cgroup.BUILDS, of_all)
            tree.weigh(cgroup.BUILDS)
            stack.enter_context(_kept(tree, group))
            tree.limit(group, of_app)
        except OSError as exc:
            raise GroupRefused(f"{exc.strerror} ({exc.filename or cgroup.BUILDS})") from exc
        yield


@contextlib.contextmanager
def _kept(tree: CgroupTree, group: str) -> Iterator[None]:
    """Keep a group within the context; remove it then if nobody else has it. Raises OSError."""
    lock = _lock(tree.folder(_NEEDED[0], group))
    try:
        yield
    finally:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tree.remove(group)
        os.close(lock)


def _lock(folder: Path) -> int:
    """Create a folder unless it exists, and return a lock that keeps it from being removed."""
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(lock).st_ino == folder.stat().st_ino:
                return lock
        os.close(lock)
