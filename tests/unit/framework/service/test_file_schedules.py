"""The schedules in the .prevs.toml of an app's default branch, in a service over fakes."""

import dataclasses
from typing import Any

import pytest

from framework import events
from framework.apps.manifest import Manifest
from framework.errors import RepositoryUnreachable
from framework.jobs.errors import CommitSettingsInvalid
from framework.jobs.leads import Lead
from framework.ports import Heads
from framework.schedules.errors import ScheduleOfFile
from framework.schedules.file_schedules import FileTrouble
from prevs.job_settings import JobSettings
from prevs.records import Mistake
from prevs.schedules import Missed, Overlap, ScheduleRecord, ScheduleSettings
from tests.fakes.driven import A, B, C, Driven
from tests.fakes.mishaps import Fate

HOURLY = ScheduleSettings("0 * * * *", zone="Europe/Berlin", overlap=Overlap.QUEUE, spread=60.0)
EVERY = ScheduleSettings(every=600)
MINE = ScheduleRecord("hello", "report", "other", command=("true",), every=60, token="ci")


class Repository:
    """A driven framework with an app, and what its default branch says."""

    def __init__(self, driven: Driven) -> None:
        self.driven = driven

    def push(self, sha: str, *, label: str = "main", **schedules: ScheduleSettings | None) -> None:
        """Move the default branch to a commit, with a job for each schedule."""
        jobs = {name: JobSettings(("x",), schedule=one) for name, one in schedules.items()}
        lead = Lead(sha, sha, (f"heads/{label}",), Manifest(jobs=jobs))
        self.driven.manifests.leads[sha] = lead
        self.fetch(sha, label=label)

    def break_file(self, sha: str) -> None:
        """Move it to a commit whose file has a mistake."""
        mistake = Mistake(3, "jobs.a.schedule never comes")
        error = CommitSettingsInvalid("hello", sha, "It has a mistake.", [mistake])
        self.driven.manifests.leads[sha] = error
        self.fetch(sha)

    def fetch(self, sha: str, *, label: str = "main") -> None:
        heads = Heads({label: sha, "other": A}, {sha: (f"heads/{label}",)}, label)
        self.driven.step(events.HeadsFetched("hello", heads))

    def of(self, name: str) -> ScheduleRecord | None:
        return self.driven.service.snapshot.schedules.get(("hello", name))

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.driven.service.snapshot.list_schedules("hello")]

    @property
    def trouble(self) -> FileTrouble | None:
        return self.driven.service.snapshot.file_troubles.get("hello")

    def command(self, name: str, *arguments: Any, **fields: Any) -> Any:
        return getattr(self.driven.schedule_commands, name)("hello", *arguments, **fields)

    def put(self, written: ScheduleRecord) -> ScheduleRecord:
        return self.driven.call(lambda: self.driven.service.schedule_commands.put(written))


@pytest.fixture
def repository(driven: Driven) -> Repository:
    return Repository(driven)


def test_the_schedules_of_the_default_branch_hold(repository: Repository) -> None:
    repository.push(A, report=HOURLY, clean=EVERY, by_hand=None)
    assert repository.names == ["clean", "report"]
    report = repository.of("report")
    assert report is not None
    assert (report.label, report.job, report.cron) == ("main", "report", "0 * * * *")
    assert (report.zone, report.overlap.value, report.spread) == ("Europe/Berlin", "queue", 60.0)
    assert (report.from_file, report.token) == (True, "")


def test_a_head_that_stays_is_read_once(repository: Repository) -> None:
    repository.push(A, report=HOURLY)
    repository.fetch(A)
    assert repository.driven.manifests.labels == [A]
    # Its app's bounds are other ones now.
    repository.driven.commands.change_app("hello", {"max_mem": 4096})
    repository.fetch(A)
    assert repository.driven.manifests.labels == [A, A]


