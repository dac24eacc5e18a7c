"""The benches' command line, and that a bench leaves no process, however it ends.

Each is ended when it could leave the most: while a cluster starts, and while it works.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from local.parts import processes

pytestmark = [pytest.mark.integration, pytest.mark.night, pytest.mark.timeout(300)]

_ROOT = Path(__file__).parents[2]
_LIMIT = 120.0


def bench(name: str, *options: str, cwd: Path = _ROOT) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", f"bench.{name}", *options]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)


@pytest.fixture
def heard() -> Iterator[None]:
    """Make processes end at SIGINT, which background processes of a shell ignore, and SIGHUP.

    `nohup` has its command ignore the latter.
    """
    sigint = signal.signal(signal.SIGINT, signal.default_int_handler)
    sighup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, sigint)
    signal.signal(signal.SIGHUP, sighup)


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a bench whose files are all below `folder`, and end it in any case."""
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", f"bench.{name}", "--quick"],
            cwd=_ROOT,
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def working_below(folder: Path) -> Sequence[str]:
    """Return the commands of the processes that work in the folder, or have it as an argument."""
    found = {process.pid for process in processes.given(folder)}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.add(int(entry.name))
    commands = []
    for pid in sorted(found):
        with contextlib.suppress(OSError):
            if processes.identify(pid):
                commands.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode())
    return commands


def wait_for(process: "subprocess.Popen[bytes]", folder: Path, words: str) -> None:
    """Wait until the bench has a process whose command has these words."""
    while not any(words in command for command in working_below(folder)):
        assert process.poll() is None, (folder / "output").read_text()
        time.sleep(0.05)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("name", "moment", "number"),
    [
        ("scheduler", "mesos-local\0agent", signal.SIGTERM),
        ("scheduler", "prevs-executor.pyz", signal.SIGINT),
        ("start", "local.cluster.supervisor", signal.SIGTERM),
        ("start", "ZooKeeperServerMain", signal.SIGHUP),
    ],
)
def test_a_bench_that_is_ended_leaves_nothing(
    name: str, moment: str, number: signal.Signals, tmp_path: Path
) -> None:
    with running(name, tmp_path) as process:
        wait_for(process, tmp_path, moment)
        process.send_signal(number)
        assert process.wait(_LIMIT) == 128 + number, (tmp_path / "output").read_text()
    assert (
        f"The bench ended early: it was ended by {number.name}."
        in (tmp_path / "output").read_text()
    )
    assert working_below(tmp_path) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["output"]


def test_the_last_line_is_json_with_the_state_of_the_machine() -> None:
    done = bench("decision", "--quick")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["decision_ms_p50"] > 0
    assert set(found["machine"]) == {"busy", "load", "cores"}
    assert "Before the start, other programs use" in done.stderr


def test_a_bench_refuses_a_busy_machine_and_shows_what_to_do() -> None:
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        done = bench("decision")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert done.returncode == 1
    assert "run the bench with --anyway" in done.stderr
    assert done.stdout == ""


def test_an_impossible_measurement_is_reported_with_its_reason() -> None:
    done = bench("decision", "--quick", "--against", "no-such-commit")
    assert done.returncode == 1
    assert "The bench ended early: `git worktree add" in done.stderr
    assert "no-such-commit" in done.stderr


def git(folder: Path, *args: str) -> str:
    identity = ("-c", "user.name=prevs", "-c", "user.email=prevs@localhost")
    command = ["git", "-C", str(folder), *identity, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_another_commit_is_measured_by_the_same_bench(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--no-hardlinks", str(_ROOT), str(clone))
    for name in ("bench", "tests"):  # as they are here, committed or not
        shutil.rmtree(clone / name)
        shutil.copytree(_ROOT / name, clone / name)
    service = clone / "framework" / "service" / "service.py"
    text = service.read_text()
    service.write_text(
        f"{text}\nimport sys\n\nprint('That is the other commit.', file=sys.stderr)\n"
    )
    git(clone, "commit", "--quiet", "--all", "--message", "another")
    service.write_text(text)
    done = bench("decision", "--quick", "--against", "HEAD", cwd=clone)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("That is the other commit.") == 2
    here, there, times = map(json.loads, done.stdout.splitlines()[-3:])
    assert there["commit"] == "HEAD"
    for name, ratio in times["ratios"].items():
        assert ratio == round(here[name] / there[name], 3)
    assert set(times["ratios"]) == {"decision_ms_p50", "decision_ms_p99"}
    assert git(clone, "worktree", "list").count("\n") == 1
