"""The browser of the tests: no test waits for one that does not close a page."""

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright

from tests.chromium import Chromium

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
def impatient() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        made = Chromium(playwright, patience=0.5)
        yield made
        made.close()


def test_a_browser_that_hangs_is_killed_and_the_next_test_has_another(
    impatient: Chromium, capsys: pytest.CaptureFixture[str]
) -> None:
    with impatient.new_page() as page:
        page.set_content("<h1>One</h1>")
        hangs = impatient.pid
        os.kill(hangs, signal.SIGSTOP)
    assert "killed" in capsys.readouterr().err
    with impatient.new_page() as page:
        page.set_content("<h1>Another</h1>")
        assert page.locator("h1").inner_text() == "Another"
    assert impatient.pid != hangs


def test_other_pages_of_a_killed_browser_are_not_waited_for(
    impatient: Chromium,
) -> None:
    with impatient.new_page(), impatient.new_page():
        os.kill(impatient.pid, signal.SIGSTOP)


def test_contexts_share_nothing(impatient: Chromium) -> None:
    with impatient.new_context() as one, impatient.new_context() as other:
        one.add_cookies([{"name": "a", "value": "b", "url": "http://127.0.0.1/"}])
        assert [cookie["name"] for cookie in one.cookies()] == ["a"]
        assert other.cookies() == []
