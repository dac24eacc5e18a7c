"""IronWorker's API over jobs: names, states, errors, and who may do what."""

from typing import Any

import pytest

from framework.access import Scope
from framework.http_api.admission import limits
from framework.http_api.ironworker import task_presenter
from framework.http_api.ironworker.refusals import rewrite_refusals
from framework.http_api.ironworker.task_orders import read_code_name
from framework.jobs.conventions import IRONWORKER
from framework.jobs.transitions import Reported
from framework.ports import LogPart
from framework.units.lifecycle import Event
from framework.units.transitions import AttemptEnded, Failed
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.log_sources import Source
from prevs.records import Failure
from prevs.states import Cause
from tests.fakes.apis import IronApi
from tests.fakes.asgi import fetch
from tests.fakes.jobs_api import BUILD, NOW, JobsApi
from tests.unit.framework.http_api.ironworker.conftest import refusal

STATUSES = {
    JobState.QUEUED: "queued",
    JobState.PLACED: "preparing",
    JobState.BUILDING: "preparing",
    JobState.RUNNING: "running",
    JobState.ENDING: "running",
    JobState.SUCCEEDED: "complete",
    JobState.FAILED: "error",
    JobState.CANCELLED: "cancelled",
}


def token_of(api: IronApi) -> str:
    return api.bearer(Scope.USE)["Authorization"].removeprefix("OAuth ")


def test_without_the_setting_there_is_no_such_api() -> None:
    api = JobsApi()
    answer = api.call("GET", f"{IronApi.place}/tasks")
    assert answer.status_code == 404
    assert api.send("GET", "/v1/apps", headers={"Authorization": "OAuth x"}).status_code == 401


def test_a_task_is_a_job_of_the_main_branch(api: IronApi) -> None:
    task_id = api.queue(
        name="report", payload='{"n": 1}', priority=0, timeout=3600, delay=0, label="My Label!"
    )
    job = api.known[task_id]
    assert (job.name, job.label, job.terms.priority, job.group) == ("report", "main", 0, "my-label")
    assert (job.terms.timeout, job.payload_size, job.by) == (3600.0, 8, "a-use")
    assert (job.convention, job.retry_at) == (IRONWORKER, 0.0)
    shown = api.ask("GET", f"/tasks/{task_id}", Scope.READ).json()
    assert (shown["status"], shown["code_name"], shown["project_id"]) == (
        "queued",
        "report",
        "hello",
    )
    assert "payload" not in shown
    assert shown["created_at"].endswith("Z")
    assert (shown["start_time"], shown["end_time"], shown["duration"]) == (None, None, 0)


def test_tasks_are_queued_together_or_not_at_all(api: IronApi) -> None:
    tasks = [{"code_name": "report"}, {"code_name": "nobody"}]
    status, text = refusal(api.ask("POST", "/tasks", json={"tasks": tasks}))
    assert (status, api.known) == (404, {})
    assert "[jobs.nobody]" in text
    answer = api.ask("POST", "/tasks", json={"tasks": [{"code_name": "Report"}] * 100}).json()
    assert answer["msg"] == "Queued up"
    assert {one["id"] for one in answer["tasks"]} == set(api.known)
    assert len(api.known) == 100


