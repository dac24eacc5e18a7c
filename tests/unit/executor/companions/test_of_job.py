"""executor/companions/of_job.py: jobs with companions of their own, or beside a preview."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from executor.attempt.attempt import STRANGER, Attempt
from executor.attempt.course import Use
from executor.attempt.work import Work
from executor.companions.companion_errors import CompanionFailed, PreviewStopped
from executor.companions.of_job import ContainersBeside
from executor.companions.wiring import add_own_companions
from executor.job_errors import CommandExited
from executor.ports import Exit, Finished
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.states import Phase
from prevs.work import Work as Ordered
from tests.fakes.containers import App
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.companions.world import CACHE, DB, CompanionWorld

DONE = Exit(0, out_of_memory=False)
WORK = Ordered("k3j9x0q2ab", ("migrate",), timeout=60.0)
PREVIEW = f"{ATTEMPT.task_id}-of-the-preview"


class JobWorld(CompanionWorld):
    """An agent in memory, with a job of a commit that has a database and a cache."""

    def __init__(self, folder: Path, app: App, work: Ordered = WORK) -> None:
        super().__init__(folder, DB, CACHE, apps={"migrate": app, "seed": App(exits=DONE)})
        self.settings = RunSettings(companions=(DB, CACHE), hooks=(("seed",),))
        self.work = work
        order = dataclasses.replace(ATTEMPT.order, host_port=0, work=work)
        self.attempt = ATTEMPT._replace(order=order)
        self.previews = {names.container_name(PREVIEW), names.container_name(PREVIEW, "db")}
        self.labels: Mapping[str, str] = {}

    def runs(self, container: str, labels: Mapping[str, str]) -> bool:
        self.labels = labels
        return container in self.previews

    def _use(self, attempt: Attempt) -> Use:
        work = Work(
            attempt,
            self.work,
            containers=self.containers,
            reports=self.reports,
            log=self.log,
            signals=self.signals,
            now=self.signals.now,
            artifacts=self.folder,
        )
        if not self.work.beside:
            return add_own_companions(work, self._edges())
        beside = ContainersBeside(attempt, self.work.beside, self.containers, self, self.log)
        return work._replace(containers=beside)


def beside(folder: Path, app: App) -> JobWorld:
    return JobWorld(folder, app, dataclasses.replace(WORK, beside=PREVIEW))


def test_its_own_companions_start_and_hooks_fill_them_and_all_end_with_it(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(exits=DONE))
    assert world.run() == Finished(b"")
    assert world.started() == ["db", "cache", "1", "app"]
    db, _, _, command = world.containers.specs
    assert (db.volumes, db.ports, command.joins) == ({}, (), db.name)
    assert command.command == ("migrate",)
    assert (command.environment["APP_KEY"], command.environment["PORT"]) == ("known", "8080")
    assert world.containers.running == {}
    # Only the report of the command itself, without a detail, says that it may have begun.
    assert world.reports.phases == [Phase.STARTING, Phase.RUNNING]


def test_a_job_ends_with_its_own_companion_and_says_which(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App())
    world.signals.plan(20.0, lambda: world.named("db").end(Exit(1, False)))
    error = world.run()
    assert isinstance(error, CompanionFailed)
    assert "The companion db exited with code 1, and the job ended with it." in str(error)
    assert world.containers.running == {}


def test_beside_a_preview_its_command_joins_that_ones_network_and_starts_nothing(
    tmp_path: Path,
) -> None:
    world = beside(tmp_path, App(exits=DONE))
    assert world.run() == Finished(b"")
    (command,) = world.containers.specs
    assert command.joins == names.container_name(PREVIEW, "db")
    assert command.environment["PORT"] == "8080"
    assert "the preview of this commit runs: db, cache are that one's" in world.log.headers
    assert world.pulls.pulled == []
    # A container of another commit, or of one that is trusted otherwise, is none to join.
    assert world.labels["prevs.task"] == PREVIEW
    assert (world.labels["prevs.commit"], world.labels[STRANGER]) == (ATTEMPT.order.sha, "")


@pytest.mark.parametrize("gone", ["", "db"])
def test_a_preview_that_has_stopped_before_is_said(tmp_path: Path, gone: str) -> None:
    world = beside(tmp_path, App(exits=DONE))
    world.previews.remove(names.container_name(PREVIEW, gone))
    error = world.run()
    assert isinstance(error, PreviewStopped)
    assert "stopped before its command began" in str(error)
    assert world.containers.specs == []


def test_a_command_that_fails_as_its_preview_stops_is_not_blamed(tmp_path: Path) -> None:
    world = beside(tmp_path, App())

    def stop() -> None:
        world.previews.clear()
        world.container.end(Exit(1, False))

    world.signals.plan(20.0, stop)
    error = world.run()
    assert isinstance(error, PreviewStopped)
    assert "stopped while its command ran" in str(error)
    assert world.containers.running == {}


def test_a_command_that_fails_alone_is_blamed(tmp_path: Path) -> None:
    world = beside(tmp_path, App())
    world.signals.plan(20.0, lambda: world.container.end(Exit(3, False)))
    error = world.run()
    assert isinstance(error, CommandExited)
    assert error.exit_code == 3
