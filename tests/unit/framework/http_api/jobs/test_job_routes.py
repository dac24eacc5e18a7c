"""The calls about jobs that are there: shown, listed, cancelled, tried again, and their results."""

import asyncio

import pytest

from framework.access import Scope
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.http_api.jobs.job_stream import JobStream
from framework.http_api.streams.logs import Logs
from framework.jobs.transitions import Finished, Reported
from framework.state.snapshot import Snapshot
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import AttemptEnded, Failed, Stopped
from prevs.jobs import ResultRecord
from prevs.records import Failure
from prevs.states import Cause
from prevs.work import Progress
from tests.fakes.asgi import refusal
from tests.fakes.jobs_api import JobsApi

EXITED = Failure(Cause.APP_EXITED, "The command exited with 3.", 3)


def fail(api: JobsApi, job_id: str) -> None:
    api.jobs.launch(job_id)
    api.jobs.change(job_id, AttemptEnded(Failed(EXITED), EXITED, 1_000_007.0))


def test_a_job_is_shown_while_it_runs_and_after_its_end(api: JobsApi) -> None:
    job_id = api.request()
    queued = api.ask("GET", f"/{job_id}", Scope.READ)
    assert (queued.json()["state"], queued.headers["Retry-After"]) == ("queued", "1")
    api.jobs.launch(job_id)
    progress = Progress(40, "half way")
    report = Reported(Event.RUNS, 1_000_005.0, "running", progress=progress)
    api.jobs.change(job_id, report)
    running = api.ask("GET", f"/{job_id}", Scope.READ).json()
    assert running["progress"] == {"percent": 40, "message": "half way"}
    assert (running["began"], running["ended"], running["tries"]) == (1_000_005.0, None, 1)
    assert running["agent"] == {"id": "S0", "host": "10.0.0.1"}
    api.jobs.change(job_id, AttemptEnded(Failed(EXITED), EXITED, 1_000_007.0))
    answer = api.ask("GET", f"/{job_id}", Scope.READ)
    ended = answer.json()
    assert "Retry-After" not in answer.headers
    assert ended["failure"] == {
        "cause": "app-exited",
        "message": "The command exited with 3.",
        "exit_code": 3,
        "mistakes": [],
    }
    assert (ended["state"], ended["exit_code"]) == ("failed", 3)
    (attempt,) = ended["attempts"]
    assert (attempt["number"], attempt["exit_code"], attempt["log_kept"]) == (1, 3, False)


def test_why_nothing_can_start_comes_before_a_jobs_own_reason(api: JobsApi) -> None:
    job_id = api.request()
    api.trouble = "ZooKeeper does not answer."
    assert api.ask("GET", f"/{job_id}").json()["reason"] == "ZooKeeper does not answer."


def test_a_job_is_gone_with_its_app(api: JobsApi) -> None:
    job_id = api.request()
    del api.previews.known_apps["hello"]
    assert refusal(api.ask("GET", f"/{job_id}")) == (404, "unknown-app")


def test_the_jobs_of_a_group_are_listed(api: JobsApi) -> None:
    odd, even = api.request(group="odd"), api.request(group="even")
    for group, job_id in (("odd", odd), ("even", even)):
        listed = api.call("GET", f"/v1/jobs?app=hello&group={group}").json()["jobs"]
        assert [job["id"] for job in listed] == [job_id]


def test_a_list_has_jobs_of_a_state_or_all_that_have_not_ended(api: JobsApi) -> None:
    queued, running, failed = (api.request() for _ in range(3))
    api.jobs.launch(running)
    fail(api, failed)
    lists = {
        state: {job["id"] for job in api.call("GET", f"/v1/jobs?state={state}").json()["jobs"]}
        for state in ("queued", "placed", "failed", "active")
    }
    assert lists == {
        "queued": {queued},
        "placed": {running},
        "failed": {failed},
        "active": {queued, running},
    }
    assert refusal(api.call("GET", "/v1/jobs?state=tired")) == (422, "invalid-request")


def test_the_list_of_one_app_has_those_in_blocks_too_and_reads_no_payload(api: JobsApi) -> None:
    ids = [api.request(payload="x") for _ in range(120)]
    for job_id in ids[:110]:
        fail(api, job_id)
    api.jobs.records.jobs.tidy()
    api.jobs.take_over()
    reads = api.jobs.job_store.reads
    whole = api.call("GET", "/v1/jobs?app=hello&limit=500").json()["jobs"]
    assert {job["id"] for job in whole} == set(ids)
    assert api.jobs.job_store.reads == reads + 1  # the one block
    assert len(api.call("GET", "/v1/jobs?limit=500").json()["jobs"]) == 20
    assert len(api.call("GET", "/v1/jobs?app=hello&state=active").json()["jobs"]) == 10
    old_id = next(one for one in ids if ("hello", one) not in api.jobs.snapshot.jobs)
    old = api.ask("GET", f"/{old_id}").json()
    assert (old["state"], old["exit_code"]) == ("failed", 3)
    assert refusal(api.ask("POST", f"/{old_id}/retry")) == (409, "payload-gone")


def test_a_job_is_cancelled_once(api: JobsApi) -> None:
    job_id = api.request()
    assert refusal(api.ask("DELETE", f"/{job_id}", Scope.READ)) == (403, "forbidden")
    answer = api.ask("DELETE", f"/{job_id}", Scope.USE)
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert answer.json()["reason"] == "a-use has cancelled it."
    assert refusal(api.ask("DELETE", f"/{job_id}")) == (409, "job-ended")
    assert api.notes()[-2:] == [
        ("a-use", "cancel job", f"hello/jobs/{job_id}", 202),
        ("a-admin", "cancel job", f"hello/jobs/{job_id}", 409),
    ]


