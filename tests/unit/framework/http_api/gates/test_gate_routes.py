"""The calls about gates: written, shown, switched, rolled back, tried and removed."""

from typing import Any

import pytest

from framework.access import Scope
from framework.errors import AmbiguousLabel, RepositoryUnreachable
from framework.state.snapshot import Behind
from prevs.states import State
from tests.fakes.apis import A, B, C, GatesApi, gate, rule
from tests.fakes.asgi import problems, refusal

VERSION = {"header": "X-Version", "is": "2"}


@pytest.fixture
def api() -> GatesApi:
    return GatesApi()


def find(api: GatesApi, name: str = "api") -> Any:
    answer = api.ask("GET", f"/{name}", Scope.READ)
    assert answer.status_code == 200, answer.text
    return answer.json()


def leads(shown: dict[str, Any]) -> dict[str, str]:
    return {one["path"]: one["to"][0]["label"] for one in shown["rules"]}


def test_a_written_gate_waits_for_its_target_and_is_in_force_then(api: GatesApi) -> None:
    answer = api.write(gate())
    assert (answer.status_code, answer.json()) == (202, find(api))
    waits = answer.json()
    assert (waits["revision"], waits["changed"], waits["rules"]) == (0, None, [])
    assert (waits["proposal"]["revision"], waits["proposal"]["by"]) == (1, "a-admin")
    (awaited,) = waits["proposal"]["awaits"]
    assert (awaited["label"], awaited["commit"], awaited["state"]) == ("main", A, "queued")
    assert api.notes()[-1] == ("a-admin", "write gate", "api", 202)
    api.run("main")
    api.gates.behind = {"api": Behind(2, 3)}
    shown = find(api)
    assert (shown["revision"], leads(shown), shown["proposal"]) == (1, {"/": "main"}, None)
    assert (shown["url"], shown["behind"]) == ("http://api.localhost:8080/", 2)
    (lead,) = shown["leads"]
    assert (lead["label"], lead["commit"], lead["state"]) == ("main", A, "running")
    assert lead["url"] == "http://main.hello.localhost:8080/"


def test_what_runs_already_is_in_force_at_once(api: GatesApi) -> None:
    api.run("main", "v1")
    assert api.write(gate()).status_code == 201
    answer = api.write(gate(rule("/", "v1")))
    assert (answer.status_code, leads(answer.json())) == (200, {"/": "v1"})


def test_what_is_shown_may_be_written_again(api: GatesApi) -> None:
    api.run("main", "v1")
    order = gate(
        {
            "path": "/v2",
            "to": [{"label": "main", "weight": 90}, {"label": "v1", "weight": 10}],
            "sticky": "cookie",
        },
        rule("/", "v1", when=VERSION),
        rule("/", "v1", when={"accept": "shop.v2+json"}),
        rule("/", "main"),
        hosts=["api.example.com"],
        keep=True,
        override=["header", "query"],
        unknown=400,
    )
    shown = api.write(order).json()
    assert shown["rules"][0]["to"][1] == {"label": "v1", "weight": 10.0}
    when = {name: value for name, value in shown["rules"][1]["when"].items() if value is not None}
    assert when == {"header": "x-version", "is": "2"}
    again = {name: shown[name] for name in order}
    assert api.write(again).json() == shown


def test_all_mistakes_are_told_at_once_with_their_places(api: GatesApi) -> None:
    api.refs.leads["hello", "v2"] = AmbiguousLabel("hello", "v2", [])
    order = gate(
        rule("/v1", "gone"),
        rule("/v2", "v2"),
        rule("v3", "main"),
        rule("/v4", "No Label"),
        rule("/v4/", "main"),
        override=["body"],
    )
    answer = api.write(order)
    assert refusal(answer) == (422, "invalid-settings")
    told = problems(answer)
    assert set(told) == {
        "override[0]",
        "rules[0].to[0].label",
        "rules[1].to[0].label",
        "rules[2].path",
        "rules[3].to[0].label",
    }
    assert "no branch or tag of that name" in told["rules[0].to[0].label"]
    assert api.ask("GET", "/api").status_code == 404


def test_a_dry_run_changes_nothing_and_starts_nothing(api: GatesApi) -> None:
    answer = api.write(gate(), query="?dry_run=true")
    assert (answer.status_code, answer.json()["proposal"]["awaits"][0]["state"]) == (200, None)
    assert api.notes()[-1] == ("a-admin", "write gate", "api (dry run)", 200)
    assert api.previews.known == {}
    assert refusal(api.ask("GET", "/api")) == (404, "unknown-gate")
    assert api.write(gate(rule("/", "gone")), query="?dry_run=true").status_code == 422


def test_with_force_nothing_is_waited_for(api: GatesApi) -> None:
    answer = api.write(gate(), query="?force=true")
    assert (answer.status_code, leads(answer.json())) == (201, {"/": "main"})
    assert answer.json()["leads"][0]["state"] is None
    assert api.previews.known == {}


