"""The dashboard in a real browser, over fakes of what it reads: quick, and live."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from framework.access import Scope
from framework.apps.app_secrets import AppSecrets, Variable
from framework.errors import Unavailable
from framework.http_api import ClientSignature, Standby
from prevs.states import State
from tests.chromium import Chromium
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import Dashboard
from tests.fakes.served import serving
from tests.integration.dashboard.looks import NARROW, Look, find_wrong, with_looks
from tests.integration.dashboard.scene import (
    FAILED,
    HOSTILE,
    PREVIEW,
    SHA,
    have_attempts,
    put_everything,
    sign_in,
)

pytestmark = pytest.mark.integration


def test_signing_in_leads_to_where_one_wanted_to_go_also_from_another_site(
    context: BrowserContext, base: str
) -> None:
    page = context.new_page()
    sign_in(page, path="/queue")
    assert page.url == f"{base}/queue"
    # 127.0.0.1 and localhost are two sites: a strict cookie is not sent along such a link.
    page.goto(base.replace("127.0.0.1", "localhost") + "/sign-in")
    page.evaluate(
        "(to) => { const a = document.createElement('a'); a.href = to; a.textContent = 'there';"
        " document.body.prepend(a); }",
        f"{base}/events",
    )
    page.get_by_role("link", name="there").click()
    expect(page.get_by_role("heading", name="Events")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.goto("/events")
    expect(page.get_by_label("Token")).to_be_visible()


def test_an_app_is_added_and_a_branch_started_and_stopped_where_it_stands(
    page: Page, dashboard: Dashboard
) -> None:
    dashboard.previews.known_apps.clear()
    page.goto("/")
    expect(page.get_by_role("heading", name="No app is registered yet")).to_be_visible()
    page.get_by_label("Name").fill("hello")
    page.get_by_label("Repository").fill("/hello.git")
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name="hello", exact=True)).to_be_visible()
    page.evaluate("window.stays = true")
    row = page.get_by_role("row", name="main")
    expect(row).to_contain_text("not started")
    row.get_by_role("button", name="Start main").click()
    expect(row).to_contain_text("queued")
    expect(page.get_by_role("status").first).to_have_text(
        "Requested. It starts as soon as an agent has room."
    )
    dashboard.previews.change("hello", SHA, state=State.BUILDING, detail="2/5 RUN make")
    expect(row).to_contain_text("building 2/5")
    dashboard.previews.change("hello", SHA, state=State.RUNNING)
    expect(row).to_contain_text("running")
    row.get_by_role("button", name="Pin main").click()
    expect(row).to_contain_text("pinned")
    stop = row.get_by_role("button", name="Stop main")
    stop.focus()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("stopped")
    expect(row.get_by_role("button", name="Start main")).to_be_focused()
    assert page.evaluate("window.stays")


def test_the_message_of_an_action_moves_no_button_from_under_the_pointer(page: Page) -> None:
    page.goto("/apps/hello")
    row = page.get_by_role("row", name="main")
    before = row.bounding_box()
    row.get_by_role("button", name="Start main").click()
    expect(page.get_by_role("status").first).to_contain_text("Requested.")
    after = row.bounding_box()
    assert before
    assert after
    assert after["y"] == before["y"]


def test_a_refusal_is_shown_where_the_button_is(page: Page, dashboard: Dashboard) -> None:
    dashboard.previews.put("hello", SHA, State.FAILED, labels=("main",))
    page.goto("/apps/hello")
    page.evaluate("window.stays = true")
    dashboard.previews.error = Unavailable("The framework")
    page.get_by_role("button", name="Retry main").click()
    expect(page.get_by_role("status").first).to_have_text(
        "The framework does not answer now. Try again in a few seconds."
    )
    expect(page.get_by_role("button", name="Retry main")).to_be_enabled()
    assert page.evaluate("window.stays")


def test_changes_from_elsewhere_show_and_typed_text_stays(page: Page, dashboard: Dashboard) -> None:
    page.goto("/apps/hello")
    search = page.get_by_role("searchbox", name="Search branches")
    search.fill("half a wo")
    search.press("ArrowLeft")
    dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
    dashboard.refs.put("hello", "another", "3" * 40)
    expect(page.get_by_role("row", name="main")).to_contain_text("running")
    expect(page.get_by_role("row", name="another")).to_be_visible()
    expect(search).to_have_value("half a wo")
    expect(search).to_be_focused()
    assert search.evaluate("field => field.selectionStart") == len("half a w")


def test_a_change_during_the_loading_of_a_page_shows(page: Page, dashboard: Dashboard) -> None:
    def change(route: Route) -> None:
        dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
        route.continue_()

    page.route("**/live/**", change)
    page.goto("/apps/hello")
    expect(page.get_by_role("button", name="Stop main")).to_be_visible()


def test_the_reason_why_no_token_was_made_stays_on_the_page(page: Page) -> None:
    page.goto("/tokens")
    page.get_by_label("Name").fill("No Name")
    with page.expect_response("**/tokens") as answered:
        page.get_by_role("button", name="Make the token").click()
    assert answered.value.status == 422
    assert page.locator("body").get_attribute("data-live") == ""
    expect(page.locator("#problem")).to_contain_text("No token was made")


def test_the_end_of_a_token_ends_its_open_streams(
    page: Page, context: BrowserContext, browser: Chromium, dashboard: Dashboard
) -> None:
    page.goto("/tokens")
    page.get_by_label("Name").fill("ci")
    page.get_by_label("read: see everything").check()
    page.get_by_role("button", name="Make the token").click()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    assert page.get_by_label("Token of ci").input_value() == token
    with browser.new_context(base_url=page.url) as other:
        reader = other.new_page()
        sign_in(reader, token, "/apps/hello")
        expect(reader.get_by_role("link", name="Open main")).to_be_visible()
        expect(reader.get_by_role("button", name="Start main")).to_have_count(0)
        page.goto("/tokens")
        page.get_by_role("button", name="Remove ci").click()
        expect(page.get_by_text("The token is removed")).to_be_visible()
        expect(reader.get_by_label("Token")).to_be_visible()
        assert "next=%2Fapps%2Fhello" in reader.url


def test_on_a_phone_each_bar_is_one_line_and_tabs_have_their_counts(
    phone: Page, dashboard: Dashboard
) -> None:
    put_everything(dashboard)
    phone.goto("/apps/hello")
    for bar in (".top nav li", ".tabs li"):
        boxes = [one.bounding_box() for one in phone.locator(bar).all()]
        assert len(boxes) > 3
        assert len({box["y"] for box in boxes if box}) == 1
        bar_list = phone.locator(bar).first.locator("..")
        assert bar_list.evaluate("list => list.scrollWidth <= list.clientWidth")
    assert phone.locator(".tabs .soft:visible").count() == 3


def test_a_page_shows_that_it_may_be_out_of_date_and_catches_up(
    browser: Chromium, dashboard: Dashboard, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with browser.new_context() as context:
        page = context.new_page()
        with serving(dashboard.app, port) as address:
            sign_in(page, path=f"{address}/apps/hello")
            page.goto(f"{address}/apps/hello")
        expect(page.get_by_text("This page may be out of date")).to_be_visible()
        dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
        with serving(dashboard.app, port):
            expect(page.get_by_role("row", name="main")).to_contain_text("running")
            expect(page.get_by_text("This page may be out of date")).to_have_count(0)


def test_a_session_that_ended_while_no_framework_answered_leads_to_signing_in(
    browser: Chromium, dashboard: Dashboard, free_port: Callable[[], int]
) -> None:
    port = free_port()
    _, token = dashboard.tokens.add_token("ci", Scope.READ)
    with browser.new_context() as context:
        page = context.new_page()
        with serving(dashboard.app, port) as address:
            sign_in(page, token, f"{address}/queue")
        expect(page.get_by_text("This page may be out of date")).to_be_visible()
        dashboard.tokens.remove_token("ci")
        with serving(dashboard.app, port):
            expect(page.get_by_label("Token")).to_be_visible()
            assert "next=%2Fqueue" in page.url


def test_a_stand_by_signs_in_and_keeps_pages_up_to_date_as_the_leader_does(
    browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    standby = Standby(lambda: base, tuple, signature=ClientSignature(TOKEN, time.time))
    with serving(standby) as address, browser.new_context() as context:
        page = context.new_page()
        sign_in(page, path=f"{address}/apps/hello")
        assert page.url == f"{address}/apps/hello"
        dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
        page.get_by_role("button", name="Stop main").click()
        expect(page.get_by_role("row", name="main")).to_contain_text("stopped")
        page.goto(f"{base}/queue")
        expect(page.get_by_role("heading", name="Queue")).to_be_visible()


def test_everything_works_without_scripts(browser: Chromium, base: str) -> None:
    with browser.new_context(base_url=base, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page)
        page.get_by_role("link", name="hello").click()
        page.get_by_role("button", name="Start main").click()
        expect(page.get_by_text("Requested.")).to_be_visible()
        expect(page.get_by_role("row", name="main")).to_contain_text("queued")
        page.get_by_role("link", name="Settings").click()
        page.get_by_label("Memory in MB", exact=True).fill("1")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Memory in MB should be greater")).to_be_visible()
        expect(page.get_by_label("Memory in MB", exact=True)).to_have_value("1")


@with_looks
def test_each_page_is_accessible(
    look: Look, browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    put_everything(dashboard)
    have_attempts(dashboard)
    new = Variable(HOSTILE, secret=False, changed=time.time())
    dashboard.previews.given["hello"] = AppSecrets("hello", variables={"A" * 40: new, "B": new})
    paths = [
        "/",
        "/apps/hello",
        "/apps/hello?show=previews",
        "/apps/hello/settings",
        "/apps/hello/forge",
        "/apps/hello/environment",
        "/apps/away",
        "/add-app",
        PREVIEW,
        f"/apps/hello/previews/{FAILED}",
        f"{PREVIEW}/attempts/2",
        "/queue",
        "/events",
        "/tokens",
        "/audit",
        "/apps/nonsense",
    ]
    with browser.new_context(base_url=base, viewport=NARROW) as context:
        page = context.new_page()
        assert find_wrong(page, look, "/sign-in") == {}
        sign_in(page)
        assert find_wrong(page, look, *paths) == {}
