"""The pages of stacks in a real browser: live, without scripts, in any width, under attack."""

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from framework.state.snapshot import Behind
from prevs import names
from prevs.names import slug
from prevs.records import AppRecord, Failure
from prevs.stacks import Member
from prevs.states import Cause, State
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.looks import Look, find_wrong, look_at, with_looks
from tests.integration.dashboard.scene import FAILED, HOSTILE, SHA

pytestmark = pytest.mark.integration

STACK = "/stacks/shop"
CART = "2" * 40
_APPS = {"web": "hello", "cart": "shop-basket", "prices": "p" * 40}


def put_stack(dashboard: Dashboard) -> None:
    """Add three apps and their stack; main of each runs, and the basket has feature/cart."""
    for number, app in enumerate(_APPS.values()):
        if app not in dashboard.previews.known_apps:
            record = AppRecord(app, f"/{app}.git", created=time.time())
            dashboard.previews.known_apps[app] = record
        sha = SHA if app == "hello" else f"{number}" * 40
        dashboard.refs.put(app, "main", sha)
        dashboard.previews.put(app, sha, State.RUNNING, labels=("main",))
    dashboard.refs.put("shop-basket", names.slug("feature/cart"), CART)
    members = {member: Member(app, "main") for member, app in _APPS.items()}
    written = WrittenStack("web", members)
    dashboard.stacks.command(lambda commands: commands.write("shop", written, by="ada"))


def open_variant(dashboard: Dashboard, ref: str, *found: str, by: str = "ada", **more: Any) -> str:
    """Open a variant whose branch the members in `found` have; return its name."""
    written = WrittenVariant(ref, **more)
    _, name = dashboard.stacks.command(
        lambda commands: commands.open("shop", written, found, by=by)
    )
    return name


def put_instance(
    dashboard: Dashboard, variant: str, member: str, state: State, **fields: Any
) -> str:
    """Add a variant's own instance of a member; return the id of its preview."""
    stack = dashboard.stacks.snapshot.stack("shop")
    label, commit = stack.instance(variant, member), fields.pop("commit", CART)
    sha = names.instance_id(commit, label)
    app = stack.members[member].app
    dashboard.previews.put(
        app, sha, state, labels=(label,), instance=label, built_from=commit, **fields
    )
    return sha


def put_variants(dashboard: Dashboard) -> None:
    """Open variants: one with failed and waiting instances, one with all its own, one unstarted."""
    put_stack(dashboard)
    one = open_variant(dashboard, "feature/cart", "cart", own=("web",), by=HOSTILE)
    failure = Failure(Cause.BUILD_FAILED, HOSTILE * 5, 1)
    put_instance(dashboard, one, "cart", State.FAILED, failure=failure, commit=FAILED)
    sha = put_instance(dashboard, one, "web", State.QUEUED, reason=HOSTILE, commit=SHA)
    dashboard.previews.queue_places["hello", sha] = 1
    open_variant(dashboard, "l" * 200, own=tuple(_APPS), chosen={"web": "broken"})
    dashboard.stacks.command(lambda commands: commands.pin("shop", one, pinned=True))
    dashboard.stacks.behind = {name: Behind(2, 3) for name in ("shop", "cart-shop", "prices-shop")}


VARIANT = slug("feature/cart")


def test_a_variant_is_opened_followed_and_closed_where_it_stands(
    page: Page, dashboard: Dashboard
) -> None:
    put_stack(dashboard)
    page.goto(STACK)
    page.get_by_label("Branch or tag").fill("feature/cart")
    page.get_by_role("button", name="Open", exact=True).press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("The variant is open.")
    card = page.get_by_role("region", name=VARIANT)
    cart = page.locator(f"#in-{VARIANT}-cart")
    expect(cart).to_contain_text("not started")
    page.evaluate("window.stays = true")
    page.get_by_text("Open a variant").press("Enter")
    page.get_by_label("Branch or tag").fill("half a wo")
    sha = put_instance(dashboard, VARIANT, "cart", State.QUEUED, reason="No agent has room.")
    expect(cart).to_contain_text("queued No agent has room.")
    dashboard.previews.change("shop-basket", sha, state=State.RUNNING, reason="")
    expect(cart.locator(".chip")).to_have_text("running")
    card.get_by_role("button", name=f"Pin {VARIANT}", exact=True).press("Enter")
    expect(card.locator(".tag", has_text="pinned")).to_be_visible()
    expect(card.get_by_role("button", name=f"Unpin {VARIANT}")).to_be_focused()
    card.locator("summary").press("Enter")
    card.get_by_role("button", name=f"Close {VARIANT}").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("The variant is closed.")
    expect(card).to_have_count(0)
    expect(page.get_by_label("Branch or tag")).to_have_value("half a wo")
    assert page.evaluate("window.stays")


def test_stacks_are_used_without_scripts(plain: Page, dashboard: Dashboard) -> None:
    put_stack(dashboard)
    plain.goto("/")
    plain.get_by_role("link", name="Stacks").click()
    plain.get_by_role("link", name="shop", exact=True).click()
    plain.get_by_label("Branch or tag").fill("feature/cart")
    plain.get_by_label("cart is at the label").fill("nowhere")
    plain.get_by_label("own instance of web").check()
    plain.get_by_role("button", name="Open", exact=True).click()
    expect(plain.locator(".wrong")).to_contain_text("'nowhere' leads to no commit")
    expect(plain.locator("#open .notice")).to_be_in_viewport()
    expect(plain.get_by_label("own instance of web")).to_be_checked()
    plain.get_by_label("cart is at the label").fill("")
    plain.get_by_role("button", name="Open", exact=True).click()
    card = plain.get_by_role("region", name=VARIANT)
    expect(card.locator(".tag", has_text="own instance")).to_have_count(2)
    card.locator("summary").click()
    card.get_by_role("button", name=f"Close {VARIANT}").click()
    expect(plain.get_by_text("The variant is closed.")).to_be_visible()
    expect(card).to_have_count(0)


@with_looks
def test_each_page_of_stacks_is_accessible_and_foreign_text_is_only_text(
    look: Look, phone: Page, dashboard: Dashboard
) -> None:
    assert find_wrong(phone, look, "/stacks") == {}, "without stacks"
    put_variants(dashboard)
    sha = put_instance(
        dashboard, open_variant(dashboard, "own", own=("cart",)), "cart", State.RUNNING
    )
    instance = f"/apps/shop-basket/previews/{sha}"
    paths = ("/stacks", "/apps/shop-basket/gates/cart-shop", instance)
    assert find_wrong(phone, look, *paths) == {}
    phone.goto(STACK)
    for one in phone.locator("summary").all():
        one.click()
    phone.get_by_label("prices is at the label").fill("No Label")
    phone.get_by_label("Branch or tag").fill("x")
    phone.get_by_role("button", name="Open", exact=True).click()
    expect(phone.locator(".wrong")).to_be_visible()
    for one in phone.locator(".closing summary").all():
        one.click()
    assert look_at(phone, look) == []
