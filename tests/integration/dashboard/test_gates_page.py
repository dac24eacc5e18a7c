"""The pages of gates in a real browser: live, without scripts, in any width, under attack."""

import dataclasses
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from framework.state.snapshot import Behind
from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    Override,
    Proposal,
    Revision,
    Rule,
    Sticky,
    Target,
)
from prevs.names import slug
from prevs.states import State
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.looks import Look, find_wrong, look_at, with_looks
from tests.integration.dashboard.scene import FAILED, HOSTILE, SHA

pytestmark = pytest.mark.integration

MAIN, BROKEN, GONE = Target("main"), Target("broken"), Target("3" * 40)
_LONG = "/" + "/".join(["orders"] * 28)


def run(dashboard: Dashboard, label: str, sha: str) -> None:
    """Let a preview run, and what waits for it come into force."""
    dashboard.previews.put("hello", sha, State.RUNNING, labels=(label,), task_id=f"of-{label}")
    dashboard.gates.reconcile()


def put_gate(dashboard: Dashboard, name: str, *rules: Rule, **fields: Any) -> GateRecord:
    """Add a gate of hello whose second revision is in force since an hour."""
    hour_ago = time.time() - 3600
    revision = Revision(2, rules or (Rule("/", (MAIN,)),), changed=hour_ago, by="ada")
    gate = GateRecord(name, "hello", revision, created=hour_ago)
    dashboard.gates.command(lambda _: None)  # the records get the apps
    return dashboard.jobs.records.gates.save(dataclasses.replace(gate, **fields))


def put_gates(dashboard: Dashboard) -> None:
    """Add gates that are in force and are not, wait and have failed."""
    now = time.time()
    run(dashboard, "main", SHA)
    dashboard.previews.put("hello", FAILED, State.QUEUED, labels=("broken",), reason=HOSTILE)
    split = (Target("main", 8000), Target("broken", 1500), Target("3" * 40, 500))
    rules = (
        Rule("/", split, None, Sticky.COOKIE),
        Rule(_LONG, (MAIN,), Condition(ConditionKind.HEADER, "v" * 200, "x-" + "y" * 60)),
        Rule(_LONG, (BROKEN,)),
    )
    commits = {"main": SHA, "broken": FAILED}
    earlier = (Revision(1, rules[:1], by=HOSTILE, changed=now - 9000, commits=commits),)
    hosts = (f"{'a' * 60}.{'b' * 60}.example.com",)
    change = Revision(3, (*rules[:2], Rule(_LONG, (GONE,))), tuple(Override), True, by=HOSTILE)
    change = dataclasses.replace(change, commits={"broken": FAILED, "gone": "4" * 40})
    waits = Proposal(change, hosts, keep=True, awaited=("broken", "gone"))
    put_gate(dashboard, "waits", *rules, hosts=hosts, earlier=earlier, proposal=waits)
    failed = dataclasses.replace(waits, failure=f"broken has failed: {HOSTILE * 5}")
    put_gate(dashboard, "failed", proposal=failed, earlier=earlier)
    put_gate(dashboard, "new", revision=Revision(0, ()), proposal=waits)
    put_gate(dashboard, "n" * 40)
    dashboard.gates.behind = {"waits": Behind(2, 3), "failed": Behind(0, 3)}


GATE = "/apps/hello/gates/api"
CART = slug("feature/cart")


def test_a_weight_is_switched_and_rolled_back_where_it_stands(
    page: Page, dashboard: Dashboard
) -> None:
    run(dashboard, "main", SHA)
    run(dashboard, "broken", FAILED)
    put_gate(dashboard, "api", Rule("/", (MAIN,)), Rule("/v1", (MAIN,)))
    page.goto(GATE)
    page.evaluate("window.stays = true")
    row, other = page.locator("#rule-0"), page.locator("#rule-1")
    other.locator("summary").press("Enter")
    other.get_by_label("Label 2", exact=True).fill("half a wo")
    row.locator("summary").press("Enter")
    row.get_by_label("Label 2", exact=True).fill("broken")
    row.get_by_role("slider", name="weight of label 2").fill("30")
    expect(row.get_by_role("spinbutton", name="Weight of label 1")).to_have_value("70")
    row.get_by_role("button", name="Switch", exact=True).press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("The gate leads there.")
    expect(row.locator(".leads li")).to_contain_text(["main 70 %", "broken 30 %"])
    dashboard.gates.behind = {"api": Behind(2, 3)}
    expect(page.locator(".heading .chip")).to_have_text("behind: 2 of 3 proxies")
    dashboard.gates.behind = {"api": Behind(0, 3)}
    expect(page.locator(".heading .chip")).to_have_text("in force at all proxies")
    page.get_by_role("button", name="Roll back to this: revision 2").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("leads where it led then")
    expect(row.locator(".leads li")).to_have_count(1)
    expect(row.get_by_label("Label 2", exact=True)).to_have_value("")
    expect(other.get_by_label("Label 2", exact=True)).to_have_value("half a wo")
    assert page.evaluate("window.stays")


