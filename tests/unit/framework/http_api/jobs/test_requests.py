"""POST /v1/apps/{app}/jobs: what is taken, from whom, and what is refused."""

import base64
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from framework.access import Scope
from framework.apps.receivers import Receiver
from framework.errors import RepositoryUnreachable
from framework.jobs import callbacks
from framework.jobs.transitions import Finished
from framework.ports.notifications import CallbackTry, LastTry
from framework.state.jobs import sealed_payloads
from prevs.job_settings import JobSettings
from prevs.jobs import CallbackState, JobState
from tests.fakes.answers import SHA
from tests.fakes.asgi import refusal
from tests.fakes.jobs_api import JobsApi

REPORT = {"label": "main", "job": "report"}


def given(api: JobsApi, job_id: str) -> sealed_payloads.Given:
    sealed = api.jobs.records.jobs.payload(api.jobs.job(job_id))
    assert sealed is not None
    return sealed_payloads.open_sealed(api.jobs.vault, sealed)


def test_a_named_job_is_queued_as_its_commit_has_it(api: JobsApi) -> None:
    answer = api.order({**REPORT, "payload": "größe", "group": "g-1"}, Scope.USE)
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == job["url"] == f"/v1/apps/hello/jobs/{job['id']}"
    record = api.jobs.job(job["id"])
    assert record.terms == JobSettings(
        ("python", "report.py"), cpus=0.1, mem=128, timeout=900.0, retries=3
    )
    assert (record.sha, record.label, record.refs) == (SHA, "main", ("heads/main",))
    assert (record.by, record.name, record.group) == ("a-use", "report", "g-1")
    assert given(api, job["id"]).payload == base64.b64encode("größe".encode()).decode()
    shown = {name: job[name] for name in ("state", "commit", "command", "payload_size", "place")}
    assert shown == {
        "state": "queued",
        "commit": SHA,
        "command": ["python", "report.py"],
        "payload_size": 7,
        "place": 1,
    }


def test_an_admin_gives_any_command_and_other_limits(api: JobsApi) -> None:
    command = {"label": "main", "command": ["sh", "-c", "exit 3"], "environment": {"A": "1"}}
    limits = {"mem": 64, "timeout": 5, "retries": 2, "no_retry": [3], "stdin": True}
    answer = api.order({**command, **limits, "payload_base64": "AAE="})
    record = api.jobs.job(answer.json()["id"])
    assert record.terms == JobSettings(
        ("sh", "-c", "exit 3"), cpus=0.1, mem=64, timeout=5.0, retries=2, no_retry=(3,)
    )
    assert (record.name, record.stdin) == ("", True)
    assert given(api, record.id) == sealed_payloads.Given("AAE=", {"A": "1"})


ABOVE_USE: Mapping[str, Any] = {
    "mem": 64,
    "environment": {"A": "1"},
    "once": False,
    "exclusive": "db",
    "retries": 0,
    "timeout": 901,
    "priority": 2,
}


def test_the_scope_use_starts_jobs_only_as_their_commit_has_them(api: JobsApi) -> None:
    for field, value in ABOVE_USE.items():
        answer = api.order({**REPORT, field: value}, Scope.USE)
        assert refusal(answer) == (403, "forbidden")
        assert (answer.json()["needed"], answer.json()["field"]) == ("admin", field)
    assert not api.jobs.records.jobs.shown


def test_the_scope_use_starts_no_command_even_one_named_like_a_job(api: JobsApi) -> None:
    answer = api.order({"label": "main", "command": ["report"]}, Scope.USE)
    assert refusal(answer) == (403, "forbidden")
    assert refusal(api.order(REPORT, Scope.READ)) == (403, "forbidden")


def test_the_scope_use_may_ask_for_less(api: JobsApi) -> None:
    answer = api.order({**REPORT, "timeout": 60, "priority": 0, "stdin": True}, Scope.USE)
    assert (answer.json()["timeout"], answer.json()["priority"]) == (60.0, 0)


def test_a_receiver_of_the_app_is_told_of_the_end(api: JobsApi) -> None:
    wanted = {**REPORT, "callback": "ci"}
    refused = api.order(wanted)
    assert refusal(refused) == (404, "unknown-receiver")
    api.jobs.add_receiver(Receiver("ci", "https://ci.example.org/hunter2", "whsec_", ("callback",)))
    job = api.order(wanted, Scope.USE).json()
    assert job["callback"] == {"receiver": "ci", "state": "waiting", "last": None, "next": None}
    tried = LastTry(7.0, 503, "It answered with the status 503.")
    api.callback_tries["hello", job["id"]] = CallbackTry(tried, 12.0)
    failed = {"at": 7.0, "status": 503, "problem": "It answered with the status 503."}
    shown = api.ask("GET", f"/{job['id']}").json()["callback"]
    assert shown == {"receiver": "ci", "state": "waiting", "last": failed, "next": 12.0}
    api.jobs.records.jobs.save_all(
        [callbacks.settle(api.jobs.job(job["id"]), CallbackState.TOLD, 9.0, status=204, problem="")]
    )
    last = {"at": 9.0, "status": 204, "problem": ""}
    shown = api.ask("GET", f"/{job['id']}").json()["callback"]
    assert shown == {"receiver": "ci", "state": "told", "last": last, "next": None}
    assert api.order(REPORT).json()["callback"] is None