def test_a_delay_and_a_delayed_retry_start_later(api: IronApi) -> None:
    task_id = api.queue(delay=60)
    now = api.jobs.clock.read()
    job = api.known[task_id]
    assert (job.retry_at, job.reason) == (
        now + 60,
        "It was requested to start 60 s later.",
    )
    assert api.ask("POST", f"/tasks/{task_id}/retry", json={"delay": 1}).status_code == 409
    assert api.ask("POST", f"/tasks/{task_id}/cancel").json() == {"msg": "Cancelled"}
    again = api.ask("POST", f"/tasks/{task_id}/retry", json={"delay": 5}).json()["tasks"][0]["id"]
    assert (api.known[again].retry_at, api.known[again].convention) == (now + 5, IRONWORKER)
    api.ask("POST", f"/tasks/{again}/cancel", json={})
    at_once = api.ask("POST", f"/tasks/{again}/retry").json()["tasks"][0]["id"]
    assert api.known[at_once].retry_at == 0.0


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"code_name": "..."}, "code_name"),
        ({"priority": 3}, "priority"),
        ({"delay": -1}, "delay"),
        ({"encryption_key": "x"}, "encryption_key"),
        ({"payload": "x" * 65_537}, "payload"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_the_reason(
    api: IronApi, fields: dict[str, Any], word: str
) -> None:
    answer = api.ask("POST", "/tasks", json={"tasks": [{"code_name": "report", **fields}]})
    status, text = refusal(answer)
    assert (status, word in text) == (400, True), text


def test_more_than_the_commit_says_needs_an_admin(api: IronApi) -> None:
    order = {"tasks": [{"code_name": "report", "priority": 2}]}
    status, text = refusal(api.ask("POST", "/tasks", json=order))
    assert (status, "priority" in text) == (403, True)
    assert api.ask("POST", "/tasks", Scope.ADMIN, json=order).status_code == 200


@pytest.mark.parametrize("token", ["", "OAuth ", "OAuth wrong", "Basic x"])
def test_a_client_without_a_token_is_told_how_to_send_it(api: IronApi, token: str) -> None:
    answer = api.send(
        "GET", f"{IronApi.place}/tasks", headers={"Authorization": token} if token else {}
    )
    status, text = refusal(answer)
    assert (status, "OAuth TOKEN" in text) == (401, True)


def test_scopes_and_apps_are_those_of_all_calls(api: IronApi) -> None:
    task_id = api.queue()
    for path in ("/tasks", f"/tasks/{task_id}/cancel", "/codes/report/cancel_all"):
        order = {"tasks": [{"code_name": "report"}]}
        assert refusal(api.ask("POST", path, Scope.READ, json=order))[0] == 403
    assert refusal(api.ask("GET", "/tasks", Scope.USE, "shop"))[0] == 403
    assert api.known[task_id].state is JobState.QUEUED
    assert ("a-use", "request jobs", f"hello/jobs/{task_id}", 200) in api.notes()


def test_a_client_that_is_too_fast_is_told_so_that_it_waits() -> None:
    app = rewrite_refusals(limits.refuse(3, "Too many requests came. Try again in 3 s."))
    answer = fetch(app, "GET", f"{IronApi.place}/tasks")
    assert refusal(answer) == (503, "Too many requests came. Try again in 3 s.")
    assert answer.headers["Retry-After"] == "3"
    assert fetch(app, "GET", "/v1/apps").status_code == 429


@pytest.mark.parametrize(("state", "status"), STATUSES.items())
def test_each_state_has_a_status(state: JobState, status: str) -> None:
    assert set(STATUSES) == set(JobState)
    job = JobRecord("hello", "k4z7", "a" * 40, "main", JobSettings(("x",)), state=state)
    assert task_presenter.show_status(job) == status


def test_a_task_that_took_too_long_is_a_timeout(api: IronApi) -> None:
    task_id = api.queue()
    api.work("hello\n")
    failure = Failure(Cause.TIMED_OUT, "It took too long.", 143)
    api.jobs.change(task_id, AttemptEnded(Failed(failure), failure, NOW + 2.5))
    shown = api.ask("GET", f"/tasks/{task_id}").json()
    assert (shown["status"], shown["msg"]) == ("timeout", "It took too long.")
    assert shown["start_time"] == "2033-05-18T03:33:20.000Z"


def test_logs_are_told_apart_and_come_once_it_runs(api: IronApi) -> None:
    task_id = api.queue()
    for what in ("log", "outlog"):
        status, text = refusal(api.ask("GET", f"/tasks/{task_id}/{what}"))
        assert (status, "log" in text) == (404, True)
    api.work("hello\n== kept 3 files of /run/prevs/artifacts ==\n")
    assert api.ask("GET", f"/tasks/{task_id}/outlog").text == "hello\n"
    whole = api.ask("GET", f"/tasks/{task_id}/log")
    assert whole.text.startswith(BUILD)
    assert whole.headers["Content-Type"].startswith("text/plain")


def test_the_output_of_a_task_is_all_that_its_command_wrote_and_what_is_missing(
    api: IronApi,
) -> None:
    task_id = api.queue()
    api.work("")
    gap = b"\n== 1,234 bytes are missing here: too much was printed to keep ==\n"
    api.print_apart(
        LogPart(Source.PREVS, b"== running x ==\n"),
        LogPart(Source.STDOUT, b"== running mine ==\n"),
        LogPart(Source.STDERR, b"a warning\n"),
        LogPart(Source.PREVS, b"== kept 3 files of /run/prevs/artifacts ==\n"),
    )
    api.print_apart(LogPart(Source.NOBODY, gap, 1234))
    found = api.ask("GET", f"/tasks/{task_id}/outlog").text
    assert found == f"== running mine ==\na warning\n{gap.decode()}"


def test_one_that_never_ran_has_an_empty_log_in_the_end(api: IronApi) -> None:
    task_id = api.queue()
    api.ask("POST", f"/tasks/{task_id}/cancel")
    assert api.ask("GET", f"/tasks/{task_id}/log").text == ""


def test_a_worker_tells_its_progress_while_it_runs(api: IronApi) -> None:
    task_id = api.queue()
    told = {"percent": 40, "msg": "half way"}
    assert refusal(api.ask("POST", f"/tasks/{task_id}/progress", json=told))[0] == 409
    api.build()
    assert api.ask("POST", f"/tasks/{task_id}/progress", json=told).status_code == 200
    api.jobs.change(task_id, Reported(Event.RUNS, NOW))
    shown = api.ask("GET", f"/tasks/{task_id}").json()
    assert (shown["status"], shown["percent"], shown["msg"]) == ("running", 40, "half way")
    assert refusal(api.ask("POST", f"/tasks/{task_id}/progress", json={"percent": 101}))[0] == 400


def test_a_list_has_pages_states_times_and_names(api: IronApi) -> None:
    first = api.queue()
    api.jobs.clock.pass_seconds(10)
    second = api.queue(code_name="import")
    api.ask("POST", f"/tasks/{first}/cancel")

    def listed(query: str) -> list[str]:
        tasks = api.ask("GET", f"/tasks?{query}", Scope.READ).json()["tasks"]
        return [one["id"] for one in tasks]

    created = api.known[second].created
    assert listed("") == [second, first]
    assert listed("per_page=1&page=1") == [first]
    assert listed("page=1") == []
    assert listed("queued=1&running=1") == [second]
    assert listed("cancelled=1") == [first]
    assert listed("code_name=Import") == [second]
    assert listed(f"from_time={int(created)}") == [second]
    assert listed(f"to_time={int(created) - 5}") == [first]
    assert refusal(api.ask("GET", "/tasks?per_page=101"))[0] == 400


def test_code_packages_are_the_jobs_that_the_main_branch_names(api: IronApi) -> None:
    codes = api.ask("GET", "/codes", Scope.READ).json()["codes"]
    assert [one["name"] for one in codes] == ["import", "report"]
    assert api.ask("GET", "/codes?per_page=1&page=1").json()["codes"] == codes[1:]
    assert api.ask("GET", "/codes/Report").json() == codes[1]
    assert refusal(api.ask("GET", "/codes/nobody"))[0] == 404
    ids = [api.queue(), api.queue(), api.queue(code_name="import")]
    assert api.ask("POST", "/codes/report/cancel_all", json={}).json() == {"msg": "Cancelled"}
    states = [api.known[one].state for one in ids]
    assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.QUEUED]


