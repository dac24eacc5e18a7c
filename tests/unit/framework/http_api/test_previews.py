from typing import Any

import pytest

from framework.errors import UnknownLabel
from prevs import names
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.records import AppRecord, Failure, Mistake, Step
from prevs.states import Cause, State
from tests.fakes.asgi import ApiInProcess, problems, refusal

SHA, OTHER = "a" * 40, "b" * 40
STEPS = ("queued", "placed", "fetching", "building", "starting", "checking")
ONE = f"/v1/previews/hello/{SHA}"


def failed(api: ApiInProcess) -> None:
    failure = Failure(Cause.APP_EXITED, "The app exited with 1.", 1)
    api.previews.put("hello", SHA, State.FAILED, task_id="t1", agent_id="S0", failure=failure)
    api.sandboxes.output["t1"] = b"one\ntwo\n"


def test_a_start_resolves_the_label_and_a_repeated_one_gets_the_same_answer(
    api: ApiInProcess,
) -> None:
    order = {"app": "hello", "label": "main"}
    first = api.call("POST", "/v1/previews", json=order)
    assert first.status_code == 202
    assert first.headers["Location"] == ONE
    assert first.json() == {
        "app": "hello",
        "sha": SHA,
        "commit": SHA,
        "state": "queued",
        "phase": "",
        "labels": ["main"],
        "url": "http://main.hello.localhost:8080/",
        "urls": ["http://main.hello.localhost:8080/"],
        "reason": "",
        "queue_place": None,
        "next_try": None,
        "failure": None,
        "port": 8080,
        "cpus": 0.1,
        "mem": 128,
        "containers": [{"name": "app", "image": "", "cpus": 0.1, "mem": 128}],
        "services": [],
        "task_id": None,
        "agent": None,
        "host_port": None,
        "created": 0.0,
        "changed": 0.0,
        "started": None,
        "last_used": None,
        "rivals": [],
        "pinned": False,
        "ahead": False,
        "detail": "",
        "steps": [{"name": name, "began": None, "ended": None, "usual": None} for name in STEPS],
        "place": None,
        "data": "",
        "same": [],
        "older_variables": [],
        "as_of": None,
        "problem": "",
    }
    again = api.call("POST", "/v1/previews", json=order)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api.previews.snapshot.list_previews()) == 1


def test_a_preview_shows_its_progress_and_the_usual_time(api: ApiInProcess) -> None:
    begun = (Step("queued", 1.0), Step("placed", 2.0), Step("building", 3.0))
    api.previews.put("hello", SHA, State.BUILDING, steps=begun, detail="3/5 RUN make")
    api.previews.usual_seconds["hello"] = {"fetching": 0.5, "building": 48.0}
    shown = api.call("GET", ONE).json()
    assert shown["detail"] == "3/5 RUN make"
    assert [tuple(step.values()) for step in shown["steps"]] == [
        ("queued", 1.0, 2.0, None),
        ("placed", 2.0, 3.0, None),
        ("fetching", None, None, 0.5),
        ("building", 3.0, None, 48.0),
        ("starting", None, None, None),
        ("checking", None, None, None),
    ]


@pytest.mark.parametrize(("labels", "first"), [(("main", "v1"), "v1"), ((), SHA)])
def test_the_address_is_that_of_the_newest_label_or_of_the_commit(
    api: ApiInProcess, labels: tuple[str, ...], first: str
) -> None:
    api.previews.put("hello", SHA, State.RUNNING, labels=labels)
    shown = api.call("GET", ONE).json()
    assert shown["url"] == f"http://{first}.hello.localhost:8080/"
    assert shown["urls"] == [f"http://{name}.hello.localhost:8080/" for name in labels]


LONG = "feature-" + "x" * 40 + "-0bef4359"
CUT = names.flat_label(LONG, "a-hello-of-twenty-five-xx")


