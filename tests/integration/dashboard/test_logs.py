"""Logs on the dashboard, in a real browser: followed, of earlier attempts, and without scripts."""

import pytest
from playwright.sync_api import Page, expect

from prevs.records import Failure
from prevs.states import Cause, State
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.scene import PREVIEW, SHA, have_attempts, put_everything

pytestmark = pytest.mark.integration


def test_a_log_is_followed_while_its_preview_is_watched(page: Page, dashboard: Dashboard) -> None:
    put_everything(dashboard)
    page.goto(PREVIEW)
    log = page.get_by_role("region", name="Log", exact=True)
    dashboard.sandboxes.output["a"] = b"\x1b[32mStep 2/5\x1b[0m <b>bold</b>\n"
    expect(log).to_contain_text("Step 2/5 <b>bold</b>")
    expect(page.locator("li[aria-current=step]")).to_contain_text("2/5 RUN make")
    dashboard.previews.change("hello", SHA, state=State.RUNNING, detail="")
    expect(page.locator("main .chip").first).to_have_text("running")
    dashboard.sandboxes.output["a"] += b"listening\n"
    expect(log).to_contain_text("listening")
    failure = Failure(Cause.APP_EXITED, "The app exited with 1.", 1)
    dashboard.previews.change("hello", SHA, state=State.FAILED, failure=failure)
    expect(page.get_by_text("App exited · exit code 1")).to_be_visible()
    page.get_by_role("button", name="Retry main").click()
    dashboard.sandboxes.output["c"] = b"this time it works\n"
    dashboard.previews.change("hello", SHA, state=State.RUNNING, task_id="c")
    expect(log).to_contain_text("this time it works")
    expect(log).not_to_contain_text("listening")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "hello-5c80e7d.log"


def test_the_logs_of_earlier_attempts_are_read(page: Page, dashboard: Dashboard) -> None:
    put_everything(dashboard)
    have_attempts(dashboard)
    page.goto(PREVIEW)
    listed = page.locator("#attempts li")
    expect(listed).to_have_count(2)
    expect(listed.first).to_contain_text("Broken.")
    page.get_by_role("link", name="Attempt 1").click()
    log = page.get_by_role("region", name="Log", exact=True)
    expect(log.locator(".log-row")).to_have_text(["the first"])
    expect(page.get_by_text("Nobody came.")).to_be_visible()
    dashboard.previews.change("hello", SHA, state=State.RUNNING, detail="")
    expect(log.locator(".log-row")).to_have_text(["the first"])
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "hello-5c80e7d-1.log"


def test_a_browser_without_scripts_reads_logs_too(plain: Page, dashboard: Dashboard) -> None:
    put_everything(dashboard)
    have_attempts(dashboard)
    dashboard.sandboxes.output["a"] = b"\x1b[32mStep 2/5\x1b[0m <b>\n"
    plain.goto(PREVIEW)
    assert plain.locator("pre.log-lines").inner_text() == "Step 2/5 <b>\n"
    plain.get_by_role("link", name="Attempt 2").click()
    assert plain.locator("pre.log-lines").inner_text() == "the second\n"
    expect(plain.get_by_text("Broken.")).to_be_visible()


def test_a_log_that_is_refused_once_is_followed_later(page: Page, dashboard: Dashboard) -> None:
    """The refusal of a stand-by while no framework leads."""
    put_everything(dashboard)
    dashboard.sandboxes.output["a"] = b"Step 2/5\n"
    page.route(f"**{PREVIEW}/log", lambda route: route.fulfill(status=503), times=1)
    page.goto(PREVIEW)
    rows = page.get_by_role("region", name="Log", exact=True).locator(".log-row")
    expect(rows).to_have_text(["Step 2/5"])