WRONG: Sequence[tuple[Any, str]] = [
    ({"label": "main"}, "body: needs `job` or `command`, and not both"),
    ({**REPORT, "command": ["x"]}, "body: needs `job` or `command`, and not both"),
    ({**REPORT, "payload": "a", "payload_base64": "YQ=="}, "`payload` or `payload_base64`"),
    ({**REPORT, "payload_base64": "%%"}, "payload_base64: is not base64"),
    ({**REPORT, "payload": "ö" * 32_769}, "a payload of 65538 bytes; at most 65536"),
    ({**REPORT, "payload_base64": base64.b64encode(bytes(65_537)).decode()}, "65537 bytes"),
    ({**REPORT, "environment": {"PREVS_JOB": "1"}}, "PREVS_JOB.* is set by prevs"),
    ({**REPORT, "environment": {"A": "x" * 40_000}}, "more than 32768 characters"),
    ({"label": "main", "command": []}, "command: List should have at least 1 item"),
    ({"label": "main", "command": [""]}, "command: must begin with the name of a program"),
    ({"label": "main", "command": ["a\0"]}, "command: must not contain a NUL"),
    ({**REPORT, "timeout": 0.5}, "timeout: should be greater than or equal to 1"),
    ({**REPORT, "once": True}, "once: is only for a job without retries"),
    (
        {**REPORT, "retries": 0, "once": True, "preemptible": True},
        "preemptible: is only for a job that may start again",
    ),
    ({**REPORT, "mem": 4096}, "mem: asks for 4096 MB; .* --max-mem 4096"),
    ({**REPORT, "group": "A"}, "group: should match"),
    (
        {**REPORT, "callback": "http://x/"},
        "callback: must be the name of a receiver",
    ),
    ({"jobs": []}, "jobs: List should have at least 1 item"),
    ({"jobs": [REPORT] * 1001}, "jobs: List should have at most 1000 items"),
    ({"jobs": [REPORT, {**REPORT, "once": True}]}, "jobs.1.once: is only for"),
    ([REPORT], "body: is not a JSON object"),
]


def test_what_cannot_be_a_job_is_refused_with_what_is_wrong(api: JobsApi) -> None:
    for body, problem in WRONG:
        answer = api.order(body)
        assert refusal(answer) == (422, "invalid-settings")
        assert re.search(problem, answer.json()["detail"]), answer.text
    assert not api.jobs.records.jobs.shown


def test_an_unknown_job_is_refused_with_those_that_the_commit_has(api: JobsApi) -> None:
    answer = api.order({"label": "main", "job": "reprot"})
    assert refusal(answer) == (404, "unknown-job-name")
    assert answer.json()["known"] == ["clean", "report"]
    assert "Did you mean report?" in answer.json()["detail"]


def test_a_commit_whose_settings_have_a_mistake_runs_no_job(api: JobsApi) -> None:
    api.put_settings(SHA, b"[jobs.report]\ncomand = 3\n")
    answer = api.order({"label": "main", "command": ["x"]})
    assert refusal(answer) == (409, "commit-settings-invalid")
    assert answer.json()["mistakes"][0]["line"] in {1, 2}


def test_what_a_label_or_an_app_lacks_is_said_as_for_previews(api: JobsApi) -> None:
    assert refusal(api.order({"label": "nope", "job": "report"})) == (404, "unknown-label")
    away = RepositoryUnreachable("hello", "/srv/x", "it is away")
    api.refs.leads["hello", "main"] = away
    assert refusal(api.order(REPORT)) == (502, "repository-unreachable")
    api.refs.put("hello", "main", SHA)
    api.refs.files["hello", SHA, ".prevs.toml"] = away
    answer = api.order(REPORT)
    assert refusal(answer) == (502, "repository-unreachable")
    assert answer.json()["detail"].count("cannot be read") == 1


def test_a_thousand_jobs_are_few_writes_and_one_answer(api: JobsApi) -> None:
    orders = [{**REPORT, "payload": str(number), "group": "big"} for number in range(1000)]
    assert api.app is not None  # made before the clock runs
    begun, commands = time.monotonic(), api.jobs.commands
    answer = api.order({"jobs": orders}, Scope.USE, key="k")
    assert answer.status_code == 202
    assert time.monotonic() - begun < 20  # usually two seconds
    assert api.jobs.job_store.writes <= 5
    assert api.jobs.commands - commands == 2
    assert answer.json()["group"] == "big"
    assert [api.jobs.job(job["id"]).payload_size for job in answer.json()["jobs"][:11]] == (
        [1] * 10 + [2]
    )
    assert api.notes()[-1][1:3] == (
        "request jobs",
        f"hello/jobs/{answer.json()['jobs'][0]['id']} and 999 more",
    )


def test_a_client_may_wait_for_the_end(api: JobsApi, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = api.order(REPORT, Prefer="wait=0")
    assert (answer.status_code, "Preference-Applied" in answer.headers) == (202, False)
    job_id = api.request()

    def finish(app: str, seen_id: str) -> Any:
        api.jobs.launch(seen_id)
        return api.jobs.change(seen_id, Finished())

    real = api.jobs.records.jobs.add_all

    def add_and_finish(*given: Any) -> Any:
        added = real(*given)
        finish("hello", added[0].id)
        return added

    monkeypatch.setattr(api.jobs.records.jobs, "add_all", add_and_finish)
    answer = api.order(REPORT, Prefer="respond-async, wait=30")
    assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert api.jobs.job(job_id).state is JobState.QUEUED