def test_a_cut_label_of_a_flat_address_starts_the_commit_of_the_whole_one(
    api: ApiInProcess,
) -> None:
    app = "a-hello-of-twenty-five-xx"
    api.previews.add_app(AppRecord(app, "/srv/git/x"))
    api.refs.put(app, LONG, SHA)
    assert len(f"{CUT}--{app}") <= 63 < len(f"{LONG}--{app}")
    started = api.call("POST", "/v1/previews", json={"app": app, "label": CUT})
    assert (started.status_code, started.json()["labels"]) == (202, [LONG])
    lead = api.call("GET", f"/v1/apps/{app}/labels/{CUT}").json()
    assert (lead["label"], lead["sha"]) == (LONG, SHA)
    other = f"{CUT[:-1]}{'0' if CUT[-1] != '0' else '1'}"
    answer = api.call("POST", "/v1/previews", json={"app": app, "label": other})
    assert refusal(answer) == (404, "unknown-label")


def test_a_preview_that_has_run_shows_no_usual_time_for_a_build(api: ApiInProcess) -> None:
    api.previews.usual_seconds["hello"] = {"building": 19.0, "starting": 1.0}

    def usual(state: State, **fields: Any) -> dict[str, float | None]:
        api.previews.put("hello", SHA, state, **fields)
        return {step["name"]: step["usual"] for step in api.call("GET", ONE).json()["steps"]}

    has_run = {"step_seconds": {"building": 18.0}}
    assert usual(State.STOPPED, **has_run)["building"] is None
    assert usual(State.QUEUED, **has_run)["building"] is None
    assert usual(State.QUEUED, **has_run)["starting"] == 1.0
    assert usual(State.BUILDING, **has_run)["building"] == 19.0, "its image was gone"
    assert usual(State.QUEUED)["building"] == 19.0


def test_two_previews_of_one_label_show_each_other(api: ApiInProcess) -> None:
    other = "b" * 40
    api.previews.put("hello", SHA, State.RUNNING, labels=("v1", "main"))
    api.previews.put("hello", other, State.FAILED, labels=("main",))
    assert api.call("GET", ONE).json()["rivals"] == [
        {"label": "main", "sha": other, "commit": other, "state": "failed"}
    ]
    rivals = api.call("GET", f"/v1/previews/hello/{other}").json()["rivals"]
    assert rivals == [{"label": "main", "sha": SHA, "commit": SHA, "state": "running"}]
    api.previews.change("hello", other, state=State.QUEUED)
    assert api.call("GET", ONE).json()["rivals"][0]["state"] == "queued", "it is not as it was"


def test_an_unknown_label_starts_nothing(api: ApiInProcess) -> None:
    api.refs.leads["hello", "x"] = UnknownLabel("hello", "x", "there is none.")
    answer = api.call("POST", "/v1/previews", json={"app": "hello", "label": "x"})
    assert refusal(answer) == (404, "unknown-label")
    answer = api.call("POST", "/v1/previews", json={"app": "nope", "label": "x"})
    assert refusal(answer) == (404, "unknown-app")
    assert api.previews.snapshot.list_previews() == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"app", "label"}),
        ({"app": "hello", "label": "main", "force": True}, {"force"}),
        ({"app": 7, "label": ["main"]}, {"app", "label"}),
        ([], {"body"}),
        ("main", {"body"}),
    ],
)
def test_a_malformed_order_is_refused_with_all_problems(
    api: ApiInProcess, body: object, fields: set[str]
) -> None:
    answer = api.call("POST", "/v1/previews", json=body)
    assert refusal(answer) == (422, "invalid-request")
    assert set(problems(answer)) == fields


