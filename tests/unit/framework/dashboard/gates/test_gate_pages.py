"""A gate's page: what is in force, what waits, and what people do there."""

import dataclasses
import re
from collections.abc import Sequence

import httpx

from framework.access import Scope
from framework.errors import RepositoryUnreachable
from framework.gates.written_rule import WrittenCondition, WrittenRule
from framework.state.snapshot import Behind
from prevs.records import AppRecord, Failure
from prevs.states import Cause, State
from tests.fakes.dashboard import HOSTILE, Dashboard, Seen, Visitor
from tests.unit.framework.dashboard.gates.conftest import (
    GATE,
    MAIN,
    ROOT,
    V1,
    B,
    C,
    fill,
    split,
    write,
)

VERSION = WrittenCondition(header="X-Version", value="2")


def switch(visitor: Visitor, place: int = 0, **changed: str) -> str:
    """Send the form of a rule; return the notice of what was done."""
    answer = send(visitor, f"{GATE}/switch", **{**fill(visitor, place), **changed})
    assert answer.status_code == 303, answer.text
    place_, _, did = answer.headers["Location"].partition("?did=")
    assert place_ == GATE
    return did


def send(visitor: Visitor, to: str, **form: str) -> httpx.Response:
    """Send a form of a page; its fields may have any name."""
    return visitor.post(to, {"csrf": visitor.csrf(), **form})


def leads(dashboard: Dashboard) -> dict[str, int]:
    (rule,) = dashboard.gates.snapshot.gate("api").revision.rules
    return {target.label: target.weight for target in rule.to}