def test_an_app_without_branches_or_with_a_mistake_says_so(api: IronApi) -> None:
    api.add("empty")
    headers = api.bearer(Scope.USE)
    status, text = refusal(api.send("GET", "/2/projects/empty/codes", headers=headers))
    assert (status, "no branches yet" in text) == (404, True)
    assert refusal(api.send("GET", "/2/projects/none/codes", headers=headers))[0] == 404


@pytest.mark.parametrize(
    ("call", "word"),
    [("POST /codes", ".prevs.toml"), ("DELETE /codes/report", ".prevs.toml")],
)
def test_what_has_no_place_here_says_where_it_is(api: IronApi, call: str, word: str) -> None:
    method, path = call.split()
    status, text = refusal(api.ask(method, path))
    assert (status, word in text) == (501, True)


@pytest.mark.parametrize(
    ("given", "name"),
    [("report", "report"), ("HelloWorld", "helloworld"), ("Hello_Worker.v2", "hello-worker-v2")],
)
def test_names_of_ironworker_become_names_of_jobs(given: str, name: str) -> None:
    assert read_code_name(given) == name


def test_a_webhook_is_a_job_whose_payload_is_its_body(api: IronApi) -> None:
    body = '{"ref": "refs/heads/main", "author": "Ærø"}'.encode()
    path = f"{IronApi.place}/tasks/webhook?code_name=report&oauth={token_of(api)}"
    answer = api.send("POST", path, content=body, headers={"X-GitHub-Event": "push"})
    assert answer.status_code == 200, answer.text
    job = api.known[answer.json()["id"]]
    assert (job.name, job.payload_size, job.by) == ("report", len(body), "a-use")
    status, text = refusal(api.send("POST", path, content=b"\xff"))
    assert (status, "UTF-8" in text) == (400, True)
    assert refusal(api.send("POST", path.replace("=report", "=nobody"), content=b""))[0] == 404


def test_a_token_in_the_query_counts_for_these_clients_alone(api: IronApi) -> None:
    token = token_of(api)
    assert api.send("GET", f"{IronApi.place}/codes?oauth={token}").status_code == 200
    for wrong in (
        f"{IronApi.place}/codes?oauth=x",
        f"{IronApi.place}/codes?token={token}",
        f"/v1/apps?oauth={token}",
    ):
        assert api.send("GET", wrong).status_code == 401


@pytest.mark.parametrize("path", ["/codes/report/revisions", "/codes/report/download", "/stacks"])
def test_what_is_not_there_says_so_to_everybody(api: IronApi, path: str) -> None:
    for scope in (Scope.READ, Scope.USE, Scope.ADMIN):
        status, text = refusal(api.ask("GET", path, scope))
        assert (status, "admin" in text) == (404, False)


def test_a_task_that_succeeded_is_retried_with_its_payload(api: IronApi) -> None:
    task_id = api.queue(payload='{"n": 1}')
    api.build(job_id=task_id)
    api.begin(job_id=task_id)
    api.succeed(task_id)
    again = api.ask("POST", f"/tasks/{task_id}/retry", json={}).json()["tasks"][0]["id"]
    assert api.known[again].payload_size == 8