def test_previews_are_listed_by_app_and_state(api: ApiInProcess) -> None:
    api.previews.add_app(AppRecord("other", "/srv/git/other"))
    api.previews.put("hello", SHA, State.RUNNING, created=2.0)
    api.previews.put("hello", OTHER, State.STOPPED, created=1.0)
    api.previews.put("other", SHA, State.RUNNING)

    def listed(query: str) -> list[tuple[str, str]]:
        previews = api.call("GET", f"/v1/previews{query}").json()["previews"]
        return [(one["app"], one["sha"]) for one in previews]

    assert listed("") == [("hello", OTHER), ("hello", SHA), ("other", SHA)]
    assert listed("?app=") == listed("")
    assert listed("?app=hello") == [("hello", OTHER), ("hello", SHA)]
    assert listed("?state=running") == [("hello", SHA), ("other", SHA)]
    assert listed("?app=other&state=stopped") == []
    answer = api.call("GET", "/v1/previews?state=sleeping")
    assert "'queued', 'placed'" in problems(answer)["state"]


def test_a_failed_preview_shows_the_reason_and_the_end_of_its_log(api: ApiInProcess) -> None:
    failed(api)
    shown = api.call("GET", ONE).json()
    assert shown["failure"] == {
        "cause": "app-exited",
        "message": "The app exited with 1.",
        "exit_code": 1,
        "mistakes": [],
    }
    assert shown["log_tail"] == "one\ntwo\n"
    assert shown["agent"] == {"id": "S0", "host": None}


def test_the_end_of_the_log_is_empty_while_the_agent_is_away(api: ApiInProcess) -> None:
    failed(api)
    api.sandboxes.away = True
    assert api.call("GET", ONE).json()["log_tail"] == ""


def test_the_end_of_a_long_log_is_its_last_whole_lines(api: ApiInProcess) -> None:
    failed(api)
    api.sandboxes.output["t1"] = b"".join(b"line %d\n" % n for n in range(1000)) + b"caf\xe9\n"
    tail = api.call("GET", ONE).json()["log_tail"]
    assert tail.startswith("line ")
    assert tail.endswith("line 999\ncaf\ufffd\n")
    assert 4000 < len(tail) <= 4096


def test_only_a_failed_preview_has_the_end_of_its_log(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.RUNNING, task_id="t1")
    assert "log_tail" not in api.call("GET", ONE).json()
    failed(api)
    assert "log_tail" not in api.call("GET", "/v1/previews").json()["previews"][0]


