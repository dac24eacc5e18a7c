"""The supervisor with parts that a test plays; real parts are in tests/e2e and tests/faults."""

import dataclasses
import fcntl
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cluster.launch import supervisor_pid
from local.cluster.supervisor import Supervisor, only_one
from local.errors import LocalError
from local.settings import Settings, prepare


@dataclasses.dataclass
class PlayedPart:
    """A part that is ready as `answers` says; `looked` is called at each look at its problem."""

    answers: Callable[[], bool]
    looked: Callable[[], None] = lambda: None
    name: str = "played"
    needs: tuple[str, ...] = ()
    advice: str = "Mend it."
    address: str = ""
    pid: int | None = None
    calls: list[str] = dataclasses.field(default_factory=list)

    def start(self) -> None:
        self.calls.append("start")

    def ready(self) -> bool:
        return self.answers()

    def problem(self) -> str | None:
        self.looked()
        return None

    def last_words(self) -> str:
        return ""

    def give_up(self) -> None:
        self.calls.append("give up")

    def stop(self) -> None:
        self.calls.append("stop")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return prepare(tmp_path, {})


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_part_that_finds_out_later_that_it_cannot_start_has_failed(settings: Settings) -> None:
    def fail() -> bool:
        raise LocalError("dockerd", "not installed", "Install it.")

    part = PlayedPart(fail)
    assert Supervisor(settings, [part]).run() == 1
    assert part.calls == ["start", "give up", "stop"]
    assert "not installed" in settings.progress_file.read_text()


def test_each_part_is_reported_when_it_begins_and_when_it_ends(settings: Settings) -> None:
    answers = iter([False, True])
    part = PlayedPart(lambda: next(answers), lambda: None)

    def end_when_up() -> None:
        if '"up"' in settings.progress_file.read_text():
            signal.raise_signal(signal.SIGTERM)

    part.looked = end_when_up
    assert Supervisor(settings, [part]).run() == 0
    steps = [json.loads(line) for line in settings.progress_file.read_text().splitlines()]
    assert [(one["name"], one["state"]) for one in steps] == [
        ("played", "starting"),
        ("played", "ready"),
        ("cluster", "up"),
        ("played", "stopping"),
        ("played", "stopped"),
        ("cluster", "down"),
    ]


def test_the_status_says_whether_all_were_up_and_whether_it_stops(settings: Settings) -> None:
    seen = []

    def end_when_up() -> None:
        status = json.loads(settings.status_file.read_text())
        seen.append((status["up"], status["was_up"], status["stopping"]))
        if status["was_up"]:
            signal.raise_signal(signal.SIGTERM)

    part = PlayedPart(lambda: True, end_when_up)
    assert Supervisor(settings, [part]).run() == 0
    assert seen[0] == (False, False, False)
    assert seen[-1] == (True, True, False)
    status = json.loads(settings.status_file.read_text())
    assert (status["up"], status["was_up"], status["stopping"]) == (False, True, True)


def test_a_part_without_progress_is_reported_with_its_log_and_not_with_its_port(
    settings: Settings,
) -> None:
    clock = itertools.count(0.0, 5.0)
    part = PlayedPart(lambda: False, advice="Its port can be chosen.")
    settings.log("played").touch()
    assert Supervisor(settings, [part], lambda: next(clock)).run() == 1
    steps = [json.loads(line) for line in settings.progress_file.read_text().splitlines()]
    assert [one["state"] for one in steps if one["name"] == "played"][:3] == [
        "starting",
        "slow",
        "failed",
    ]
    failure = next(one for one in steps if one["state"] == "failed")
    assert str(settings.log("played")) in failure["advice"]
    assert "port" not in failure["advice"]


def test_the_log_that_is_named_exists(settings: Settings) -> None:
    clock = itertools.count(0.0, 5.0)
    assert Supervisor(settings, [PlayedPart(lambda: False)], lambda: next(clock)).run() == 1
    assert not settings.log("played").exists()
    failure = settings.progress_file.read_text()
    assert (str(settings.log("played")) in failure, str(settings.log("supervisor")) in failure) == (
        False,
        True,
    )


def test_a_status_that_cannot_be_written_stops_no_part(settings: Settings) -> None:
    settings.status_file.mkdir()
    settings.progress_file.mkdir()
    looks = 0

    def end_soon() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            signal.raise_signal(signal.SIGTERM)

    part = PlayedPart(lambda: True, end_soon)
    assert Supervisor(settings, [part]).run() == 0
    assert part.calls == ["start", "stop"]


def test_a_check_for_a_supervisor_does_not_keep_one_from_starting(settings: Settings) -> None:
    look = settings.lock_file.open("a+")
    fcntl.flock(look, fcntl.LOCK_SH)
    threading.Timer(0.05, look.close).start()
    with only_one(settings):
        assert look.closed


def test_two_checks_at_once_do_not_take_each_other_for_a_supervisor(settings: Settings) -> None:
    settings.lock_file.write_text("4711")  # the last one's pid
    with settings.lock_file.open("r+") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        assert supervisor_pid(settings) is None


def test_a_running_supervisor_is_known_by_its_pid(settings: Settings) -> None:
    with only_one(settings):
        assert supervisor_pid(settings) == os.getpid()


def test_a_second_supervisor_is_refused(settings: Settings) -> None:
    with only_one(settings), pytest.raises(LocalError, match="already runs"), only_one(settings):
        pass