def test_a_gate_shows_its_rules_in_order_and_what_runs_behind_each_label(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    write(
        dashboard,
        split(90),
        WrittenRule("/v1/items", [V1]),
        WrittenRule("/", [V1], VERSION),
        hosts=["api.example.com"],
    )
    dashboard.gates.behind = {"api": Behind(1, 3)}
    page = visitor.get(GATE).text
    assert re.findall(r'<tr id="rule-(\d)"', page) == ["1", "2", "0"]
    text = visitor.see(GATE).words
    assert "header x-version is 2" in text
    assert "main 90 % aaaaaaa running v1 10 % bbbbbbb running" in text
    assert "behind: 1 of 3 proxies" in text
    assert "http://api.localhost:8080/, api.example.com" in text
    seen = Seen(page)
    assert seen.find("a", href=f"/apps/hello/previews/{B}")
    assert seen.find("a", href="http://v1.hello.localhost:8080/")
    assert seen.find("rect", x="90", width="10")
    dashboard.gates.behind = {"api": Behind(0, 3)}
    assert "in force at all proxies" in visitor.see(GATE).words


def test_an_admin_changes_weights_and_sees_before_what_that_changes(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    form = {**fill(visitor), "weight0": "70", "label1": "v1", "weight1": "30"}
    preview = send(visitor, f"{GATE}/switch", **form, act="preview")
    assert preview.status_code == 200
    text = " ".join(Seen(preview.text).text.split())
    assert "/ main → becomes main 70 %, v1 30 %" in text
    assert "It would be in force at once, as all of this runs: main aaaaaaa running" in text
    assert dashboard.notes()[-1] == ("operator", "switch gate", "api (dry run)", 200)
    assert leads(dashboard) == {"main": 10_000}
    assert switch(visitor, weight0="70", label1="v1", weight1="30") == "switch-gate"
    assert dashboard.notes()[-1] == ("operator", "switch gate", "api", 303)
    assert leads(dashboard) == {"main": 7000, "v1": 3000}
    assert dashboard.gates.snapshot.gate("api").revision.by == "operator"
    assert switch(visitor) == "same-gate"
    assert switch(visitor, label0="v1", weight0="", label1="", weight1="") == "switch-gate"
    assert leads(dashboard) == {"v1": 10_000}


def test_a_switch_waits_and_shows_what_for_and_can_be_given_up(
    dashboard: Dashboard, visitor: Visitor, reader: Visitor
) -> None:
    assert switch(visitor, label0="v2") == "gate-waits"
    dashboard.previews.queue_places["hello", C] = 1
    for text in (one.see(GATE).words for one in (visitor, reader)):
        assert "Revision 2 by operator waits" in text
        assert "/ main → becomes v2" in text
        assert "the gate stays as it is: v2 ccccccc queued, place 1" in text
        assert "Will lead to v2, with revision 2." in text
    assert "revision 2 waits For v2" in reader.see("/gates").words
    assert 'name="label0" type="text" value="v2"' in visitor.get(GATE).text
    answer = visitor.act(f"{GATE}/rollback", revision="1")
    assert answer.headers["Location"] == f"{GATE}?did=give-up-change"
    assert dashboard.gates.snapshot.gate("api").proposal is None


def test_what_has_failed_says_why_and_the_next_step(dashboard: Dashboard, visitor: Visitor) -> None:
    switch(visitor, label0="v2")
    why = Failure(Cause.BUILD_FAILED, HOSTILE, 1)
    dashboard.previews.change("hello", C, state=State.FAILED, failure=why)
    dashboard.gates.reconcile()
    page = visitor.get(GATE)
    assert "The gate stays as it is. " in page.text
    text = visitor.see(GATE).words
    assert "v2 (ccccccc) has failed: " in text
    assert "Retry it there, or lead elsewhere" in text
    assert "<script>alert" not in page.text
    assert not Seen(page.text).find("img")
    assert "/ main → becomes v2" in text
    assert 'name="label0" type="text" value="main"' in page.text
    preview = send(visitor, f"{GATE}/switch", **{**fill(visitor), "label0": "v2", "act": "preview"})
    assert "It would be refused, as v2 has failed." in preview.text
    refused = send(visitor, f"{GATE}/switch", **{**fill(visitor), "label0": "v2"})
    assert refused.status_code == 422
    assert "stays as it is. v2 (ccccccc) has failed" in refused.text


def test_an_earlier_revision_is_rolled_back_to(dashboard: Dashboard, visitor: Visitor) -> None:
    switch(visitor, label0="v1")
    row = visitor.see(GATE).words.partition("Earlier revisions")[2]
    assert "main aaaaaaa / v1 → becomes main Roll back to this" in row
    for label in ("main", "v1"):
        dashboard.refs.leads["hello", label] = RepositoryUnreachable("hello", "/hello.git", "away")
    answer = visitor.act(f"{GATE}/rollback", revision="1")
    assert answer.headers["Location"] == f"{GATE}?did=roll-back-gate"
    assert dashboard.notes()[-1] == ("operator", "roll back gate", "api", 303)
    assert leads(dashboard) == {"main": 10_000}
    assert visitor.act(f"{GATE}/rollback").status_code == 404
    gone = visitor.act(f"{GATE}/rollback", revision="9")
    assert gone.status_code == 404
    assert "has no revision 9. It has 2, 1." in Seen(gone.text).text


def test_a_new_gate_says_what_it_waits_for_before_anything_is_in_force(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    write(dashboard, WrittenRule("/", [dataclasses.replace(MAIN, label="v2")]), name="new")
    text = visitor.see("/apps/hello/gates/new").words
    assert "not in force yet" in text
    assert "/ no rule → becomes v2" in text
    assert "It is in force as soon as this runs: v2 ccccccc queued" in text
    page = visitor.get("/apps/hello/gates/new").text
    assert "/rollback" not in page
    assert 'id="try"' not in page


WRONG: Sequence[tuple[dict[str, str], str]] = [
    ({"weight0": "70", "label1": "v1", "weight1": "20"}, "make 100 together, not 90"),
    ({"label0": "No Label"}, "The label must be a label"),
    ({"label0": "nowhere"}, "no branch or tag of that name"),
    ({"label1": "v1"}, "The weight is missing"),
    ({"weight1": "10"}, "The label is missing"),
    ({"label0": "", "weight0": ""}, "is missing. Write where the rule is to lead."),
    ({"weight0": "ten"}, "must be a number"),
    ({"weight0": "90", "label1": "main", "weight1": "10"}, "is there twice"),
    ({"path": "/gone", "was": ""}, "no rule of the path /gone"),
    ({"was": "v1=10000"}, "changed by somebody else"),
    ({"kind": "weather", "value": HOSTILE}, "must have one of method, accept"),
]


def test_a_wrong_form_changes_nothing_says_why_and_keeps_what_was_typed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    shown, csrf = fill(visitor), visitor.csrf()
    for changed, said in WRONG:
        for act in ("preview", "switch"):
            form = {**shown, **changed, "act": act}
            answer = visitor.post(f"{GATE}/switch", {"csrf": csrf, **form})
            assert answer.status_code == 422, answer.text
            page = Seen(answer.text)
            assert said in " ".join(page.text.split())
            assert not page.find("img")
            for name in ("label0", "weight0"):
                (field,) = page.find("input", name=name)
                assert field["value"] == form[name]
    assert leads(dashboard) == {"main": 10_000}


def test_a_request_is_tried_by_whoever_may_use_the_app(dashboard: Dashboard, user: Visitor) -> None:
    write(dashboard, split(90), WrittenRule("/v1", [V1], VERSION), WrittenRule("/v1", [MAIN]))
    for path, headers, said in [
        ("/v1/x?a=b", "X-Version: 2", "v1 bbbbbbb Its path begins with /v1, and its header"),
        ("/v1/x", "x-version: 3", "main aaaaaaa Its path begins with /v1, and no condition"),
        ("/other", "", "main 90 %, v1 10 % Its path begins with /, and no condition holds"),
        ("v1", "", "The path must begin with /"),
        ("/v1", HOSTILE, "Headers must be one a line"),
    ]:
        answer = send(user, GATE, method="get", path=path, headers=headers)
        assert answer.status_code == 200
        page = Seen(answer.text)
        assert said in " ".join(page.text.partition("Nothing is sent.")[2].split())
        assert [one["value"] for one in page.find("input", name="path")] == [path]
        assert not page.find("img")
    assert dashboard.notes() == []


def test_others_see_no_controls_and_a_refusal_says_the_next_step(
    dashboard: Dashboard, reader: Visitor, user: Visitor, visitor: Visitor
) -> None:
    switch(visitor, label0="v1")
    admins = {f"{GATE}/switch", f"{GATE}/rollback"}
    found = [Seen(one.get(GATE).text).buttons() - {"/sign-out"} for one in (visitor, user, reader)]
    assert found == [{GATE, *admins}, {GATE}, set()]
    for who, path, form in [
        (user, f"{GATE}/switch", {"label0": "v1"}),
        (user, f"{GATE}/rollback", {"revision": "1"}),
        (reader, GATE, {"path": "/"}),
    ]:
        refused = send(who, path, **form)
        assert refused.status_code == 403
        assert "Anybody with an admin token can make one for you." in refused.text
    assert dashboard.notes()[-1] == ("a-read", "try gate", "hello/api", 403)
    assert leads(dashboard) == {"v1": 10_000}


def test_only_the_own_pages_may_send_forms(dashboard: Dashboard, visitor: Visitor) -> None:
    for path in ("", "/switch", "/rollback"):
        assert visitor.post(f"{GATE}{path}", {"csrf": "0", "revision": "1"}).status_code == 403
    assert leads(dashboard) == {"main": 10_000}


def test_a_gate_is_found_under_its_own_app_alone(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.previews.known_apps["other"] = AppRecord("other", "/other.git")
    for path in ("/apps/other/gates/api", "/apps/hello/gates/gone", "/apps/gone/gates/api"):
        for answer in (visitor.get(path), visitor.act(f"{path}/rollback", revision="1")):
            assert answer.status_code == 404
    other = dashboard.enter(Scope.USE, "other")
    assert send(other, GATE, path="/").status_code == 403
    assert other.get("/apps/other/gates/api").status_code == 404


def test_without_gates_the_lists_say_what_one_is(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.gates.command(lambda commands: commands.remove("api"))
    assert "There is no gate yet" in visitor.see("/gates").words
    assert "hello has no gate yet" in visitor.see("/apps/hello/gates").words
    assert "prevs gate set api -" in visitor.see("/gates").words
    assert visitor.get("/apps/gone/gates").status_code == 404


def test_gates_are_listed_with_what_is_in_force_and_what_waits(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    write(dashboard, ROOT, name="web")
    write(dashboard, WrittenRule("/", [V1]), name="web")
    dashboard.gates.behind = {"api": Behind(0, 3), "web": Behind(3, 3)}
    for place in ("/", "/apps/hello"):
        assert Seen(visitor.get(place).text).find("a", href=f"{place.rstrip('/')}/gates")
    text = visitor.see("/gates").words
    assert "api http://api.localhost:8080/ hello1 " in text
    assert "in force at all proxies web" in text
    assert "behind: 3 of 3 proxies" in text
    assert "web http://web.localhost:8080/ 2 " in visitor.see("/apps/hello/gates").words


def test_long_lists_have_pages(dashboard: Dashboard, visitor: Visitor) -> None:
    for number in range(31):
        write(dashboard, ROOT, name=f"g{number:02}")
    assert visitor.get("/gates").text.count("<tr id=") == 30
    assert visitor.get("/gates?after=30").text.count("<tr id=") == 2
    assert "no more gates" in visitor.get("/gates?after=60").text
