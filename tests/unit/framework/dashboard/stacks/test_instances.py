"""The other pages show the instances of variants: with their commit, and whose they are."""

from framework.access import Scope
from prevs.names import short
from prevs.records import EndedAttempt
from prevs.states import State
from tests.fakes.dashboard import Dashboard, Seen, Visitor
from tests.unit.framework.dashboard.stacks.conftest import BASKET, CART, open_variant, put_instance

LABEL = "cart-2--cart-shop"
VARIANT = "/stacks/shop#variant-cart-2"
OLD = "d" * 40


def test_an_instance_says_which_commit_it_is_and_of_which_variant(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    open_variant(dashboard)
    ended = EndedAttempt(1, "t1", 10.0, 22.0, "S1", "10.0.0.1", "running", why="Nobody came.")
    sha = put_instance(dashboard, State.RUNNING, attempts=(ended,), task_id="t2")
    page = f"/apps/basket/previews/{sha}"
    shown = Seen(visitor.get(page).text)
    assert shown.find("a", href=VARIANT)
    assert (
        "An instance of its own in the variant cart-2 of the stack shop." in visitor.see(page).words
    )
    assert shown.find("a", href=f"http://{LABEL}.localhost:8080/")
    assert f"{page}/stop" in shown.buttons()
    assert f"{page}/pin" not in shown.buttons(), "it is pinned with its variant"
    for path in (page, f"{page}/attempts/1"):
        text = visitor.see(path).words
        assert short(CART) in text
        assert sha not in text
        assert short(sha) not in text
    name = visitor.get(f"{page}/log.txt").headers["Content-Disposition"]
    assert f"basket-{short(CART)}.log" in name


def test_lists_show_the_commit_and_lead_to_the_instance(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    open_variant(dashboard)
    old = put_instance(dashboard, State.RUNNING, commit=OLD)
    sha = put_instance(dashboard, State.QUEUED, reason="No agent has room.")
    dashboard.previews.queue_places["basket", sha] = 1
    for path in ("/apps/basket?show=previews", "/queue"):
        page = Seen(visitor.get(path).text)
        assert page.find("a", href=f"/apps/basket/previews/{sha}")
        assert short(CART) in page.text
        assert short(sha) not in page.text
    page = Seen(visitor.get("/apps/basket?show=previews").text)
    assert page.find("a", href=VARIANT)
    assert page.find("a", href=f"http://{LABEL}.localhost:8080/")
    assert f"Its address leads to {short(OLD)} until this one runs." in page.text
    rivals = visitor.see(f"/apps/basket/previews/{sha}").words
    assert f"{LABEL} leads to {short(OLD)} until this one runs" in rivals
    assert short(old) not in rivals
    listed = visitor.get("/apps/basket").text
    assert LABEL not in listed, "it is no branch"


def test_an_instance_is_started_by_its_label(dashboard: Dashboard, visitor: Visitor) -> None:
    open_variant(dashboard)
    answer = visitor.act("/apps/basket/start", label=LABEL)
    (started,) = (one for one in dashboard.previews.snapshot.list_previews() if one.instance)
    assert started.commit == CART
    assert answer.headers["Location"] == f"/apps/basket/previews/{started.sha}?did=start"
    assert dashboard.notes()[-1][2] == f"basket/{started.sha}"


def test_a_gate_of_a_stack_leads_to_it_and_has_no_forms(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    open_variant(dashboard)
    put_instance(dashboard, State.RUNNING)
    gate = "/apps/basket/gates/cart-shop"
    shown = Seen(visitor.get(gate).text)
    assert shown.find("a", href="/stacks/shop")
    assert shown.find("a", href=VARIANT)
    assert shown.buttons() == {"/sign-out"}
    text = visitor.see(gate).words
    assert f"cart-2 leads to {LABEL}" in text
    assert f"main {short(BASKET)} running" in text
    assert "of the stack shop" in visitor.see("/gates").words
    form = {"csrf": visitor.csrf(), "path": "/", "label0": "cart-2", "was": "main=10000"}
    refused = visitor.post(f"{gate}/switch", form)
    assert refused.status_code == 422
    assert "is that of a member of the stack" in refused.text
    assert visitor.act(f"{gate}/rollback", revision="1").status_code == 409


def test_forms_suggest_no_labels_of_instances(dashboard: Dashboard) -> None:
    open_variant(dashboard)
    put_instance(dashboard, State.RUNNING)
    user = dashboard.enter(Scope.USE)
    assert Seen(user.get("/stacks/shop").text).find("option", value="main")
    assert not Seen(user.get("/stacks/shop").text).find("option", value=LABEL)
