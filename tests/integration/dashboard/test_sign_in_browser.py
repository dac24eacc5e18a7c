"""Sign-in in a real browser, at a real provider's own pages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from framework.clock import Clock
from framework.identity.providers import make_provider
from framework.identity.settings import SignIn
from prevs.records import AppRecord
from prevs.roles import RoleRecord
from tests.accessibility import find_violations
from tests.chromium import Chromium
from tests.fakes.dashboard import Dashboard
from tests.fakes.identity import real
from tests.fakes.served import serving

pytestmark = [pytest.mark.integration, pytest.mark.daemons]


@pytest.fixture
def site(
    browser: Chromium, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[tuple[Dashboard, Page]]:
    """A dashboard with a provider, and a page at the dashboard."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with real.oidc_provider(tmp_path, free_port(), [f"{base}/sign-in/callback"]) as issuer:
        chosen = SignIn("openid", issuer.url, issuer.client_id, issuer.secret)
        dashboard = Dashboard(provider=make_provider(chosen, Clock()))
        dashboard.previews.known_apps["shop"] = AppRecord("shop", "/shop.git", created=1000.0)
        with serving(dashboard.app, port), browser.new_context(base_url=base) as context:
            yield dashboard, context.new_page()


def agree(page: Page, name: str) -> None:
    """Sign in at the provider's pages, which any name and password open."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("x")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_person_signs_in_at_the_provider_and_comes_back_to_where_they_were(
    site: tuple[Dashboard, Page],
) -> None:
    dashboard, page = site
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("/events")
    assert not find_violations(page)
    expect(page.get_by_label("Token")).to_be_hidden()
    page.get_by_role("button", name="Sign in with 127.0.0.1").click()
    agree(page, "ada")
    expect(page.get_by_text("nobody has given ada")).to_be_visible()
    role = RoleRecord("read", group="ada-devs")
    dashboard.previews.roles = {role.id: role}
    page.reload()
    expect(page.get_by_role("heading", name="Events")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Signed in as\s+@ada"))).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("Sign in with a token").click()
    expect(page.get_by_label("Token")).to_be_visible()
    # The provider's session goes on, so it asks nothing again.
    page.get_by_role("button", name="Sign in with 127.0.0.1").click()
    expect(page.get_by_role("heading", name="Apps")).to_be_visible()
    page.go_back()
    page.go_forward()
    expect(page.get_by_role("heading", name="Apps")).to_be_visible()
    assert not [text for text in complaints if "Security" in text]
