"""The sentences and tables about schedules."""

from typing import Any, cast

import pytest
from rich.table import Table

from cli.client.generated.records import FileTrouble, Mistake, Schedule, ScheduledTimes
from cli.schedules import schedule_tables as tables
from cli.schedules.schedule_sentences import describe_trouble, left, notes, source, what, when
from framework.http_api.schedules.schedule_models import Schedule as Answer
from tests.fakes.answers import SHA

[EXAMPLE] = cast(dict[str, Any], Answer.model_config.get("json_schema_extra"))["examples"]
NIGHT = {"at": 1764565200, "utc": "2025-12-01T05:00:00Z", "local": "2025-12-01T06:00:00+01:00"}
NOW = 1764565200.0 - 7300


def schedule(**changes: Any) -> Schedule:
    """Return a schedule as the API shows it."""
    known = {"next": [NIGHT], "skipped": [], "active": []}
    shown = Answer.model_validate({**EXAMPLE, **known, **changes})
    return cast(Schedule, shown.model_dump(mode="json"))


def cells(table: Table) -> list[list[str]]:
    """Return the texts of a table's rows."""
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cron": None, "every": 5400}, ("every 1 h 30 min", "report")),
        (
            {"job": None, "command": ["./clean", "x" * 60]},
            (when(schedule()), f"./clean {'x' * 31}…"),
        ),
        ({}, ("0 6 * * mon-fri in Europe/Berlin", "report")),
    ],
)
def test_a_schedule_says_what_and_when(changes: dict[str, Any], said: tuple[str, str]) -> None:
    one = schedule(**changes)
    assert (when(one), what(one)) == said


def test_it_says_where_it_comes_from() -> None:
    assert source(schedule(by="ci")) == "ci"
    assert source(schedule(by="ci", from_file=True)) == "the .prevs.toml of the default branch"


def test_what_is_wrong_with_a_file_names_the_commit_and_each_line() -> None:
    mistakes: list[Mistake] = [{"line": 3, "message": "no such zone"}]
    trouble = FileTrouble(label="main", commit=SHA, why="It has a mistake.", mistakes=mistakes)
    said = "The .prevs.toml at main (de6b329): It has a mistake. line 3: no such zone"
    assert describe_trouble(trouble) == said


def test_notes_have_why_nothing_comes_what_is_active_and_a_last_time_that_made_no_job() -> None:
    job = {"id": "a" * 16, "state": "running", "nominal": None, "url": "/x"}
    old, new = {"at": 100, "why": "Old."}, {"at": 200, "why": "Its job\x1b[2J had not ended."}
    assert notes(schedule(reason="It is paused.")) == "It is paused"
    away = "The repository does not answer."
    assert notes(schedule(hindrance=away)) == "The repository does not answer"
    assert notes(schedule(active=[job])) == "1 job has not ended"
    skipped = schedule(last=200.0, skipped=[new, old])
    assert notes(skipped) == "its last time made no job: Its job had not ended"
    assert notes(schedule(last=300.0, skipped=[new, old])) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "in 0 s"), (59, "in 59 s"), (60, "in 1 min"), (7300, "in 2 h"), (90_000, "in 1 d")],
)
def test_the_time_that_is_left_has_its_largest_unit(seconds: float, said: str) -> None:
    assert left(1000.0 + seconds, 1000.0) == said


def test_a_row_has_the_next_time_in_the_zone_of_the_schedule() -> None:
    [row] = cells(tables.schedules([schedule()], NOW))
    assert row[4:7] == ["Mon 2025-12-01 06:00", "in 2 h", "12"]
    [row] = cells(tables.schedules([schedule(next=[], reason="It is paused.")], NOW))
    assert row[4:6] == ["", ""]


def test_times_are_shown_in_the_zone_and_in_utc() -> None:
    found = cast(ScheduledTimes, {"zone": "Europe/Berlin", "times": [NIGHT], "reason": ""})
    table = tables.times(found, NOW)
    assert [str(column.header) for column in table.columns] == ["EUROPE/BERLIN", "UTC", ""]
    assert cells(table) == [["Mon 2025-12-01 06:00", "Mon 2025-12-01 05:00:00", "in 2 h"]]
    found["zone"] = "UTC"
    assert cells(tables.times(found, NOW)) == [["Mon 2025-12-01 05:00:00", "in 2 h"]]


def test_details_name_each_skipped_time_with_its_reason() -> None:
    one = schedule(skipped=[{"at": 200, "why": "Why one."}, {"at": 100, "why": "Why two."}])
    rows = dict.fromkeys(value for _, value in cells(tables.details(one, NOW)))
    assert [value.split(": ", 1)[1] for value in rows if "Why" in value] == ["Why one.", "Why two."]
