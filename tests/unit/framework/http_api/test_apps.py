import time
from typing import Any

import pytest

from framework.errors import AmbiguousLabel, RepositoryUnreachable, Unavailable, UnknownLabel
from framework.meanings import Meaning, Suggestion
from prevs.records import AppRecord
from tests.fakes.asgi import ApiInProcess, problems, refusal

HELLO = {"name": "hello", "repository": "/srv/git/hello"}
SHA, OTHER = "a" * 40, "b" * 40


def problems_of(api: ApiInProcess, method: str, path: str, body: Any) -> dict[str, str]:
    answer = api.call(method, path, json=body)
    assert refusal(answer) == (422, "invalid-settings")
    return problems(answer)


def test_a_new_app_gets_the_defaults_and_a_location() -> None:
    api = ApiInProcess()
    answer = api.call("POST", "/v1/apps", json=HELLO)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/apps/hello"
    assert answer.json() == {
        "name": "hello",
        "repository": "/srv/git/hello",
        "port": 8080,
        "cpus": 0.1,
        "mem": 128,
        "max_previews": 10,
        "max_jobs": 10,
        "health": "/",
        "idle_after": 3600,
        "keep_warm": [],
        "constraints": [],
        "folder": "",
        "service": "",
        "max_cpus": 1.0,
        "max_mem": 2048,
        "room": "auto",
        "room_shows": "full",
        "forge": "auto",
        "forge_kind": "none",
        "forge_token_set": None,
        "pulls": "auto",
        "pulls_followed": "off",
        "forks": "approve",
        "warm": "off",
        "tell": ["comment", "status"],
        "created": 1000.0,
    }
    assert api.call("GET", "/v1/apps/hello").json() == answer.json()
    assert api.call("GET", "/v1/apps").json()["apps"] == [answer.json()]


def test_the_same_app_again_is_no_error_and_another_of_its_name_is(api: ApiInProcess) -> None:
    assert api.call("POST", "/v1/apps", json=HELLO).status_code == 200
    answer = api.call("POST", "/v1/apps", json={**HELLO, "port": 80})
    assert refusal(answer) == (409, "app-exists")
    assert answer.json()["app"] == "hello"


def test_all_problems_of_settings_are_reported_at_once() -> None:
    body = {
        "name": "Hello",
        "repository": "ext::sh",
        "port": 0,
        "cpus": 0.001,
        "mem": 1,
        "max_previews": 0,
        "max_jobs": 0,
        "health": "no path",
        "idle_after": -1,
        "keep_warm": "always",
        "constraints": [7],
        "colour": "red",
    }
    api = ApiInProcess()
    assert set(problems_of(api, "POST", "/v1/apps", body)) == set(body)
    assert api.previews.snapshot.list_apps() == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "a" * 41, "must have 1 to 40"),
        ("name", "a--b", "single hyphens"),
        ("name", "sign-in", "is reserved"),
        ("name", 7, "valid string"),
        ("repository", "hello", "neither an absolute path nor a git URL"),
        ("repository", "https://ada:secret@host/x", "credentials"),
        ("port", 65536, "less than or equal to 65535"),
        ("port", "80", "valid integer"),
        ("port", True, "valid integer"),
        ("cpus", 65, "less than or equal to 64"),
        ("mem", 15, "greater than or equal to 16"),
        ("mem", 1048577, "less than or equal to 1048576"),
        ("max_previews", 1001, "less than or equal to 1000"),
        ("health", "/a b", "no spaces"),
        ("health", "/a\n", "control characters"),
        ("health", "/" + "a" * 200, "at most 200"),
        ("idle_after", -1, "greater than or equal to 0"),
        ("idle_after", 31_536_001, "less than or equal to 31536000"),
        ("idle_after", 1.5, "valid integer"),
        ("keep_warm", "mon-fri 08:00-18:00", "valid list"),
        ("keep_warm", ["mon-fri 08:00-18:00"] * 21, "at most 20"),
        (
            "keep_warm",
            ["sat 08:00-09:00", "8-18"],
            "'8-18' is not a range of hours; write for example",
        ),
        ("constraints", {"zone": "a"}, "valid list"),
        ("constraints", ["gpu", "zone=="], "'zone==' is not a constraint; write name=value"),
        ("constraints", ["zone=" + "a" * 196], "at most 200"),
        ("folder", "../web", "is not a folder in the repository: write it like services/web"),
        ("folder", "a" * 201, "at most 200"),
        ("max_cpus", -1, "greater than or equal to 0"),
        ("max_cpus", 65, "less than or equal to 64"),
        ("max_mem", 1048577, "less than or equal to 1048576"),
        ("max_mem", 1.5, "valid integer"),
        ("colour", "red", "is not known here"),
    ],
)
def test_a_setting_that_cannot_be_taken_is_refused_by_name(
    field: str, value: object, message: str
) -> None:
    problems = problems_of(ApiInProcess(), "POST", "/v1/apps", {**HELLO, field: value})
    assert set(problems) == {field}
    assert message in problems[field]
    assert "secret" not in problems[field]


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_number_that_json_does_not_have_is_refused(number: str) -> None:
    body = f'{{"name": "hello", "repository": "/x", "cpus": {number}}}'
    headers = {"Content-Type": "application/json"}
    answer = ApiInProcess().call("POST", "/v1/apps", content=body, headers=headers)
    assert refusal(answer) == (422, "invalid-settings")
    assert list(problems(answer)) == ["cpus"]


