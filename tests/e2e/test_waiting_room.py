"""A browser goes through the waiting room into the application."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster, Hello
from tests.e2e.viewers import see
from tests.fakes.samples import SERVE, SampleRepository

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KEEPS_LOG = """new MutationObserver(() => {
    const log = document.querySelector("#log");
    if (log && log.textContent.includes("It is being built.")) sessionStorage.log = log.textContent;
}).observe(document, {childList: true, subtree: true, characterData: true});"""
"""Keeps what a visitor sees of a log: it goes when the application comes, which may be soon."""


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    with browser.new_page() as opened:
        yield opened


@pytest.fixture
def slow(api: Api, tmp_path: Path) -> Iterator[SampleRepository]:
    """An app whose build takes long enough to be seen, registered as `slow`."""
    made = SampleRepository(tmp_path / "slow")
    made.commit_app(
        [
            f"RUN echo {time.time()}; echo It is being built.; sleep 3",  # never built before
            "RUN mkdir /www; echo '<h1>It was worth the wait.</h1>' > /www/index.html",
            f"CMD {SERVE}",
        ]
    )
    answer = api.call("POST", "/v1/apps", json={"name": "slow", "repository": str(made.folder)})
    assert answer.status_code == 201, answer.text
    yield made
    api.call("DELETE", "/v1/apps/slow")


def test_a_visitor_sees_the_log_and_then_the_application(
    page: Page, slow: SampleRepository, api: Api, cluster: Cluster
) -> None:
    sha = slow.git("rev-parse", "main")
    page.add_init_script(KEEPS_LOG)
    page.goto(f"http://{sha[:7]}.slow.{cluster.domain}:{cluster.port}/?from=test")
    expect(page.locator("body")).to_contain_text(sha[:7])
    see(page, page.get_by_role("heading", name="It was worth the wait."))
    assert page.url.endswith("/?from=test")
    assert "It is being built." in page.evaluate("sessionStorage.log || ''")
    assert api.preview("slow", sha)["state"] == "running"


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
    api.wait_for("hello", sha, "failed", but=failed["task_id"])
    expect(retry).to_be_visible(timeout=60_000)
