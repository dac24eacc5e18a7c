"""A copy of a process that has imported a program is like a new process that runs it."""

import functools
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import copies
from tests.waits import describe_end, wait_until

SHOWN = "tests.fakes.shown_process"


def start(folder: Path, ends: str) -> tuple[copies.Copy, Path]:
    """Start a copy in a folder; return it, and its output."""
    output = folder / "output"
    with output.open("ab") as file:
        return copies.start(SHOWN, environ(ends), folder, file.fileno()), output


def environ(ends: str) -> dict[str, str]:
    return {"PYTHONPATH": str(copies.ROOT), "ENDS": ends, "LC_CTYPE": "C.UTF-8"}


def test_a_copy_is_like_a_new_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", SHOWN]
    new = subprocess.run(
        command, env=environ("3"), cwd=tmp_path, capture_output=True, check=False, text=True
    )
    copy, output = start(tmp_path, "3")
    assert copy.wait(60) == new.returncode == 3
    assert json.loads(output.read_text()) == json.loads(new.stdout)
    assert (copy.poll(), copy.returncode) == (3, 3)


def test_a_copy_is_ended_while_another_thread_waits_for_that(tmp_path: Path) -> None:
    copy, output = start(tmp_path, "by a signal")
    over = functools.partial(describe_end, copy, output)
    wait_until(lambda: output.read_text().endswith("\n"), over=over)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(copy.wait, 60)
        wait_until(ended.running)
        copy.kill()
        assert ended.result(30) == -signal.SIGKILL


def test_a_copy_ends_by_a_signal_and_a_wait_for_it_in_time(tmp_path: Path) -> None:
    copy, output = start(tmp_path, "by a signal")
    over = functools.partial(describe_end, copy, output)
    wait_until(lambda: output.read_text().endswith("\n"), over=over)
    with pytest.raises(subprocess.TimeoutExpired):
        copy.wait(0.05)
    assert copy.poll() is None
    copy.terminate()
    assert copy.wait(60) == -15
    with pytest.raises(ProcessLookupError):
        os.kill(copy.pid, 0)
    copy.kill()  # of what has ended does nothing


def test_copies_run_at_the_same_time_and_each_has_its_own_end(tmp_path: Path) -> None:
    started = []
    for ends in ("by a signal", "0", "7"):
        folder = tmp_path / ends
        folder.mkdir()
        started.append(start(folder, ends)[0])
    assert [copy.wait(60) for copy in started[1:]] == [0, 7]
    assert started[0].poll() is None
    started[0].kill()
    assert started[0].wait(60) == -9
