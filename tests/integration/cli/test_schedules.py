"""`prevs schedule`, against an API on a real socket."""

import dataclasses
import datetime
import json

import pytest
from click.shell_completion import ShellComplete

from cli.__main__ import prevs
from cli.command_context import CommandContext
from framework.schedules.file_schedules import FileTrouble
from prevs.schedules import SkippedTime
from tests.fakes.answers import SHA
from tests.fakes.jobs_api import JobsApi
from tests.integration.cli.command_runs import Done, Run

pytestmark = pytest.mark.integration

NOW = datetime.datetime(2026, 10, 23, 12, 0, tzinfo=datetime.UTC).timestamp()
NIGHTLY = ("--label", "main", "--job", "report", "--cron", "30 2 * * *", "--zone", "Europe/Berlin")
NIGHTS = [
    ["Sat", "2026-10-24", "02:30", "Sat", "2026-10-24", "00:30:00"],
    ["Sun", "2026-10-25", "02:30", "Sun", "2026-10-25", "00:30:00"],
    ["Mon", "2026-10-26", "02:30", "Mon", "2026-10-26", "01:30:00"],
]
"""In the second night Berlin has this hour twice."""


@pytest.fixture
def api() -> JobsApi:
    api = JobsApi()
    api.jobs.clock.seconds = NOW
    api.ports = api.ports._replace(now=api.jobs.clock.read)
    return api


def add(run: Run, name: str = "nightly") -> Done:
    return run("schedule", "add", "hello", name, *NIGHTLY)


def test_one_is_added_and_its_next_three_times_are_printed(api: JobsApi, run: Run) -> None:
    done = add(run)
    assert done.status == 0, done.err
    head, *rows = done.out.splitlines()
    assert head.split() == ["EUROPE/BERLIN", "UTC"]
    assert [row.split()[:6] for row in rows] == NIGHTS
    assert "nightly of hello makes report at main" in done.err
    assert "prevs schedule run hello nightly" in done.err
    order = {"label": "main", "job": "report", "cron": "30 2 * * *", "zone": "Europe/Berlin"}
    assert api.bodies == [order]


def test_every_setting_is_sent(api: JobsApi, run: Run) -> None:
    given = {
        "every": 3600,
        "zone": "Asia/Kolkata",
        "start_at": "2026-11-01T00:00",
        "end_at": "2026-12-01T00:00Z",
        "times": 5,
        "overlap": "replace",
        "missed": "none",
        "deadline": 60.0,
        "spread": 600.0,
    }
    options = [
        word for name, value in given.items() for word in (f"--{name}".replace("_", "-"), value)
    ]
    words = ("schedule", "add", "hello", "clean", *map(str, options), "--label", "main", "--json")
    done = run(*words, "--", "./clean", "--all")
    assert done.status == 0, done.err
    assert api.bodies == [{"label": "main", "command": ["./clean", "--all"], **given}]
    assert json.loads(done.out)["command"] == ["./clean", "--all"]


def test_what_is_wrong_is_told_by_field(api: JobsApi, run: Run) -> None:
    done = run("schedule", "add", "hello", "a", "--label", "main", "--job", "x", "--cron", "soon")
    assert done.status == 2
    assert "cron: must have 5 fields" in done.err
    done = run("schedule", "add", "hello", "a", "--label", "main", "--job", "reprot", "--every=60")
    assert done.status == 1
    assert "Did you mean report?" in done.err
    sent = len(api.bodies)
    for wrong in (
        "--label main --every 60",
        "--label main --every 60 --job x -- true",
        "--label main --job x",
        "--label main --job x --every 60 --cron 0",
        "--job x --every 60",
    ):
        assert run("schedule", "add", "hello", "a", *wrong.split()).status == 2, wrong
    for wrong in ("", "a --every 60", "--zone UTC"):
        assert run("schedule", "times", "hello", *wrong.split()).status == 2, wrong
    assert len(api.bodies) == sent