def test_a_target_that_has_failed_is_refused_with_its_reason(api: GatesApi) -> None:
    api.previews.put("hello", A, State.FAILED, labels=("main",), reason="make: no rule")
    answer = api.write(gate())
    assert refusal(answer) == (409, "target-failed")
    assert "main (aaaaaaa) has failed: make: no rule." in answer.json()["detail"]
    assert api.ask("GET", "/api").status_code == 404


def test_a_switch_changes_one_rule(api: GatesApi) -> None:
    api.run("main", "v1")
    api.write(gate(rule("/", "main"), rule("/v1", "main")))
    answer = api.ask("POST", "/api/switch", json={"path": "/v1", "label": "v1"})
    assert (answer.status_code, leads(answer.json())) == (200, {"/": "main", "/v1": "v1"})
    assert api.notes()[-1] == ("a-admin", "switch gate", "api", 200)
    assert answer.json()["earlier"][0]["commits"] == {"main": A}
    waits = api.ask("POST", "/api/switch", json={"path": "/v1", "label": "v2", "weight": 10})
    assert (waits.status_code, leads(waits.json())) == (202, {"/": "main", "/v1": "v1"})
    assert [one["label"] for one in waits.json()["proposal"]["awaits"]] == ["v1", "v2"]
    gone = api.ask("POST", "/api/switch", json={"path": "/v1", "label": "gone"})
    assert refusal(gone) == (404, "unknown-label")
    wrong = api.ask("POST", "/api/switch", json={"path": "/v3", "label": "v1"})
    assert refusal(wrong) == (404, "unknown-rule")
    heavy = {"path": "/v1", "label": "main", "weight": 95}
    assert refusal(api.ask("POST", "/api/switch", json=heavy)) == (409, "weight-refused")


def test_a_rollback_needs_no_repository(api: GatesApi) -> None:
    api.run("main", "v1")
    api.write(gate())
    api.write(gate(rule("/", "v1")))
    for label in ("main", "v1"):
        api.refs.leads["hello", label] = RepositoryUnreachable("hello", "/srv/git/hello", "away")
    answer = api.ask("POST", "/api/rollback", json={})
    assert (answer.status_code, leads(answer.json())) == (200, {"/": "main"})
    assert api.notes()[-1] == ("a-admin", "roll back gate", "api", 200)
    assert api.ask("POST", "/api/rollback", json={"revision": 2}).json()["revision"] == 4
    missing = api.ask("POST", "/api/rollback", json={"revision": 9})
    assert refusal(missing) == (404, "unknown-revision")
    assert missing.json()["number"] == 9


def test_a_rollback_leads_to_the_commit_of_then_although_its_branch_has_moved(
    api: GatesApi,
) -> None:
    api.run("main", "v1")
    api.write(gate())
    api.write(gate(rule("/", "v1")))
    api.previews.put("hello", C, State.RUNNING, labels=("main",), task_id="of-c", started=2.0)
    api.previews.change("hello", A, labels=())
    answer = api.ask("POST", "/api/rollback", json={})
    assert (answer.status_code, leads(answer.json())) == (200, {"/": A})
    assert answer.json()["leads"][0]["commit"] == A


def test_a_gate_whose_branch_is_gone_says_where_it_stays(api: GatesApi) -> None:
    api.run("main", "v1")
    weighted = [{"label": "main", "weight": 50}, {"label": "v1", "weight": 50}]
    api.write(gate({"path": "/", "to": weighted}))
    api.gates.gone("api", v1=12.5)
    del api.refs.leads["hello", "v1"]
    shown = find(api)
    (main, v1) = shown["leads"]
    assert (main["gone_since"], v1["gone_since"]) == (None, 12.5)
    assert (v1["commit"], v1["state"], shown["on_delete"]) == (B, "running", "stay")
    tried = api.ask("POST", "/api/try", json={"path": "/", "lot": 0}).json()
    why = f"No branch leads to it any more, so it stays at {B[:7]}."
    assert (tried["label"], tried["commit"]) == ("v1", B)
    assert tried["why"].endswith(why)
    # Its address starts that, also while the repository is away, and a file is taken as it is.
    for away in (None, RepositoryUnreachable("hello", "/srv/git/hello", "away")):
        if away:
            api.refs.leads["hello", "v1"] = away
        order = {"app": "hello", "label": "v1"}
        started = api.send("POST", "/v1/previews", json=order, headers=api.bearer(Scope.USE))
        assert (started.status_code, started.json()["commit"]) == (202, B), started.text
        assert api.write(gate({"path": "/", "to": weighted})).status_code == 200
    assert set(problems(api.write(gate(on_delete="forget")))) == {"on_delete"}


