"""The order of tests, and which of them share a worker of pytest-xdist.

A single process begins with quick tests that need no services, so that mistakes show early. Workers
begin with the longest files, so that no worker has a long file left at the end. Those wait for much
of their time, and unit tests compute: most of these are run in between, so that no core is idle.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

_QUICK_FIRST = ("unit", "costs", "contract", "integration", "e2e", "faults")
_LONG_FIRST = (
    "faults",
    "e2e",
    "integration/docker",
    "integration/deploy",
    "integration/mesos",
    "integration/zookeeper",
    "integration/haproxy",
    "integration",
    "costs",
    "contract",
    "unit",
)
_BETWEEN = 3 / 4
"""The part of the files of unit tests that are run between others; the rest fills the end."""

_SHARED = {"system": 1, "cluster": 2}
"""The session's fixtures of a whole cluster, and how many workers have one of their own: the tests
of such a worker share it. With one instead of two, no run would be shorter than its tests."""


def is_parallel(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def sort(items: list[pytest.Item], tests: Path, *, parallel: bool) -> None:
    """Sort `items`, which are below `tests`; mark each with its group, which one worker runs.

    A group is a file, or all tests that share a cluster.
    """
    order = _LONG_FIRST if parallel else _QUICK_FIRST
    items.sort(key=lambda item: _rank(str(item.path.relative_to(tests)), order))
    if parallel:
        items[:] = _mix(items, tests / "unit")
    sharing: dict[str, dict[Path, int]] = {name: {} for name in _SHARED}
    for item in items:
        name = str(item.path.relative_to(tests).with_suffix(""))
        if shared := next((one for one in _SHARED if _is_shared(item, one)), None):
            files = sharing[shared]
            name = f"{shared}-{files.setdefault(item.path, len(files)) % _SHARED[shared] + 1}"
        item.add_marker(pytest.mark.xdist_group(name))


def _is_shared(item: pytest.Item, name: str) -> bool:
    """Return whether a test uses the fixture of the session, and not its file's of that name."""
    if not isinstance(item, pytest.Function):
        return False
    found = item._fixtureinfo.name2fixturedefs.get(name)
    return found is not None and bool(found) and found[-1].scope == "session"


def _mix(items: Sequence[pytest.Item], units: Path) -> Iterator[pytest.Item]:
    """Yield all items: behind each file some files of those below `units`, as many each time."""
    files = [list(of_file) for _, of_file in itertools.groupby(items, lambda item: item.path)]
    quick = [file for file in files if file[0].path.is_relative_to(units)]
    others = [file for file in files if not file[0].path.is_relative_to(units)]
    done = 0
    for number, file in enumerate(others, 1):
        yield from file
        until = int(len(quick) * _BETWEEN * number / len(others))
        yield from itertools.chain.from_iterable(quick[done:until])
        done = until
    yield from itertools.chain.from_iterable(quick[done:])


def _rank(path: str, order: Sequence[str]) -> int:
    return next(number for number, folder in enumerate(order) if path.startswith(f"{folder}/"))
