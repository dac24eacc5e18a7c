"""The calls about schedules: written, shown, paused, removed, run, and their next times."""

import dataclasses
from typing import Any

import pytest

from framework.access import Scope
from framework.errors import RepositoryUnreachable
from framework.jobs import ids
from framework.schedules.file_schedules import FileTrouble
from prevs.jobs import JobState
from prevs.records import Mistake
from prevs.schedules import SkippedTime
from tests.fakes.answers import SHA
from tests.fakes.apis import CLEAN, NIGHTLY, OCTOBER, SchedulesApi
from tests.fakes.asgi import problems, refusal

TWICE = [
    {"at": 1792801800, "utc": "2026-10-24T00:30:00Z", "local": "2026-10-24T02:30:00+02:00"},
    {"at": 1792888200, "utc": "2026-10-25T00:30:00Z", "local": "2026-10-25T02:30:00+02:00"},
    {"at": 1792978200, "utc": "2026-10-26T01:30:00Z", "local": "2026-10-26T02:30:00+01:00"},
]
"""The next times of NIGHTLY; in the second night Berlin has this hour twice."""


@pytest.fixture
def api() -> SchedulesApi:
    return SchedulesApi()


def find(api: SchedulesApi, name: str = "nightly") -> Any:
    answer = api.ask("GET", f"/{name}", Scope.READ)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_written_schedule_is_shown_with_its_next_times(api: SchedulesApi) -> None:
    answer = api.write(NIGHTLY)
    takes = {"cpus": 0.1, "mem": 128}
    assert (answer.status_code, answer.json()) == (201, find(api) | takes)
    shown = answer.json()
    assert NIGHTLY.items() <= shown.items()
    assert shown["next"] == TWICE
    assert (shown["command"], shown["every"], shown["by"]) == (None, None, "a-admin")
    assert (shown["count"], shown["skipped"], shown["active"]) == (0, [], [])
    assert api.notes()[-1] == ("a-admin", "write schedule", "hello/schedules/nightly", 201)
    assert api.write({**NIGHTLY, "overlap": "queue"}).status_code == 200
    assert find(api)["overlap"] == "queue"


def test_every_setting_is_stored(api: SchedulesApi) -> None:
    order = {
        **CLEAN,
        "zone": "Asia/Kolkata",
        "start_at": "2026-11-01T00:00",
        "end_at": "2026-11-01T02:00:00Z",
        "times": 2,
        "overlap": "replace",
        "missed": "none",
        "deadline": 60.0,
        "spread": 600.0,
    }
    shown = api.write(order, "clean").json()
    moments = {"start_at": 1793471400, "end_at": 1793498400}
    assert {**order, **moments}.items() <= shown.items()
    assert [time["local"] for time in shown["next"]] == [
        "2026-11-01T00:00:00+05:30",
        "2026-11-01T01:00:00+05:30",
    ]
    assert 0 < shown["delay"] < 600


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "0 25 * * *"}, "cron"),
        ({"zone": "Europe/Berlinn"}, "zone"),
        ({"every": 60}, "every"),
        ({"every": 0}, "every"),
        ({"command": ["x"]}, "command"),
        ({"start_at": "soon"}, "start_at"),
        ({"start_at": 1793471400}, "start_at"),
        ({"end_at": "2026-10-01T00:00"}, "end_at"),
        ({"overlap": "maybe"}, "overlap"),
        ({"missed": "some"}, "missed"),
        ({"times": -1}, "times"),
        ({"deadline": 31_622_401}, "deadline"),
        ({"spread": 3601}, "spread"),
        ({"cron": None, "every": 59}, "every"),
        ({"jitter": 3}, "jitter"),
        ({"job": None}, "job"),
    ],
)
def test_what_is_wrong_is_named(api: SchedulesApi, changes: dict[str, Any], field: str) -> None:
    answer = api.write({**NIGHTLY, **changes})
    assert refusal(answer) == (422, "invalid-settings")
    assert list(problems(answer)) == [field]
    assert refusal(api.ask("GET", "/nightly")) == (404, "unknown-schedule")


def test_a_label_or_a_job_that_is_not_there_is_told_at_once(api: SchedulesApi) -> None:
    assert refusal(api.write({**NIGHTLY, "label": "mane"})) == (404, "unknown-label")
    answer = api.write({**NIGHTLY, "job": "reprot"})
    assert refusal(answer) == (404, "unknown-job-name")
    assert answer.json()["known"] == ["import", "report"]
    away = RepositoryUnreachable("hello", "/srv/git/hello", "it is away")
    api.refs.leads["hello", "main"] = away
    assert refusal(api.write(NIGHTLY)) == (502, "repository-unreachable")