@pytest.mark.parametrize(
    ("order", "label", "why"),
    [
        ({"path": "/v1/x"}, "v1", "Its path begins with /v1, and no condition holds for it."),
        ({"path": "/v10"}, "main", "Its path begins with /, and no condition holds for it."),
        (
            {"path": "/", "headers": {"x-vErsion": "2"}},
            "v2",
            "Its path begins with /, and its header x-version is 2.",
        ),
        (
            {"path": "/", "headers": {"X-Version": "3"}},
            None,
            "No rule is for the header x-version 3, and the gate refuses unknown versions.",
        ),
        ({"path": "/v1", "query": {"prevs-ref": "feature"}}, "feature", "Its override names"),
        ({"path": "/w", "lot": 999}, "v1", "Its path begins with /w"),
        ({"path": "/w", "cookies": {"prevs-lot": "1000"}}, "main", "Its path begins with /w"),
        ({"path": "/w", "headers": {"Cookie": "a=1; prevs-lot=1000"}}, "main", "begins with /w"),
        ({"path": "/w", "cookies": {"prevs-lot": "x"}}, None, "The client's lot decides."),
        ({"path": "/a", "cookies": {"prevs-lot": "0001"}}, None, "The client's lot decides."),
        (
            {"path": "/", "headers": {"X-Version": " 2\t"}},
            "v2",
            "Its path begins with /, and its header x-version is 2.",
        ),
        ({"path": "/w", "cookies": {"prevs-lot": ["0000", "1000"]}}, "main", "begins with /w"),
        ({"path": "/w", "headers": {"Cookie": "prevs-lot=0000; prevs-lot=1000 "}}, "main", "/w"),
        ({"path": "/w"}, None, "no condition holds for it. The client's lot decides."),
    ],
)
def test_a_request_is_tried(api: GatesApi, order: dict[str, Any], label: str, why: str) -> None:
    api.run("main", "v1", "v2")
    weighted = [{"label": "main", "weight": 90}, {"label": "v1", "weight": 10}]
    api.write(
        gate(
            rule("/", "main"),
            rule("/v1", "v1"),
            rule("/", "v2", when=VERSION),
            {"path": "/w", "to": weighted, "sticky": "cookie"},
            {"path": "/a", "to": weighted},
            override=["query"],
            unknown=400,
        )
    )
    answer = api.ask("POST", "/api/try", Scope.USE, json=order)
    assert answer.status_code == 200, answer.text
    tried = answer.json()
    assert tried["label"] == label
    assert why in tried["why"]
    assert tried["status"] == (400 if "refuses" in why else None)
    assert tried["commit"] == {"main": A, "v1": B, "v2": C}.get(label)


def test_a_change_of_a_revision_that_was_changed_meanwhile_is_refused(api: GatesApi) -> None:
    api.run("main", "v1")
    assert api.write(gate()).headers["ETag"] == '"1"'
    seen = {"If-Match": api.ask("GET", "/api", Scope.READ).headers["ETag"]}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "/api", gate(rule("/", "v1"))),
        ("PUT", "/api?dry_run=true", gate(rule("/", "v1"))),
        ("POST", "/api/switch", {"label": "v1"}),
        ("POST", "/api/rollback", {}),
    ]
    waits = api.ask("POST", "/api/switch", json={"label": "v2"}, headers=seen)
    assert (waits.status_code, waits.headers["ETag"]) == (202, '"2"')
    for method, path, body in calls:
        answer = api.ask(method, path, json=body, headers=seen)
        assert refusal(answer) == (412, "revision-changed")
        assert "has revision 2 by now, written by a-admin" in answer.json()["detail"]
        assert answer.json()["number"] == 2
    assert find(api)["proposal"]["revision"] == 2
    for (method, path, body), tag in zip(calls, ('W/"1", "2"', "*", '"3"', '"3"'), strict=True):
        answer = api.ask(method, path, json=body, headers={"If-Match": tag})
        assert answer.status_code == 200, answer.text


def test_a_change_of_a_gate_that_is_gone_is_refused(api: GatesApi) -> None:
    answer = api.ask("PUT", "/api", json=gate(), headers={"If-Match": '"1"'})
    assert refusal(answer) == (412, "revision-changed")
    assert "There is no gate 'api' any more." in answer.json()["detail"]


def test_a_removed_gate_is_gone(api: GatesApi) -> None:
    api.write(gate(), query="?force=true")
    assert api.ask("DELETE", "/api").status_code == 204
    assert api.notes()[-1] == ("a-admin", "remove gate", "api", 204)
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/try", {"path": "/"}),
        ("POST", "/switch", {"label": "main"}),
    ):
        assert refusal(api.ask(method, f"/api{path}", json=body)) == (404, "unknown-gate")


def test_a_token_for_another_app_sees_no_gate_of_this_one(api: GatesApi) -> None:
    api.write(gate(), query="?force=true")
    assert refusal(api.ask("GET", "/api", Scope.USE, "other")) == (403, "not-of-app")


def test_a_misspelt_part_that_is_missing_is_named(api: GatesApi) -> None:
    answer = api.ask("PUT", "/api", json={"app": "hello", "rule": [rule("/", "main")]})
    assert problems(answer)["rule"] == "is not known here; did you mean rules?"