def test_a_change_that_waits_is_followed_and_a_request_is_tried(
    page: Page, dashboard: Dashboard
) -> None:
    run(dashboard, "main", SHA)
    put_gate(dashboard, "api")
    dashboard.refs.put("hello", CART, "2" * 40)
    page.goto(GATE)
    page.evaluate("window.stays = true")
    page.get_by_label("Path", exact=True).fill("/cart/7?page=2")
    page.get_by_role("button", name="Try", exact=True).press("Enter")
    tried = page.locator("#tried")
    expect(tried).to_contain_text("Its path begins with /, and no condition holds for it.")
    row = page.locator("#rule-0")
    row.locator("summary").press("Enter")
    row.get_by_label("Label 1", exact=True).fill("nowhere")
    row.get_by_role("button", name="Switch", exact=True).press("Enter")
    expect(page.locator("#notice")).to_contain_text("no branch or tag of that name")
    row.get_by_label("Label 1", exact=True).fill(CART)
    row.get_by_role("button", name="Switch", exact=True).press("Enter")
    expect(page.locator("#proposal")).to_contain_text(f"/ main → becomes {CART}")
    expect(page.locator("#proposal li .chip")).to_have_text("queued")
    run(dashboard, CART, "2" * 40)
    expect(page.locator("#proposal")).to_have_count(0)
    expect(row.locator(".leads li")).to_contain_text(f"{CART} 2222222 running")
    expect(tried).to_contain_text("Its path begins with /")
    assert page.evaluate("window.stays")
    page.goto("/gates")
    dashboard.gates.behind = {"api": Behind(1, 1)}
    expect(page.get_by_role("row", name="api")).to_contain_text("behind: 1 of 1 proxy")


def test_gates_are_tried_and_switched_without_scripts(plain: Page, dashboard: Dashboard) -> None:
    run(dashboard, "main", SHA)
    run(dashboard, "broken", FAILED)
    put_gate(dashboard, "api")
    plain.goto("/")
    plain.get_by_role("link", name="Gates").click()
    plain.get_by_role("link", name="api", exact=True).click()
    plain.get_by_label("Path", exact=True).fill("/v1")
    plain.get_by_role("button", name="Try", exact=True).click()
    expect(plain.locator("#tried")).to_contain_text("main 5c80e7d")
    expect(plain.get_by_label("Path", exact=True)).to_have_value("/v1")
    assert plain.locator("input[type=range]:visible").count() == 0
    plain.locator("#rule-0 summary").click()
    plain.get_by_label("Label 1", exact=True).fill("broken")
    plain.get_by_role("button", name="Preview the change").click()
    expect(plain.locator("#preview")).to_contain_text("/ main → becomes broken")
    plain.get_by_role("button", name="Switch", exact=True).click()
    expect(plain.get_by_text("The gate leads there.")).to_be_visible()
    plain.get_by_role("button", name="Roll back to this").click()
    expect(plain.get_by_text("The gate leads where it led then.")).to_be_visible()


@with_looks
def test_each_page_of_gates_is_accessible_and_foreign_text_is_only_text(
    look: Look, phone: Page, dashboard: Dashboard
) -> None:
    assert find_wrong(phone, look, "/gates") == {}, "without gates"
    put_gates(dashboard)
    paths = ("/gates", "/apps/hello/gates/failed", "/apps/hello/gates/new")
    assert find_wrong(phone, look, *paths) == {}
    phone.goto("/apps/hello/gates/waits")
    for one in phone.locator("summary").all():
        one.click()
    phone.get_by_role("button", name="Try", exact=True).click()
    expect(phone.locator("#tried .notice")).to_be_visible()
    assert look_at(phone, look) == []
    phone.locator("#rule-1").get_by_role("button", name="Preview the change").click()
    expect(phone.locator("#preview")).to_be_visible()
    assert look_at(phone, look) == []
    phone.get_by_label("Label 1", exact=True).fill("No Label")
    phone.get_by_role("button", name="Switch", exact=True).click()
    expect(phone.locator(".wrong")).to_be_visible()
    assert look_at(phone, look) == []