def test_who_may_use_an_app_schedules_its_jobs_and_no_command(api: SchedulesApi) -> None:
    assert refusal(api.write(NIGHTLY, scope=Scope.READ)) == (403, "forbidden")
    assert api.write(NIGHTLY, scope=Scope.USE).status_code == 201
    refused = api.write(CLEAN, "clean", Scope.USE)
    assert refusal(refused) == (403, "forbidden")
    assert (refused.json()["needed"], refused.json()["field"]) == ("admin", "command")
    assert api.write(CLEAN, "clean").status_code == 201
    # Neither replaces nor removes nor runs it, but may have it pause.
    assert refusal(api.write(NIGHTLY, "clean", Scope.USE)) == (403, "forbidden")
    for method, path in [("DELETE", "/clean"), ("POST", "/clean/run")]:
        assert refusal(api.ask(method, path, Scope.USE)) == (403, "forbidden")
    assert api.ask("PUT", "/clean/pause", Scope.USE).status_code == 200
    for name in ("nightly", "clean"):
        assert api.ask("POST", f"/{name}/run", Scope.ADMIN).status_code == 202
    assert api.ask("POST", "/nightly/run", Scope.USE).status_code == 202
    assert api.ask("DELETE", "/nightly", Scope.USE).status_code == 204


def test_a_paused_schedule_says_so_and_goes_on_later(api: SchedulesApi) -> None:
    api.write(NIGHTLY)
    paused = api.ask("PUT", "/nightly/pause").json()
    assert (paused["paused"], paused["next"]) == (True, [])
    assert "prevs schedule resume hello nightly" in paused["reason"]
    assert find(api) == paused
    api.jobs.clock.pass_seconds(86_400.0)
    resumed = api.ask("DELETE", "/nightly/pause").json()
    assert (resumed["paused"], resumed["reason"], resumed["next"][:2]) == (False, "", TWICE[1:])
    assert resumed["skipped"] == [{"at": TWICE[0]["at"], "why": "The schedule was paused."}]
    assert [note[1] for note in api.notes()[-2:]] == ["pause schedule", "resume schedule"]


def test_schedules_are_listed_by_name_with_what_is_in_their_way(api: SchedulesApi) -> None:
    for name in ("weekly", "daily"):
        api.write(NIGHTLY, name)
    listed = api.ask("GET", "", Scope.READ).json()
    assert [one["name"] for one in listed["schedules"]] == ["daily", "weekly"]
    assert listed["file_trouble"] is None
    api.schedules.hindrances["hello", "daily"] = "The repository does not answer."
    mistake = Mistake(3, "no such zone")
    api.schedules.file_troubles["hello"] = FileTrouble("main", SHA, "It has a mistake.", (mistake,))
    first = api.ask("GET").json()
    assert first["schedules"][0]["hindrance"] == "The repository does not answer."
    assert first["file_trouble"] == {
        "label": "main",
        "commit": SHA,
        "why": "It has a mistake.",
        "mistakes": [{"line": 3, "message": "no such zone"}],
    }


def test_the_last_times_that_made_no_job_are_shown_with_the_reason(api: SchedulesApi) -> None:
    api.write({**NIGHTLY, "times": 3})
    record = api.schedules.snapshot.schedule("hello", "nightly")
    skipped = (SkippedTime(100, "Why one."), SkippedTime(200, "Why two."))
    api.schedules.save(dataclasses.replace(record, skipped=skipped, count=2))
    shown = find(api)
    assert shown["skipped"] == [{"at": 200, "why": "Why two."}, {"at": 100, "why": "Why one."}]
    assert shown["next"] == TWICE[:1]  # of three jobs two are made
    api.schedules.save(dataclasses.replace(record, count=3))
    assert (find(api)["next"], find(api)["reason"]) == ([], "It has made all of its 3 jobs.")
    api.schedules.save(dataclasses.replace(record, end_at=int(OCTOBER)))
    assert find(api)["reason"] == "Its end has come."
    api.schedules.save(dataclasses.replace(record, zone="Mars/Olympus"))
    assert "cannot read its times" in find(api)["reason"]


