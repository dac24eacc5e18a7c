"""Measures what the steps of a build write to the agent's disk.

No builder has a limit for it. A step's layer is the one that overlay2 has mounted as the root of
its processes, so their mountinfo names it, and the layers and caches beside it. Needs the executor
as root, and Docker's driver overlay2.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from executor.container.disk_watch import may_look, size
from executor.limits import disk_usage
from executor.limits.disk_schedule import MB, DiskSchedule
from executor.limits.disk_usage import DiskUsage
from executor.workspace.build_marks import is_marked

_PULLED = 64
"""The length of the names of layers that Docker has pulled: those of steps are shorter."""

_ANY = 2**62
"""A limit that nothing reaches."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


class Layers(NamedTuple):
    """Folders of a step: the layer that it writes, its caches, and the layers below."""

    written: str
    caches: Sequence[str]
    below: Sequence[str]


def read_layers(mounts: str) -> Optional[Layers]:
    """Return the folders of a step by its process's mountinfo, None if it has no such root."""
    roots, binds = [], []
    for line in mounts.splitlines():
        fields, _, system = line.partition(" - ")
        root, point = (_unescape(field) for field in fields.split()[3:5])
        kind, _, options = system.partition(" ")
        if point == "/" and kind == "overlay":
            roots.append(dict(one.partition("=")[::2] for one in _unescape(options).split(",")))
        elif root.endswith("/diff"):
            binds.append(root)
    written = roots[-1].get("upperdir", "") if roots else ""
    if not written:
        return None
    store = Path(written).parent.parent
    # The root of a bind is a path in its file system, which may be mounted below another folder.
    caches = [str(store / Path(root).parent.name / "diff") for root in binds]
    return Layers(written, caches, list(filter(None, roots[-1].get("lowerdir", "").split(":"))))


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 8)), text)


class BuildDisk:
    """What one build has written since `began`, a time of the clock; it may write `limit` MB.

    Its steps carry `mark`; with "" all steps count. takes() and check() run on two threads.
    """

    def __init__(self, limit: int, mark: str, began: float) -> None:
        self._limit = limit * MB
        self._mark = mark
        self._began = began
        self._layers: dict[str, Optional[int]] = {}
        self._sizes: dict[str, int] = {}
        self._store: Optional[Path] = None
        self._schedule: Optional[DiskSchedule] = None
        self.is_over = False

    def takes(self, process: Path, step: str) -> bool:
        """Return whether a process, by its folder in /proc, is of this build; note its layers.

        `step` is what BuildKit calls the step.
        """
        try:
            layers = read_layers((process / "mountinfo").read_text(errors="replace"))
        except (OSError, ValueError):
            return False
        if layers is None or not may_look(layers.written) or self._is_of_another(layers, step):
            return False
        self._layers.setdefault(layers.written, 0)
        for cache in layers.caches:
            self._layers.setdefault(cache, 0 if self._is_new(Path(cache)) else None)
        for link in layers.below:
            with contextlib.suppress(OSError):
                below = Path(link).resolve(strict=True)
                if len(below.parent.name) != _PULLED and self._is_new(below):
                    self._layers.setdefault(str(below), 0)
        self._store = Path(layers.written).parents[1]
        return True

    def _is_of_another(self, layers: Layers, step: str) -> bool:
        """Return whether BuildKit says that the step is another build's of the same app.

        A step may change its own environment, but not what BuildKit has asked runc for.
        """
        asked = Path(layers.written).parents[2] / "buildkit" / "executor" / step / "config.json"
        try:
            environment: list[str] = json.loads(asked.read_text())["process"]["env"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(self._mark) and not is_marked([one.encode() for one in environment], self._mark)

    def _is_new(self, layer: Path) -> bool:
        """Return whether a layer was made since the build began: Docker writes `link` only then."""
        with contextlib.suppress(OSError):
            return (layer.parent / "link").stat().st_mtime >= self._began
        return False

    def check(self, now: Callable[[], float] = time.monotonic) -> bool:
        """Return whether the build has written more than it may. Measures only when it is due."""
        if self._store is None or self.is_over:
            return self.is_over
        # What was written before the first look at the free space has not changed it since.
        is_first = self._schedule is None
        if self._schedule is None:
            self._schedule = DiskSchedule(self._limit, now())
        for cache in [name for name, before in self._layers.items() if before is None]:
            # What was in it before is another build's.
            self._layers[cache] = size(Path(cache), _ANY)
        found, began = _look(self._store), now()
        if self._schedule.is_due(found, began) or is_first:
            self.is_over = self.measure() > self._limit
            self._schedule.has_measured(found, began, now())
        return self.is_over

    def measure(self) -> int:
        """Return the bytes that it has written; stops once they are over the limit."""
        total = 0
        for layer, before in list(self._layers.items()):
            known = before or 0
            if Path(layer).exists():  # the classic builder moves what a step has written
                most = known + self._limit - total
                self._sizes[layer] = max(0, size(Path(layer), most) - known)
            total += self._sizes.get(layer, 0)
            if total > self._limit:
                break
        return total


def _look(store: Path) -> Optional[DiskUsage]:
    try:
        return disk_usage.measure(store)
    except OSError:
        return None