def test_a_missing_setting_is_reported() -> None:
    assert problems_of(ApiInProcess(), "POST", "/v1/apps", {}) == {
        "name": "is missing",
        "repository": "is missing",
    }


def test_a_change_touches_only_what_it_names(api: ApiInProcess) -> None:
    answer = api.call("PATCH", "/v1/apps/hello", json={"mem": 256, "cpus": 2})
    assert answer.status_code == 200
    assert (answer.json()["mem"], answer.json()["cpus"]) == (256, 2.0)
    assert (answer.json()["port"], answer.json()["repository"]) == (8080, "/srv/git/hello")
    assert api.call("PATCH", "/v1/apps/hello", json={}).json() == answer.json()


ROOM = {
    "idle_after": 0,
    "keep_warm": ["mon-fri 08:00-18:00", "sat 10:00-12:00"],
    "constraints": ["zone=a|b", "disk!=slow", "gpu"],
    "folder": "services/web",
    "max_cpus": 2.0,
    "max_mem": 1024,
}


def test_idle_time_warm_hours_and_constraints_are_kept_as_they_were_sent(api: ApiInProcess) -> None:
    added = api.call("POST", "/v1/apps", json={"name": "shop", "repository": "/x", **ROOM})
    assert added.status_code == 201
    assert added.json().items() >= ROOM.items()
    again = api.call("POST", "/v1/apps", json={"name": "shop", "repository": "/x", **ROOM})
    assert again.status_code == 200
    assert api.call("PATCH", "/v1/apps/hello", json=ROOM).json().items() >= ROOM.items()
    for name in ("shop", "hello"):
        record = api.previews.snapshot.app(name)
        assert AppRecord.decode(record.encode()) == record
        assert record.constraints == ("zone=a|b", "disk!=slow", "gpu")
    cleared = api.call("PATCH", "/v1/apps/hello", json={"constraints": []}).json()
    assert (cleared["constraints"], cleared["keep_warm"]) == ([], ROOM["keep_warm"])


@pytest.mark.parametrize("change", [{"name": "other"}, {"created": 1}, {"mem": None}, {"mem": 1}])
def test_a_setting_that_cannot_change_is_refused_by_name(
    api: ApiInProcess, change: dict[str, object]
) -> None:
    assert set(problems_of(api, "PATCH", "/v1/apps/hello", change)) == set(change)


def test_a_removed_app_is_unknown(api: ApiInProcess) -> None:
    assert api.call("DELETE", "/v1/apps/hello").status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"mem": 64})):
        assert refusal(api.call(method, "/v1/apps/hello", json=body)) == (404, "unknown-app")


def test_a_label_is_shown_with_its_commit_and_address(api: ApiInProcess) -> None:
    answer = api.call("GET", "/v1/apps/hello/labels/main")
    assert answer.status_code == 200
    assert answer.json() == {
        "app": "hello",
        "label": "main",
        "sha": SHA,
        "commit": SHA,
        "kind": "branch",
        "ref": "main",
        "author": "Ada",
        "subject": "Say hello",
        "committed": 1000.0,
        "url": "http://main.hello.localhost:8080/",
        "as_of": None,
        "problem": "",
        "place": None,
    }


