"""In which order tests run, and which of them share a worker of pytest-xdist.

One process runs what is quick and needs nothing first: a mistake shows before services start.
Workers begin with what takes longest, so that none of them has a long file left at the end.
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
"""Fixtures of a whole cluster: those that ask for one share a worker, so there is one of them."""


def is_parallel(config: pytest.Config) -> bool:
    """Tell whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def sort(items: list[pytest.Item], tests: Path, *, parallel: bool) -> None:
    """Sort `items`, which are below `tests`; mark each with the group that its worker runs whole.

    A group is a file, or all that use one cluster.
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
