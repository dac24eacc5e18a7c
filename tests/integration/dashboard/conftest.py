import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from prevs.records import AppRecord
from tests.chromium import Chromium
from tests.fakes.dashboard import Dashboard
from tests.fakes.served import serving
from tests.integration.dashboard.looks import NARROW
from tests.integration.dashboard.scene import FAILED, SHA, enter


@pytest.fixture
def dashboard() -> Dashboard:
    made = Dashboard()
    made.previews.known_apps["hello"] = AppRecord("hello", "/hello.git", created=time.time())
    for branch, sha in (("main", SHA), ("broken", FAILED), ("feature/cart", "2" * 40)):
        made.refs.put("hello", branch, sha)
    return made


@pytest.fixture
def base(dashboard: Dashboard) -> Iterator[str]:
    with serving(dashboard.app) as address:
        yield address


@pytest.fixture
def context(browser: Chromium, base: str) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=base, viewport={"width": 1280, "height": 900}) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext, base: str) -> Iterator[Page]:
    """A page of somebody who has signed in; any complaint of a script fails the test."""
    enter(context, base)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield opened
    assert not complaints


@pytest.fixture
def phone(browser: Chromium, base: str) -> Iterator[Page]:
    """A narrow page of somebody who has signed in."""
    with browser.new_context(base_url=base, viewport=NARROW) as context:
        enter(context, base)
        yield context.new_page()


@pytest.fixture
def plain(browser: Chromium, base: str) -> Iterator[Page]:
    """A page without scripts of somebody who has signed in."""
    with browser.new_context(base_url=base, java_script_enabled=False) as context:
        enter(context, base)
        yield context.new_page()