@pytest.mark.parametrize("age", [720.0, None])
def test_a_label_of_an_unreachable_repository_has_a_reason_and_a_time(
    api: ApiInProcess, age: float | None
) -> None:
    api.refs.put_away("hello", "main", age)
    before = time.time()
    shown = api.call("GET", "/v1/apps/hello/labels/main").json()
    started = api.call("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    assert started.status_code == 202
    for fields in (shown, started.json()):
        assert fields["sha"] == SHA
        assert fields["problem"] == "It cannot be read: it is away"
        if age is None:
            assert fields["as_of"] is None
        else:
            assert before - 720 <= fields["as_of"] <= time.time() - 720


@pytest.mark.parametrize("label", ["nope", "feature/a", "feature%2Fa", "%C3%A9"])
def test_a_label_that_leads_nowhere_is_a_problem_with_the_reason(
    api: ApiInProcess, label: str
) -> None:
    answer = api.call("GET", f"/v1/apps/hello/labels/{label}")
    assert refusal(answer) == (404, "unknown-label")
    assert "no branch or tag of that name" in answer.json()["detail"]
    assert answer.json()["app"] == "hello"


def test_an_ambiguous_label_comes_with_its_candidates_and_their_addresses(
    api: ApiInProcess,
) -> None:
    candidates = [Meaning(SHA, "branch", "v1", "One"), Meaning(OTHER, "tag", "v1", "Two")]
    api.refs.leads["hello", "v1"] = AmbiguousLabel("hello", "v1", candidates)
    answer = api.call("GET", "/v1/apps/hello/labels/v1")
    assert refusal(answer) == (409, "ambiguous-label")
    assert answer.json()["candidates"] == [
        {
            "sha": one.sha,
            "kind": one.kind,
            "ref": "v1",
            "subject": one.subject,
            "url": f"http://{one.sha}.hello.localhost:8080/",
        }
        for one in candidates
    ]


def test_an_unknown_label_comes_with_similar_labels_and_their_addresses(api: ApiInProcess) -> None:
    meant = [Suggestion("main", "branch", "main", SHA, True)]
    api.refs.leads["hello", "mian"] = UnknownLabel("hello", "mian", "there is none.", meant)
    answers = [
        api.call("GET", "/v1/apps/hello/labels/mian"),
        api.call("POST", "/v1/previews", json={"app": "hello", "label": "mian"}),
    ]
    for answer in answers:
        assert refusal(answer) == (404, "unknown-label")
        assert answer.json()["candidates"] == [
            {
                "label": "main",
                "kind": "branch",
                "ref": "main",
                "sha": SHA,
                "near": True,
                "url": "http://main.hello.localhost:8080/",
            }
        ]


def test_a_repository_that_cannot_be_read_is_a_bad_gateway(api: ApiInProcess) -> None:
    error = RepositoryUnreachable("hello", "https://a:secret@host/x", "no route to host")
    api.refs.leads["hello", "main"] = error
    answer = api.call("GET", "/v1/apps/hello/labels/main")
    assert refusal(answer) == (502, "repository-unreachable")
    assert answer.json()["repository"] == "https://***@host/x"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/apps", HELLO),
        ("PATCH", "/v1/apps/hello", {"mem": 64}),
        ("DELETE", "/v1/apps/hello", None),
        ("PUT", f"/v1/previews/hello/{SHA}/pin", None),
        ("DELETE", f"/v1/previews/hello/{SHA}/pin", None),
    ],
)
def test_a_write_that_cannot_be_stored_now_has_retry_after(
    api: ApiInProcess, method: str, path: str, body: object
) -> None:
    api.previews.error = Unavailable("ZooKeeper")
    answer = api.call(method, path, json=body)
    assert refusal(answer) == (503, "unavailable")
    assert answer.json()["detail"] == "ZooKeeper does not answer now. Try again in a few seconds."
    assert int(answer.headers["Retry-After"]) > 0


def test_the_standard_port_is_left_out_of_addresses() -> None:
    api = ApiInProcess(port=80)
    api.previews.add_app(AppRecord("hello", "/x"))
    api.refs.put("hello", "main", SHA)
    lead = api.call("GET", "/v1/apps/hello/labels/main").json()
    assert lead["url"] == "http://main.hello.localhost/"


def test_the_content_of_a_waiting_room_is_set_or_follows_from_the_apps_credential(
    api: ApiInProcess,
) -> None:
    def shown() -> tuple[str, str]:
        fields = api.call("GET", "/v1/apps/hello").json()
        return fields["room"], fields["room_shows"]

    assert shown() == ("auto", "full")
    api.call("PUT", "/v1/apps/hello/credential", json={"password": "hunter2"})
    assert shown() == ("auto", "status")
    assert api.call("PATCH", "/v1/apps/hello", json={"room": "full"}).json()["room_shows"] == "full"
    assert shown() == ("full", "full")
    assert refusal(api.call("PATCH", "/v1/apps/hello", json={"room": "x"}))[0] == 422
