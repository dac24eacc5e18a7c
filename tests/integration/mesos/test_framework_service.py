"""The framework as a program: its API, its signals and its exit codes, on real services."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.program import OwnRoot, Program, make_repository
from tests.threads import other_thread
from tests.waits import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "hello")


@pytest.fixture
def program(own: OwnRoot) -> Program:
    return own.program()


def test_a_preview_of_the_api_runs_starts_again_and_follows_its_branch(
    program: Program, repository: Path
) -> None:
    program.run()
    program.add_app(repository)
    path = program.order()
    first = program.wait_state(path, "running")
    assert first["labels"] == ["main"]

    program.request("DELETE", path)
    program.wait_state(path, "stopped")
    program.order()
    again = program.wait_state(path, "running")
    assert again["agent"] == first["agent"]
    assert program.log.read_text().count("an agent fetches the executor") == 1

    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", *identity, "commit", "--allow-empty", "-m", "second"]
    subprocess.run(command, check=True, cwd=repository, capture_output=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], check=True, cwd=repository, capture_output=True, text=True
    ).stdout.strip()
    assert program.wait_state(f"/v1/previews/hello/{head}", "running")["labels"] == ["main"]
    assert program.wait_state(path, "running")["labels"] == []

    def metrics() -> str:
        return program.request("GET", "/metrics").text

    wait_until(lambda: 'prevs_previews{state="running"} 2.0' in metrics())
    assert "prevs_attempts_started_total 3.0" in metrics()
    assert program.request("DELETE", "/v1/apps/hello").status_code == 204
    assert program.end(signal.SIGINT) == 0


def test_a_signal_that_another_thread_gets_ends_it_too(program: Program) -> None:
    program.run()
    assert program.process is not None
    os.kill(other_thread(program.process.pid), signal.SIGTERM)
    assert program.process.wait(60) == 0


def test_every_wrong_setting_is_reported_at_once(program: Program) -> None:
    program.environ |= {"PREVS_MASTER": "nowhere", "PREVS_PUBLIC_PORT": "eighty"}
    del program.environ["PREVS_DIR"]
    program.start()
    assert program.process is not None
    assert program.process.wait(60) == 2
    log = program.log.read_text()
    for variable in ("PREVS_MASTER", "PREVS_PUBLIC_PORT", "PREVS_DIR"):
        assert variable in log


def test_a_taken_port_ends_it_with_the_reason(program: Program, zookeeper: str) -> None:
    program.environ["PREVS_LISTEN"] = zookeeper
    program.start()
    assert program.process is not None
    assert program.process.wait(60) == 2
    assert "PREVS_LISTEN" in program.log.read_text()


def test_an_executor_that_cannot_be_fetched_is_reported_with_advice(
    program: Program, repository: Path, free_port: Callable[[], int]
) -> None:
    program.environ["PREVS_ADVERTISE"] = f"http://127.0.0.1:{free_port()}"
    program.run()
    program.add_app(repository)
    reason = program.wait_reason(program.order(), "could not fetch the executor")
    assert "PREVS_ADVERTISE" in reason
