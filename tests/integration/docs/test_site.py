"""The documentation as a site, in a browser: nothing comes from another host."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.serving import serving_folder
from tests.waits import wait_until

ROOT = Path(__file__).parents[3]
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)

pytestmark = [pytest.mark.integration, pytest.mark.night]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site; return its address."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        build, cwd=ROOT, env=environ, check=False, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, done.stderr
    with serving_folder(folder) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser: Chromium, site: str) -> Iterator[Page]:
    """A page that reaches only the site; a request to another host fails the test."""
    requested: list[str] = []

    def refuse(route: Route) -> None:
        requested.append(route.request.url)
        route.abort()

    with browser.new_page(viewport=WIDE) as opened:
        opened.route(lambda url: not url.startswith(f"{site}/"), refuse)
        yield opened
    assert requested == []


def test_a_search_finds_pages_without_any_server(page: Page, site: str) -> None:
    page.goto(f"{site}/")
    box = page.get_by_role("textbox", name="Search")
    found = page.locator(".md-search-result a[href$='#framework']")

    def search() -> bool:
        # The search reads its box when a key goes up there, which no filled in text does. What is
        # typed before its script listens is typed again.
        box.fill("PREVS_DRAIN_LIMI")
        box.press("T")
        with contextlib.suppress(AssertionError):
            expect(found).to_contain_text("PREVS_DRAIN_LIMIT", timeout=10_000)
            return True
        return False

    wait_until(search, "the search finds the setting")
    found.click()
    page.wait_for_url("**/settings/**")
    expect(page.locator("#framework-prevs_drain_limit")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "settings/", "comparison/"])
def test_each_page_is_accessible_to_everybody(
    page: Page, site: str, path: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{site}/{path}")
    expect(page.locator("h1")).to_be_visible()
    assert find_barriers(page) == []
    page.set_viewport_size(NARROW)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
