"""Importing the driver has no side effects. Each import is in a new Python."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
CHECK_SIGNAL = """
assert signal.getsignal(signal.SIGINT) is before, signal.getsignal(signal.SIGINT)
"""


def run(program: str) -> None:
    """Run a program in a new Python; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-c", f"import logging, signal, sys, threading\n{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("before", ["signal.default_int_handler", "signal.SIG_IGN", "print"])
def test_the_handler_of_sigint_stays_what_it_was_p9(before: str) -> None:
    """P9: pymesos puts its own in its place."""
    run(
        f"before = {before}\nsignal.signal(signal.SIGINT, before)\n"
        f"import driver.scheduler, driver.executor\n{CHECK_SIGNAL}"
    )


def test_it_can_be_imported_outside_the_main_thread_p9() -> None:
    """P9: pymesos cannot."""
    run(
        "done = []\n"
        "def work():\n    import driver.scheduler\n    done.append(driver)\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()\n"
        "assert done\n"
    )


def test_the_handler_of_sigint_is_given_back_if_pymesos_was_there_before_p9() -> None:
    """P9: regardless of who imported it first."""
    run(
        "before = signal.getsignal(signal.SIGINT)\nimport pymesos\n"
        f"assert signal.getsignal(signal.SIGINT) is not before\n"
        f"import driver.scheduler\n{CHECK_SIGNAL}"
    )


def test_signals_can_be_handled_as_ever_after_the_import_p9() -> None:
    """P9: the stand-in for signal.signal is gone."""
    run(
        "original = signal.signal\nimport driver.scheduler\nassert signal.signal is original\n"
        "signal.signal(signal.SIGTERM, print)\nassert signal.getsignal(signal.SIGTERM) is print\n"
    )


@pytest.mark.parametrize("first", ["", "import pymesos\n"])
def test_no_log_handler_and_no_level_is_left_p25(first: str) -> None:
    """P25: pymesos writes every line twice otherwise."""
    run(
        f"{first}import driver.scheduler\nlogger = logging.getLogger('pymesos')\n"
        "assert not logger.handlers, logger.handlers\nassert logger.level == logging.NOTSET\n"
        "assert not logging.getLogger().handlers\n"
    )
