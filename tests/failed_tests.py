"""Writes down the tests that failed, for `make test-again`.

If PREVS_FAILED_TESTS names a file, a run adds a line for each test that failed, and `UNFINISHED` if
not every test has run: then it would prove too little to run those again.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.run_order import is_parallel

FILE = "PREVS_FAILED_TESTS"
UNFINISHED = "not every test has run"

_FILE = pytest.StashKey[str]()


def configure(config: pytest.Config) -> None:
    """Take the file's name out of the environment: a run that a test starts has no file."""
    config.stash[_FILE] = os.environ.pop(FILE, "")


def write(session: pytest.Session) -> None:
    """Write the file, at the end of a run."""
    file = session.config.stash[_FILE]
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if file and terminal is not None and not is_parallel(session.config):
        with Path(file).open("a") as out:
            for line in find_failed(terminal.stats, session.testscollected):
                out.write(f"{line}\n")


def find_failed(stats: Mapping[str, Sequence[Any]], collected: int) -> list[str]:
    """Return the ids of tests with failures or errors, each once, from the reports of a run."""
    ran = {report.nodeid for reports in stats.values() for report in _of_tests(reports)}
    broken = [
        report.nodeid for name in ("failed", "error") for report in _of_tests(stats.get(name))
    ]
    found = list(dict.fromkeys(without_group(test) for test in broken))
    return found if len(ran) >= collected else [*found, UNFINISHED]


def without_group(test: str) -> str:
    """Return a test's id without the group that pytest-xdist adds (scheduler/loadgroup.py)."""
    before, at, group = test.rpartition("@")
    return before if at and "]" not in group and "::" not in group else test


def _of_tests(reports: Sequence[Any] | None) -> list[Any]:
    return [
        one for one in reports or () if isinstance(one, (pytest.TestReport, pytest.CollectReport))
    ]