def test_they_are_listed_with_the_next_time_and_what_is_in_the_way(api: JobsApi, run: Run) -> None:
    none = run("schedule", "ls", "hello")
    assert (none.out, "hello has no schedules" in none.err) == ("", True)
    add(run)
    api.schedules.hindrances["hello", "nightly"] = "The repository does not answer."
    api.schedules.file_troubles["hello"] = FileTrouble("main", SHA, "It has a mistake.")
    listed = run("schedule", "ls", "hello")
    head, row = listed.out.splitlines()
    assert head.split() == ["NAME", "LABEL", "JOB", "WHEN", "NEXT", "MADE", "NOTES"]
    for text in ("30 2 * * * in Europe/Berlin", "Sat 2026-10-24 02:30", "repository does not"):
        assert text in row
    assert "The .prevs.toml at main (de6b329): It has a mistake." in listed.err
    assert json.loads(run("schedule", "ls", "hello", "--json").out)[0]["name"] == "nightly"


def test_one_is_shown_with_why_a_time_made_no_job(api: JobsApi, run: Run) -> None:
    add(run)
    record = api.schedules.snapshot.schedule("hello", "nightly")
    skipped = (SkippedTime(100, "Its job had not ended."),)
    api.schedules.save(dataclasses.replace(record, skipped=skipped, count=7, from_file=True))
    shown = run("schedule", "show", "hello", "nightly")
    for text in ("Its job had not ended.", "Sun 2026-10-25 02:30", "7", "of the default branch"):
        assert text in shown.out
    assert "prevs job ls hello --schedule nightly" in shown.err
    shown = run("schedule", "show", "hello", "nightly", "--json")
    assert json.loads(shown.out)["skipped"][0]["at"] == 100
    refused = run("schedule", "rm", "hello", "nightly")
    assert (refused.status, "Change it there" in refused.err) == (1, True)


def test_next_times_are_listed_for_one_that_is_there_or_not_yet(api: JobsApi, run: Run) -> None:
    add(run)
    known = run("schedule", "times", "hello", "nightly", "--count", "3").out
    assert [row.split()[:6] for row in known.splitlines()[1:]] == NIGHTS
    tried = ("schedule", "times", "hello", "--count", "3", *NIGHTLY[4:])
    assert run(*tried).out == known
    assert len(json.loads(run(*tried, "--json").out)["times"]) == 3
    run("schedule", "pause", "hello", "nightly")
    paused = run("schedule", "times", "hello", "nightly")
    assert (paused.out, "It is paused" in paused.err) == ("", True)
    changed = run("schedule", "add", "hello", "nightly", *NIGHTLY, "--overlap", "allow")
    assert (changed.status, changed.out, "It is paused" in changed.err) == (0, "", True)


def test_one_is_paused_resumed_and_removed(api: JobsApi, run: Run) -> None:
    add(run)
    assert "prevs schedule resume hello nightly" in run("schedule", "pause", "hello", "nightly").err
    assert api.schedules.snapshot.schedule("hello", "nightly").paused
    resumed = run("schedule", "resume", "hello", "nightly")
    assert "nightly of hello goes on" in resumed.err
    assert "Sat 2026-10-24 02:30" in resumed.out
    assert "makes no more jobs" in run("schedule", "rm", "hello", "nightly", "--yes").err
    gone = run("schedule", "show", "hello", "nightly")
    assert (gone.status, "prevs schedule ls hello" in gone.err) == (1, True)


def test_one_is_run_now_and_its_jobs_are_listed(api: JobsApi, run: Run) -> None:
    add(run)
    done = run("schedule", "run", "hello", "nightly")
    assert (done.status, done.out) == (0, f"{api.only}\n"), done.err
    assert f"prevs job logs hello {api.only} -f" in done.err
    assert len(api.keys) == 1
    run("job", "start", "hello", "main", "--job", "report")
    listed = json.loads(run("job", "ls", "hello", "--schedule", "nightly", "--json").out)
    assert [job["schedule"] for job in listed] == ["nightly"]
    assert "nightly" in run("job", "show", "hello", listed[0]["id"]).out
    assert "1 job has not ended" in run("schedule", "ls", "hello").out


def test_shells_complete_the_names_of_an_apps_schedules(
    api: JobsApi, environ: dict[str, str], run: Run
) -> None:
    add(run)
    add(run, "weekly")
    known = ShellComplete(prevs, {"obj": CommandContext(environ)}, "prevs", "_PREVS_COMPLETE")
    found = known.get_completions(["schedule", "show", "hello"], "")
    assert [one.value for one in found] == ["nightly", "weekly"]
