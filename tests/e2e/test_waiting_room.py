"""A browser goes through the waiting room into the application."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Api, Cluster, Hello

pytestmark = pytest.mark.e2e

expect.set_options(timeout=30_000)  # in ms


KEEPS_LOG = """new MutationObserver(() => {
    const log = document.querySelector("#log");
    if (log && log.textContent.includes("==")) sessionStorage.log = log.textContent;
}).observe(document, {childList: true, subtree: true, characterData: true});"""
"""Keeps what a visitor sees of a log: it goes when the application comes, which may be soon."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_page() as opened:
        yield opened


def test_a_visitor_sees_the_log_and_then_the_application(
    page: Page, hello: Hello, api: Api, cluster: Cluster
) -> None:
    sha = hello.commit("main~2")
    page.add_init_script(KEEPS_LOG)
    page.goto(f"http://{sha[:7]}.hello.{cluster.domain}:{cluster.port}/?from=test")
    expect(page.locator("body")).to_contain_text(sha[:7])
    heading = re.search("<h1>(.*)</h1>", hello.page(sha))
    assert heading is not None
    expect(page.locator("h1")).to_have_text(heading[1], timeout=60_000)
    assert page.url.endswith("/?from=test")
    assert "==" in page.evaluate("sessionStorage.log")
    assert api.preview("hello", sha)["state"] == "running"


def test_a_visitor_of_a_failed_preview_sees_why_and_can_retry(
    page: Page, hello: Hello, api: Api, cluster: Cluster
) -> None:
    sha = hello.commit("broken-dockerfile")
    page.goto(f"http://{sha}.hello.{cluster.domain}:{cluster.port}/")
    retry = page.get_by_role("button", name="retry")
    expect(retry).to_be_visible(timeout=60_000)
    expect(page.locator("body")).to_contain_text("exit code", ignore_case=True)
    failed = api.preview("hello", sha)
    retry.click()
    deadline = time.monotonic() + 60
    while api.wait_for("hello", sha, "failed")["task_id"] == failed["task_id"]:
        assert time.monotonic() < deadline, "it was not tried again"
        page.wait_for_timeout(100)
    expect(retry).to_be_visible(timeout=60_000)