def test_a_group_is_cancelled_as_far_as_it_has_not_ended(api: JobsApi) -> None:
    ended, _, _ = (api.request(group="g") for _ in range(3))
    other = api.request()
    fail(api, ended)
    answer = api.ask("DELETE", "?group=g", Scope.USE)
    assert (answer.status_code, answer.json()) == (202, {"jobs": 2})
    assert api.jobs.job(other).state.value == "queued"
    assert api.notes()[-1] == ("a-use", "cancel jobs", "hello/jobs of the group g", 202)
    assert refusal(api.ask("DELETE", "")) == (422, "invalid-request")


def test_an_ended_job_is_requested_again_once_for_each_key(api: JobsApi) -> None:
    job_id = api.request(payload="x")
    assert refusal(api.ask("POST", f"/{job_id}/retry")) == (409, "job-not-ended")
    fail(api, job_id)
    key = {"Idempotency-Key": '"again"'}
    first = api.ask("POST", f"/{job_id}/retry", Scope.USE, headers=key)
    api.jobs.take_over()
    second = api.ask("POST", f"/{job_id}/retry", Scope.USE, headers=key)
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    new_id = first.json()["id"]
    assert first.headers["Location"] == f"/v1/apps/hello/jobs/{new_id}"
    assert (first.json()["by"], first.json()["payload_size"]) == ("a-use", 1)
    assert api.notes()[-1][1:3] == ("retry job", f"hello/jobs/{job_id} as {new_id}")
    other = api.ask("POST", f"/{job_id}/retry", Scope.USE)
    assert other.json()["id"] not in {job_id, new_id}


def test_a_malformed_key_is_refused(api: JobsApi) -> None:
    body = {"label": "main", "job": "report"}
    answer = api.ask("POST", "", json=body, headers={"Idempotency-Key": '"a'})
    assert refusal(answer) == (400, "invalid-request")


def test_a_result_is_bytes_that_no_browser_takes_for_a_page(api: JobsApi) -> None:
    short, long, running = (api.request() for _ in range(3))
    for job_id in (short, long, running):
        api.jobs.launch(job_id)
    api.jobs.change(short, Finished("PGgxPg==", 4))
    stored = ResultRecord("hello", long, "AAH/")
    api.jobs.change(long, Finished(size=3), result=stored)
    answer = api.ask("GET", f"/{short}/result", Scope.READ)
    assert (answer.content, answer.headers["Content-Type"]) == (b"<h1>", "application/octet-stream")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert api.ask("GET", f"/{long}/result").content == b"\0\1\xff"
    answer = api.ask("GET", f"/{running}/result")
    assert refusal(answer) == (409, "no-result")
    assert answer.json()["state"] == "placed"


def test_the_wait_for_the_end_ends_with_the_job(
    api: JobsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = api.request()
    looks = 0

    def snapshot(_: object) -> Snapshot:
        nonlocal looks
        looks += 1
        if looks == 4:
            reason = Reason(ReasonKind.STOPPED, "It was cancelled.")
            api.jobs.change(job_id, Stopped(reason))
        return api.previews.snapshot._replace(jobs=api.jobs.records.jobs.shown)

    monkeypatch.setattr(type(api.jobs), "snapshot", property(snapshot))
    answer = api.ask("GET", f"/{job_id}", headers={"Prefer": "wait=50"})
    assert answer.json()["state"] == "cancelled"
    assert answer.headers["Preference-Applied"] == "wait=50"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_the_log_is_that_of_the_last_attempt_or_of_one_by_its_number(api: JobsApi) -> None:
    job_id = api.request()
    assert api.ask("GET", f"/{job_id}/log", Scope.READ).text == ""
    for number in (1, 2):
        api.sandboxes.output[f"hello.{job_id}.{number}"] = f"try {number}\n".encode()
    api.jobs.launch(job_id)
    assert api.ask("GET", f"/{job_id}/log?attempt=1").text == "try 1\n"
    again = Failed(EXITED)
    api.jobs.change(job_id, AttemptEnded(again, EXITED, 1_000_007.0))
    answer = api.ask("GET", f"/{job_id}/log?offset=4", Scope.READ)
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("1\n", "6")
    assert api.ask("GET", f"/{job_id}/log?tail=true").text == "try 1\n"
    assert api.ask("GET", f"/{job_id}/log?attempt=1").text == "try 1\n"
    assert refusal(api.ask("GET", f"/{job_id}/log?attempt=2")) == (404, "unknown-attempt")


def test_a_log_is_followed_to_the_end_of_its_job(api: JobsApi) -> None:
    job_id = api.request()
    api.jobs.launch(job_id)
    api.sandboxes.output[f"hello.{job_id}.1"] = b"one\n"
    api.jobs.change(job_id, AttemptEnded(Failed(EXITED), EXITED, 1_000_007.0))
    events = {"Accept": "text/event-stream"}
    answer = api.ask("GET", f"/{job_id}/log", headers=events)
    names = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names == ["event: state", "event: log", "event: end"]
    assert '"state":"failed"' in answer.text
    assert 'data: "one\\n"' in answer.text


def test_the_stream_of_a_job_ends_with_its_app(api: JobsApi) -> None:
    job = api.jobs.job(api.request())
    seen: list[bytes] = []

    async def pause(_: float) -> None:
        api.previews.known_apps.clear()

    async def follow() -> None:
        show = JobPresenter(lambda: None, dict, lambda: 0.0, lambda *_: None).show
        stream = JobStream(api.jobs, Logs(api.sandboxes), show, pause=pause)
        seen.extend([event async for event in stream.follow(job, 0)])

    asyncio.run(follow())
    assert b"event: end" in seen[-1]
    assert b"The app was removed." in seen[-1]
