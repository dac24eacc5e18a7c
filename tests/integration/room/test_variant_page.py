"""The waiting room at the address of a stack's variant, in a browser: its members as steps."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from prevs import names
from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.fakes.placements import OTHER_SHA, SHA
from tests.fakes.world import steps
from tests.integration.room import rooms
from tests.integration.room.rooms import Room

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

SITE, LABEL = "feature-x--shop.localhost", "feature-x--shop"
HOST = f"{LABEL}.web.localhost"
INSTANCE = names.instance_id(OTHER_SHA, LABEL)


@pytest.fixture(scope="module")
def room(free_port: Callable[[], int]) -> Iterator[Room]:
    with rooms.running(free_port()) as room:
        for app in ("web", "cart"):
            room.world.add(app, "main", SHA)
        room.world.add("web", "feature-x", OTHER_SHA)
        room.world.api.stacks.open_shop()
        room.leads[SITE] = HOST
        yield room


def read_members(page: Page) -> list[str]:
    return [" | ".join(li.split("\n")) for li in page.locator("#members li").all_inner_texts()]


def test_a_page_lists_the_members_from_the_first_answer_on(room: Room, browser: Chromium) -> None:
    with browser.new_page(java_script_enabled=False) as page:
        page.goto(room.address(SITE))
        expect(page).to_have_title("Not started · feature-x · shop")
        expect(page.locator(".kicker")).to_have_text("Variant of the stack shop, at its member web")
        expect(page.locator(".commit code")).to_have_text(OTHER_SHA[:7])
        assert read_members(page) == [
            "web | feature-x · this page | Not started",
            "cart | main, as usual | Not started",
        ]
        link = page.get_by_role("link", name="cart")
        expect(link).to_have_attribute("href", room.address("feature-x--cart-shop.localhost"))


def test_the_members_of_an_open_page_change_and_it_leads_to_the_application(
    room: Room, browser: Chromium
) -> None:
    world = room.world
    with browser.new_page() as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(room.address(SITE, "/a"))
        web, cart = page.locator("#members li").all()
        expect(web).to_have_attribute("aria-current", "true")
        expect(web.locator(".time")).to_have_text("Waiting")
        known = {"steps": steps(time.time(), 0.2, 0.7, 1.3, 10.0), "phase": "building"}
        world.log(INSTANCE, "Step 1\n")
        world.move("web", INSTANCE, "building", **known)
        world.start("cart", "main")
        world.move("cart", SHA, "failed", reason="SECRET")
        expect(web).to_have_attribute("data-status", "now")
        expect(cart.locator(".time")).to_have_text("Failed")
        expect(cart).to_have_attribute("data-status", "failed")
        expect(page.locator(".log-row")).to_have_text(["Step 1"])
        assert "SECRET" not in page.content()
        link = page.get_by_role("link", name="Download").get_attribute("href")
        assert page.evaluate("async (url) => (await fetch(url)).text()", link) == "Step 1\n"
        for width, scheme in ((1280, "light"), (390, "dark")):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.set_viewport_size({"width": width, "height": 844})
            assert find_barriers(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "overflow"
        world.fail("web", INSTANCE, cause="app-exited", message="It exited.", exit_code=1)
        expect(page.locator("#command")).to_have_text(f"prevs logs web {LABEL}")
        page.get_by_role("button", name="Retry").click()
        expect(web.locator(".time")).to_have_text("Waiting")
        room.route(HOST)
        expect(page.get_by_role("heading", name="app /a")).to_be_visible()
        assert page.url == room.address(SITE, "/a")
        assert complaints == []


def test_the_address_of_a_variant_that_is_not_open_leads_to_one_that_is(
    room: Room, browser: Chromium
) -> None:
    with browser.new_page() as page:
        answer = page.goto(room.address("nope--shop.localhost", "/a"))
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading", name="There is no such variant")).to_be_visible()
        expect(page.locator("main")).to_contain_text("prevs stack open shop BRANCH")
        assert find_barriers(page) == []
        link = page.get_by_role("link", name="feature-x")
        expect(link).to_have_attribute("href", room.address(SITE, "/a"))
