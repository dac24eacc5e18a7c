"""Schedules of IronWorker's clients as schedules of jobs."""

import time
from typing import Any

import pytest

from framework.access import Scope
from framework.jobs.conventions import IRONWORKER
from framework.state.jobs import sealed_payloads
from prevs.schedules import Overlap, ScheduleRecord
from tests.fakes.apis import IronApi
from tests.unit.framework.http_api.ironworker.conftest import refusal


def schedule(api: IronApi, **fields: Any) -> ScheduleRecord:
    """Return a new schedule."""
    api.jobs.clock.seconds = time.time()
    order = {"schedules": [{"code_name": "report", "run_every": 3600, **fields}]}
    answer = api.ask("POST", "/schedules", json=order)
    assert answer.status_code == 200, answer.text
    assert answer.json()["msg"] == "Scheduled"
    name = answer.json()["schedules"][0]["id"]
    return api.schedules.snapshot.schedule("hello", name)


def test_a_schedule_is_one_of_a_job_of_the_main_branch(api: IronApi) -> None:
    start, end = "2033-05-18T05:33:20+02:00", "2033-06-18T00:00:00Z"
    made = schedule(
        api, payload="{}", start_at=start, end_at=end, run_times=5, priority=0, timeout=3600
    )
    assert (made.job, made.label, made.every, made.times) == ("report", "main", 3600, 5)
    assert (made.start_at, made.overlap, made.convention) == (
        2_000_000_000,
        Overlap.ALLOW,
        IRONWORKER,
    )
    assert made.token == "a-use"
    shown = api.ask("GET", f"/schedules/{made.name}", Scope.READ).json()
    assert (shown["status"], shown["code_name"], shown["run_count"]) == ("scheduled", "report", 0)
    assert (shown["next_start"], shown["end_at"]) == (
        "2033-05-18T03:33:20.000Z",
        "2033-06-18T00:00:00.000Z",
    )
    assert api.ask("GET", "/schedules", Scope.READ).json()["schedules"] == [shown]
    cancelled = api.ask("POST", f"/schedules/{made.name}/cancel", json={})
    assert cancelled.json() == {"msg": "Cancelled"}
    assert refusal(api.ask("GET", f"/schedules/{made.name}"))[0] == 404
    assert [(who, action, outcome) for who, action, _, outcome in api.notes()] == [
        ("a-use", "write schedule", 200),
        ("a-use", "remove schedule", 200),
    ]


def test_one_with_a_command_is_cancelled_by_admins_alone(api: IronApi) -> None:
    written = ScheduleRecord("hello", "clean", "main", command=("./clean",), every=3600)
    api.schedules.command(lambda commands: commands.put(written))
    assert refusal(api.ask("POST", "/schedules/clean/cancel", json={}))[0] == 403
    assert api.ask("GET", "/schedules/clean").json()["status"] == "scheduled"
    assert api.ask("POST", "/schedules/clean/cancel", Scope.ADMIN, json={}).status_code == 200


def test_without_an_interval_it_runs_once_and_without_a_beginning_soon(api: IronApi) -> None:
    made = schedule(api, run_every=None, delay=60)
    assert made.times == 1
    assert made.start_at is not None
    shown = api.ask("GET", f"/schedules/{made.name}").json()
    assert shown["next_start"] == shown["start_at"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"priority": 2}, "[jobs.report]"),
        ({"timeout": 60}, "[jobs.report]"),
        ({"run_every": 59}, "run_every"),
        ({"start_at": "2033-05-18T03:33:20"}, "start_at"),
        ({"start_at": "2033-05-18T03:33:20Z", "end_at": "2032-05-18T03:33:20Z"}, "end_at"),
    ],
)
def test_what_a_schedule_cannot_have_is_refused(
    api: IronApi, fields: dict[str, Any], word: str
) -> None:
    order = {"schedules": [{"code_name": "report", "run_every": 3600, **fields}]}
    status, text = refusal(api.ask("POST", "/schedules", json=order))
    assert (status, word in text) == (400, True), text
    assert api.schedules.snapshot.list_schedules("hello") == []


def test_a_payload_is_kept_sealed_and_never_shown(api: IronApi) -> None:
    made = schedule(api, payload='{"secret": "hunter2"}')
    assert made.sealed
    assert "hunter2" not in made.sealed + str(made)
    assert sealed_payloads.open_schedule(api.jobs.vault, made) == b'{"secret": "hunter2"}'
    for answer in (api.ask("GET", "/schedules"), api.call("GET", "/v1/apps/hello/schedules")):
        assert "sealed" not in answer.text


def test_a_schedule_of_no_job_is_refused(api: IronApi) -> None:
    order = {"schedules": [{"code_name": "nobody", "run_every": 3600}]}
    assert refusal(api.ask("POST", "/schedules", json=order))[0] == 404
    assert refusal(api.ask("POST", "/schedules", Scope.READ, json=order))[0] == 403
