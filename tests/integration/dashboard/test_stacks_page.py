"""The pages of stacks in a real browser: live, without scripts, in any width, under attack."""

import pytest
from playwright.sync_api import Page, expect

from prevs.names import slug
from prevs.states import State
from tests.chromium import Chromium
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.looks import NARROW, Look, look_at, with_looks
from tests.integration.dashboard.scene import sign_in
from tests.integration.dashboard.stack_scene import (
    STACK,
    open_variant,
    put_instance,
    put_stack,
    put_variants,
)

pytestmark = pytest.mark.integration

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


def test_stacks_are_used_without_scripts(
    browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    put_stack(dashboard)
    with browser.new_context(base_url=base, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page)
        page.get_by_role("link", name="Stacks").click()
        page.get_by_role("link", name="shop", exact=True).click()
        page.get_by_label("Branch or tag").fill("feature/cart")
        page.get_by_label("cart is at the label").fill("nowhere")
        page.get_by_label("own instance of web").check()
        page.get_by_role("button", name="Open", exact=True).click()
        expect(page.locator(".wrong")).to_contain_text("'nowhere' leads to no commit")
        expect(page.locator("#open .notice")).to_be_in_viewport()
        expect(page.get_by_label("own instance of web")).to_be_checked()
        page.get_by_label("cart is at the label").fill("")
        page.get_by_role("button", name="Open", exact=True).click()
        card = page.get_by_role("region", name=VARIANT)
        expect(card.locator(".tag", has_text="own instance")).to_have_count(2)
        card.locator("summary").click()
        card.get_by_role("button", name=f"Close {VARIANT}").click()
        expect(page.get_by_text("The variant is closed.")).to_be_visible()
        expect(card).to_have_count(0)


@with_looks
def test_each_page_of_stacks_is_accessible_and_foreign_text_is_only_text(
    look: Look, browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    with browser.new_context(base_url=base, viewport=NARROW) as context:
        page = context.new_page()
        sign_in(page)
        found = {}
        page.goto("/stacks")
        found["without stacks"] = look_at(page, look)
        put_variants(dashboard)
        sha = put_instance(
            dashboard, open_variant(dashboard, "own", own=("cart",)), "cart", State.RUNNING
        )
        instance = f"/apps/shop-basket/previews/{sha}"
        for path in ("/stacks", "/apps/shop-basket/gates/cart-shop", instance):
            page.goto(path)
            found[path] = look_at(page, look)
        page.goto(STACK)
        for one in page.locator("summary").all():
            one.click()
        page.get_by_label("prices is at the label").fill("No Label")
        page.get_by_label("Branch or tag").fill("x")
        page.get_by_role("button", name="Open", exact=True).click()
        expect(page.locator(".wrong")).to_be_visible()
        for one in page.locator(".closing summary").all():
            one.click()
        found[STACK] = look_at(page, look)
    assert {path: problems for path, problems in found.items() if problems} == {}
