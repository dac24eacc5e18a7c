"""The order of tests, and which of them share a worker of pytest-xdist.

A single process begins with quick tests that need no services, so that mistakes show early. Workers
begin with the longest files, so that no worker has a long file left at the end.
"""

from collections.abc import Sequence
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
_SHARED = ("system", "cluster")
"""Fixtures of a whole cluster: tests that use one share a worker, so that there is only one."""


def is_parallel(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def sort(items: list[pytest.Item], tests: Path, *, parallel: bool) -> None:
    """Sort `items`, which are below `tests`; mark each with its group, which one worker runs.

    A group is a file, or all tests that use one cluster.
    """
    order = _LONG_FIRST if parallel else _QUICK_FIRST
    items.sort(key=lambda item: _rank(str(item.path.relative_to(tests)), order))
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        group = next((name for name in _SHARED if name in fixtures), None)
        name = group or str(item.path.relative_to(tests).with_suffix(""))
        item.add_marker(pytest.mark.xdist_group(name))


def _rank(path: str, order: Sequence[str]) -> int:
    return next(number for number, folder in enumerate(order) if path.startswith(f"{folder}/"))