def test_what_a_later_commit_changes_follows_and_what_it_leaves_alone_goes_on(
    repository: Repository,
) -> None:
    repository.push(A, report=HOURLY, clean=EVERY, gone=EVERY)
    before = repository.of("clean")
    repository.command("pause", "report")
    repository.driven.tick(30.0)
    repository.push(B, report=dataclasses.replace(HOURLY, missed=Missed.ALL), clean=EVERY)
    assert repository.names == ["clean", "report"]
    assert repository.of("clean") == before
    report = repository.of("report")
    assert report is not None
    assert (report.missed.value, report.paused) == ("all", True)
    repository.push(C, label="trunk", clean=EVERY)
    clean = repository.of("clean")
    assert clean is not None
    assert clean.label == "trunk"


def test_a_mistake_leaves_the_earlier_schedules_and_is_shown(repository: Repository) -> None:
    repository.push(A, report=HOURLY)
    repository.break_file(B)
    assert repository.names == ["report"]
    assert repository.trouble is not None
    assert (repository.trouble.label, repository.trouble.sha) == ("main", B)
    assert [one.line for one in repository.trouble.mistakes] == [3]
    assert "schedules of an earlier commit hold" in repository.trouble.why
    repository.push(C, report=HOURLY, clean=dataclasses.replace(EVERY, zone="Berlin"))
    assert repository.names == ["report"]
    assert repository.trouble.why.startswith("[jobs.clean] zone is not the name")
    repository.push(A, report=HOURLY)
    assert repository.trouble is None


def test_one_that_was_made_by_hand_holds_until_it_is_removed(repository: Repository) -> None:
    mine = repository.put(MINE)
    repository.push(A, report=HOURLY, clean=EVERY)
    assert repository.of("report") == mine
    assert repository.of("clean") is not None
    assert repository.trouble is not None
    assert "prevs schedule rm hello report" in repository.trouble.why
    repository.command("remove", "report")
    repository.fetch(A)
    report = repository.of("report")
    assert report is not None
    assert report.from_file
    assert repository.trouble is None


def test_one_of_the_file_is_changed_there_alone(repository: Repository) -> None:
    repository.push(A, report=HOURLY)
    with pytest.raises(ScheduleOfFile, match="prevs schedule pause hello report"):
        repository.put(MINE)
    with pytest.raises(ScheduleOfFile):
        repository.command("remove", "report")
    repository.push(B)
    assert repository.put(MINE).token == "ci"


def test_what_cannot_be_read_changes_nothing_and_is_read_again(repository: Repository) -> None:
    repository.push(A, report=HOURLY)
    away = RepositoryUnreachable("hello", "/srv/hello", "no such file")
    repository.driven.manifests.leads[B] = away
    repository.fetch(B)
    assert repository.names == ["report"]
    assert repository.trouble is None
    repository.push(B, clean=EVERY)
    assert repository.names == ["clean"]


def test_a_write_without_an_answer_is_decided_again(repository: Repository) -> None:
    repository.driven.mishaps.plan([Fate.LOST])
    repository.push(A, report=HOURLY)
    assert repository.names == []
    repository.fetch(A)
    assert repository.names == ["report"]


def test_a_commit_that_is_no_head_of_a_default_branch_changes_nothing(
    repository: Repository,
) -> None:
    repository.push(A, report=HOURLY)
    repository.driven.step(events.HeadsFetched("hello", Heads({"other": B})))
    repository.driven.step(events.HeadsFetched("hello", Heads({"main": None}, {}, "main")))
    repository.driven.step(events.HeadsFetched("gone", Heads({"main": B}, {}, "main")))
    assert repository.names == ["report"]
    assert repository.driven.manifests.labels == [A]


def test_an_app_that_is_removed_takes_its_schedules_with_it(repository: Repository) -> None:
    repository.push(A, report=HOURLY)
    repository.break_file(B)
    repository.driven.commands.remove_app("hello")
    repository.driven.step(events.MirrorRemoved("hello"))
    assert not repository.driven.znodes.jobs
    assert repository.trouble is None
    repository.driven.add_app()
    assert repository.names == []
    repository.push(B, report=HOURLY)
    assert repository.names == ["report"]
