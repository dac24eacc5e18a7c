"""framework/logs/archiver.py: which logs are archived, and how long."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from framework.logs.archive import SIZE, LogArchive
from framework.logs.archiver import AWAY_SECONDS, MOST, NOTHING_SECONDS, LogArchiver
from framework.state.snapshot import Snapshot
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import EndedAttempt, PreviewRecord
from prevs.states import Cause, State
from prevs.units import preview_unit
from tests.fakes.sandboxes import FakeSandboxes


class World:
    """Failed attempts, an agent that has their logs, and an archiver."""

    def __init__(self, folder: Path) -> None:
        self.sandboxes = FakeSandboxes(piece_size=10**9)
        self.kept = LogArchive(folder / "logs")
        self.snapshot = Snapshot({}, {})
        self.keeping = self.another()

    def another(self) -> LogArchiver:
        return LogArchiver(self.sandboxes, self.kept, lambda: self.snapshot)

    def have(self, *states: State, agent: str = "S0") -> None:
        """Make a preview in each of some states; the task of the first one is t0."""
        self.snapshot = Snapshot(
            {},
            {
                preview_unit("hello", f"{n:040}"): PreviewRecord(
                    "hello", f"{n:040}", state, task_id=f"t{n}", agent_id=agent, changed=float(n)
                )
                for n, state in enumerate(states)
            },
        )

    def change(self, number: int = 0, **fields: Any) -> None:
        """Replace one of them in a new snapshot."""
        unit = preview_unit("hello", f"{number:040}")
        now = dataclasses.replace(self.snapshot.previews[unit], **fields)
        self.snapshot = Snapshot({}, {**self.snapshot.previews, unit: now})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_log_of_a_failed_preview_is_kept_until_it_is_retried(world: World) -> None:
    world.have(State.FAILED, State.STOPPED, State.RUNNING)
    world.sandboxes.output |= {"t0": b"no\n", "t1": b"yes\n", "t2": b"yes\n"}
    world.keeping.look(0.0)
    assert world.kept.tasks() == {"t0"}
    assert world.kept.read("t0", 0) == (b"no\n", 3)
    world.have(State.QUEUED)
    world.keeping.look(1.0)
    assert world.kept.tasks() == set()


def test_the_logs_of_the_last_attempts_are_kept_until_no_record_has_them(world: World) -> None:
    world.have(State.RUNNING)
    attempts = tuple(
        EndedAttempt(n, f"e{n}", 1.0, float(n), agent_id="S1", reached="running") for n in (1, 2)
    )
    world.change(attempts=attempts)
    world.sandboxes.output |= {"t0": b"now\n", "e1": b"one\n", "e2": b"two\n"}
    world.keeping.look(0.0)
    assert world.kept.tasks() == {"e1", "e2"}
    assert world.kept.read("e1", 0) == (b"one\n", 4)
    world.change(attempts=attempts[1:])
    world.keeping.look(1.0)
    assert world.kept.tasks() == {"e2"}
    world.have()
    world.keeping.look(2.0)
    assert world.kept.tasks() == set()


def test_many_ended_attempts_displace_no_log_of_a_failure(world: World) -> None:
    world.have(State.FAILED, State.STOPPED)
    attempts = tuple(EndedAttempt(n, f"e{n}", 1.0, 10.0 + n) for n in range(MOST + 1))
    world.change(1, attempts=attempts)
    world.sandboxes.output |= {"t0": b"no\n"} | {one.task_id: b"x\n" for one in attempts}
    world.keeping.look(0.0)
    assert world.kept.tasks() == {"t0"} | {one.task_id for one in attempts[1:]}


def test_only_the_end_is_kept(world: World) -> None:
    world.have(State.FAILED)
    world.sandboxes.output["t0"] = b"0123456789abcde\n" * 10_000
    world.keeping.look(0.0)
    data, after = world.kept.read("t0", 0)
    assert after == 160_000
    assert SIZE - 16 < len(data) <= SIZE + 40
    assert data.startswith(b"== what came before is gone ==\n0123")


def test_an_unreadable_log_is_tried_again_after_a_while(world: World) -> None:
    world.have(State.FAILED)
    world.sandboxes.output["t0"] = b"no\n"
    world.sandboxes.away = True
    world.keeping.look(0.0)
    world.sandboxes.away = False
    world.keeping.look(AWAY_SECONDS - 1.0)
    assert world.kept.tasks() == set()
    world.keeping.look(AWAY_SECONDS)
    assert world.kept.tasks() == {"t0"}


def test_an_agent_that_is_away_is_tried_once_for_all_its_logs(world: World) -> None:
    world.have(*[State.FAILED] * 5)
    world.sandboxes.away = True
    world.keeping.look(0.0)
    assert world.sandboxes.tails == 1


def test_a_missing_sandbox_is_seldom_looked_for(world: World) -> None:
    world.have(State.FAILED)
    world.keeping.look(0.0)
    world.keeping.look(NOTHING_SECONDS - 1.0)
    assert world.sandboxes.tails == 1
    world.keeping.look(NOTHING_SECONDS)
    assert world.sandboxes.tails == 2


def test_a_new_leader_fetches_missing_logs_and_drops_the_others(world: World) -> None:
    world.have(State.FAILED, State.FAILED)
    world.sandboxes.output |= {"t0": b"no\n", "t1": b"no\n"}
    world.keeping.look(0.0)
    world.kept.forget("t0")
    world.kept.keep("t9", b"of a preview that is gone\n", 30)
    before = world.sandboxes.tails
    world.another().look(0.0)
    assert world.kept.tasks() == {"t0", "t1"}
    assert world.sandboxes.tails == before + 1


def test_only_the_newest_of_very_many_are_kept(world: World) -> None:
    world.have(*[State.FAILED] * (MOST + 2))
    world.sandboxes.output |= {f"t{n}": b"no\n" for n in range(MOST + 2)}
    world.keeping.look(0.0)
    assert world.kept.tasks() == {f"t{n}" for n in range(2, MOST + 2)}


def test_nothing_is_read_while_nothing_changes(world: World) -> None:
    world.have(State.FAILED)
    world.sandboxes.output["t0"] = b"no\n"
    world.keeping.look(0.0)
    world.kept.forget("t0")
    world.keeping.look(1.0)
    assert world.kept.tasks() == set()


def test_the_logs_of_ended_attempts_of_jobs_are_kept_too(world: World) -> None:
    attempts = tuple(
        EndedAttempt(n, f"j{n}", 1.0, float(n), agent_id="S1", cause=Cause.APP_EXITED)
        for n in (1, 2)
    )
    job = JobRecord("hello", "a" * 16, "b" * 40, "main", JobSettings(("true",)))
    running = dataclasses.replace(
        job, state=JobState.RUNNING, tries=3, task_id="j3", attempts=attempts
    )
    world.snapshot = Snapshot({}, {}, jobs={("hello", job.id): running})
    world.sandboxes.output |= {f"j{n}": b"try %d\n" % n for n in (1, 2, 3)}
    world.keeping.look(0.0)
    assert world.kept.tasks() == {"j1", "j2"}
    assert world.kept.read("j2", 0) == (b"try 2\n", 6)
    world.snapshot = Snapshot({}, {})
    world.keeping.look(1.0)
    assert world.kept.tasks() == set()