@pytest.mark.parametrize("sha", [SHA[:7], "main", "%C3%A9"])
def test_a_preview_is_known_by_its_whole_commit_alone(api: ApiInProcess, sha: str) -> None:
    calls = [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/log")]
    for method, end in [*calls, ("PUT", "/pin"), ("DELETE", "/pin")]:
        answer = api.call(method, f"/v1/previews/hello/{sha}{end}")
        assert refusal(answer) == (404, "unknown-preview")


def test_a_stop_ends_a_preview(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.RUNNING)
    answer = api.call("DELETE", ONE)
    assert (answer.status_code, answer.json()["state"]) == (202, "stopped")


def test_only_a_failed_preview_can_be_retried(api: ApiInProcess) -> None:
    failed(api)
    answer = api.call("POST", f"{ONE}/retry")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    answer = api.call("POST", f"{ONE}/retry")
    assert refusal(answer) == (409, "not-retryable")
    assert answer.json()["state"] == "queued"


def test_only_a_preview_with_an_attempt_can_be_restarted(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.RUNNING)
    answer = api.call("POST", f"{ONE}/restart")
    assert (answer.status_code, answer.json()["state"]) == (202, "draining")
    answer = api.call("POST", f"{ONE}/restart")
    assert refusal(answer) == (409, "not-restartable")
    assert answer.json()["state"] == "draining"


def test_a_pin_can_be_set_and_removed_again_and_again(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.RUNNING)
    for method, pinned in (("PUT", True), ("PUT", True), ("DELETE", False), ("DELETE", False)):
        answer = api.call(method, f"{ONE}/pin")
        assert (answer.status_code, answer.json()["pinned"]) == (200, pinned)
        assert api.previews.snapshot.preview("hello", SHA).pinned is pinned


def test_a_waiting_preview_shows_its_place_and_its_reason(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.QUEUED, reason="no agent has room")
    api.previews.queue_places["hello", SHA] = 3
    shown = api.call("GET", ONE).json()
    assert (shown["queue_place"], shown["reason"]) == (3, "no agent has room")


@pytest.mark.parametrize(
    ("state", "retry_at", "next_try"),
    [
        (State.QUEUED, 9e12, 9e12),
        (State.QUEUED, 0.0, None),
        (State.QUEUED, 1.0, None),
        (State.RUNNING, 9e12, None),
    ],
)
def test_a_preview_that_waits_for_a_retry_shows_its_time(
    api: ApiInProcess, state: State, retry_at: float, next_try: float | None
) -> None:
    api.previews.put("hello", SHA, state, retry_at=retry_at)
    assert api.call("GET", ONE).json()["next_try"] == next_try


def test_a_reason_why_nothing_starts_holds_for_every_waiting_preview(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.QUEUED, reason="no agent has room")
    api.previews.put("hello", OTHER, State.RUNNING)
    api.trouble = "The Mesos master has not accepted this framework yet."
    assert api.call("GET", ONE).json()["reason"] == api.trouble
    assert api.call("GET", f"/v1/previews/hello/{OTHER}").json()["reason"] == ""


def test_a_preview_with_companions_shows_the_sum_and_each_container(api: ApiInProcess) -> None:
    beside = (Companion("db", image="postgres:17", cpus=0.25, mem=256), Companion("worker"))
    wanted = CommitSettings(run=RunSettings(companions=beside))
    api.previews.put("hello", SHA, State.RUNNING, settings=wanted)
    shown = api.call("GET", ONE).json()
    assert (shown["cpus"], shown["mem"]) == (0.45, 512)
    assert shown["containers"] == [
        {"name": "app", "image": "", "cpus": 0.1, "mem": 128},
        {"name": "db", "image": "postgres:17", "cpus": 0.25, "mem": 256},
        {"name": "worker", "image": "", "cpus": 0.1, "mem": 128},
    ]


def test_a_preview_says_that_it_runs_without_its_volumes(api: ApiInProcess) -> None:
    at = {"agent_id": "S2", "agent_host": "10.0.0.6", "moved_from": "10.0.0.5"}
    api.previews.put("hello", SHA, State.RUNNING, **at)
    assert api.call("GET", ONE).json()["reason"] == (
        "It started on 10.0.0.6 without the volumes that it had on 10.0.0.5: nothing of what it "
        "stored there is here."
    )
    api.previews.change("hello", SHA, data="fix/1")
    shown = api.call("GET", ONE).json()
    assert (shown["data"], shown["reason"]) == (
        "fix/1",
        "It started on 10.0.0.6 without the data of the branch fix/1, which are on 10.0.0.5: "
        "nothing of what was stored there is here.",
    )
    api.previews.change("hello", SHA, seed="main")
    assert "without the data of the branch main," in api.call("GET", ONE).json()["reason"]
    api.previews.change("hello", SHA, state=State.STOPPED)
    assert api.call("GET", ONE).json()["reason"] == ""


def test_a_preview_shows_its_effective_settings_and_their_mistakes(api: ApiInProcess) -> None:
    mistake = Mistake(3, "prot is not known; did you mean port?")
    failure = Failure(Cause.SETTINGS_INVALID, "It has a mistake.", mistakes=(mistake,))
    wanted = CommitSettings(port=8000, mem=64)
    api.previews.put("hello", SHA, State.FAILED, failure=failure, settings=wanted)
    shown = api.call("GET", ONE).json()
    assert (shown["port"], shown["cpus"], shown["mem"]) == (8000, 0.1, 64)
    expected = [{"line": 3, "message": "prot is not known; did you mean port?"}]
    assert shown["failure"]["mistakes"] == expected