def test_one_of_a_file_is_changed_there_and_may_be_paused(api: SchedulesApi) -> None:
    api.write(NIGHTLY)
    record = api.schedules.snapshot.schedule("hello", "nightly")
    api.schedules.save(dataclasses.replace(record, from_file=True, token=""))
    assert (find(api)["from_file"], find(api)["by"]) == (True, None)
    for answer in (api.write(NIGHTLY), api.ask("DELETE", "/nightly")):
        assert refusal(answer) == (409, "schedule-of-file")
    assert api.ask("PUT", "/nightly/pause").json()["paused"]


def test_it_is_run_once_for_each_key_whichever_framework_answers(api: SchedulesApi) -> None:
    api.write(NIGHTLY)
    key = {"Idempotency-Key": '"k"'}
    answer = api.ask("POST", "/nightly/run", Scope.USE, headers=key)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["schedule"], job["nominal"], job["name"]) == ("nightly", None, "report")
    assert (job["commit"], job["by"], job["retries"]) == (SHA, "a-use", 3)
    assert answer.headers["Location"] == job["url"]
    assert api.notes()[-1][2] == f"hello/schedules/nightly as {job['id']}"
    api.jobs.take_over()
    assert api.ask("POST", "/nightly/run", Scope.USE, headers=key).json()["id"] == job["id"]
    assert job["id"] != ids.of_request("hello", "a-use", "k", 0)
    api.write(NIGHTLY, "other")
    others = {
        api.ask("POST", path, scope, headers=more).json()["id"]
        for path, scope, more in [
            ("/other/run", Scope.USE, key),
            ("/nightly/run", Scope.ADMIN, key),
            ("/nightly/run", Scope.USE, {}),
        ]
    }
    assert len(others - {job["id"]}) == 3


def test_its_jobs_are_shown_until_they_end_and_are_listed_by_it(api: SchedulesApi) -> None:
    api.write(NIGHTLY)
    one, two = (api.ask("POST", "/nightly/run").json()["id"] for _ in range(2))
    api.jobs.launch(two)
    states = {job["id"]: job["state"] for job in find(api)["active"]}
    assert states == {one: "queued", two: "placed"}
    cancelled = api.call("DELETE", f"/v1/apps/hello/jobs/{one}")
    assert cancelled.json()["state"] == JobState.CANCELLED.value
    assert [job["id"] for job in find(api)["active"]] == [two]
    order = {"label": "main", "job": "report"}
    assert api.call("POST", "/v1/apps/hello/jobs", json=order).json()["schedule"] is None
    for path, found in [("nightly", {one, two}), ("other", set())]:
        listed = api.call("GET", f"/v1/jobs?schedule={path}").json()["jobs"]
        assert {job["id"] for job in listed} == found


def test_next_times_are_listed_for_one_that_is_there_or_not_yet(api: SchedulesApi) -> None:
    api.write(NIGHTLY)
    known = api.ask("GET", "/nightly/times?count=3", Scope.READ)
    assert known.json() == {"zone": "Europe/Berlin", "times": TWICE, "reason": ""}
    order = {"cron": NIGHTLY["cron"], "zone": NIGHTLY["zone"]}
    notes = len(api.notes())
    tried = api.try_times(order, Scope.USE)
    assert tried.json() == known.json()
    assert len(api.notes()) == notes  # nothing has changed
    assert refusal(api.try_times(order, Scope.READ)) == (403, "forbidden")
    wrong = api.try_times({**order, "cron": "0 0 30 2 *"})
    assert refusal(wrong) == (422, "invalid-settings")
    assert list(problems(wrong)) == ["cron"]
    for count in (0, 21):
        assert api.ask("GET", f"/nightly/times?count={count}").status_code == 422
    assert len(find(api)["next"]) == 3


def test_the_rarest_times_are_found_soon(api: SchedulesApi) -> None:
    answer = api.try_times({"cron": "0 0 29 2 *"}, count=20).json()
    years = [time["utc"][:4] for time in answer["times"]]
    assert (years[0], years[-1], len(years)) == ("2028", "2108", 20)


def test_an_app_may_have_a_hundred(api: SchedulesApi) -> None:
    api.write(CLEAN, "s0")
    record = api.schedules.snapshot.schedule("hello", "s0")
    for number in range(1, 99):
        api.schedules.save(dataclasses.replace(record, name=f"s{number}"))
    assert api.write(CLEAN, "s99").status_code == 201
    assert refusal(api.write(CLEAN, "more")) == (409, "too-many-schedules")
    assert api.write(NIGHTLY, "s99").status_code == 200
