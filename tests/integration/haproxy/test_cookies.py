"""A visitor with more cookies than a preview takes gets a page, and is served after its button.

A script of another app's preview sets them for the shared domain, as any may.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import proxies, tls
from tests.integration.haproxy.proxies import Answer, Site, Upstream, upstream

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

DOMAIN = "prevs.localhost"
HOST = f"main--hello.{DOMAIN}"
FILL = """([count, domain]) => {
    for (let one = 0; one < count; one++)
        document.cookie = `bomb${one}=${"x".repeat(4000)}; path=/; domain=${domain}; max-age=9999`
    return document.cookie.length
}"""


class Met(NamedTuple):
    """A proxy with TLS on a port beside its own, and the application behind its addresses."""

    site: Site
    door: tls.Door
    app: Upstream

    def url(self, scheme: str, app: str, path: str = "/") -> str:
        """Return an address of a preview."""
        port = self.door.port if scheme == "https" else self.site.proxy.port
        return f"{scheme}://main--{app}.{DOMAIN}:{port}{path}"

    def request(self, size: int, **headers: str) -> Answer:
        """Return the answer to a navigation with so many bytes of cookies."""
        sent = {"Accept": "text/html", "Cookie": "a" * size, **headers}
        return self.site.proxy.request(HOST, "/x", headers=sent)


@pytest.fixture(scope="module")
def met(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Met]:
    folder = tmp_path_factory.mktemp("cookies")
    door = tls.door(folder, free_port(), f"*.{DOMAIN}")
    settings = {"PREVS_DOMAIN": DOMAIN, **door.settings()}
    with (
        proxies.site(folder, zookeeper, free_port(), **settings) as site,
        upstream("app") as app,
    ):
        for name, sha in (("hello", SHA), ("evil", OTHER_SHA)):
            site.route(name, {sha: placement(name, sha, app.port, "main")})
        yield Met(site, door, app)


@pytest.fixture(autouse=True)
def takes_all(met: Met) -> Iterator[None]:
    """Have the application refuse only what a test sets."""
    yield
    met.app.refuses = lambda headers: 0


@pytest.fixture
def context(browser: Chromium) -> Iterator[BrowserContext]:
    with browser.new_context(ignore_https_errors=True) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def press(page: Page) -> None:
    """Press the button, and wait for the application."""
    page.get_by_role("button", name="Remove the cookies and try again").click()
    expect(page.get_by_role("heading")).to_contain_text("app GET /a/page")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_visitor_with_100_kb_of_foreign_cookies_is_served_after_one_button(
    met: Met, page: Page, scheme: str
) -> None:
    page.goto(met.url(scheme, "hello"))
    page.evaluate("document.cookie = 'kept=1; path=/other'")
    page.goto(met.url(scheme, "evil"))
    assert page.evaluate(FILL, [26, DOMAIN]) > 100_000

    answer = page.goto(met.url(scheme, "hello", "/a/page?b"))

    assert answer
    assert answer.status == 431
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    expect(page.get_by_role("heading")).to_have_text("Too many cookies")
    assert find_barriers(page) == []
    press(page)
    assert page.url == met.url(scheme, "hello", "/a/page?b")
    names = [cookie.get("name") for cookie in page.context.cookies()]
    assert names == ["kept"], "cookies that were not sent there stay"


def test_cookies_that_scripts_cannot_see_are_removed_too(
    met: Met, page: Page, context: BrowserContext
) -> None:
    address = met.url("https", "hello", "/a/page")
    context.add_cookies(
        [
            {"name": f"own{one}", "value": "x" * 4000, "url": address, "httpOnly": True}
            for one in range(8)
        ]
    )
    page.goto(address)
    press(page)
    assert page.url == address
    assert context.cookies() == []


@pytest.mark.parametrize("status", [400, 431])
def test_an_applications_refusal_of_many_cookies_shows_the_same_page(
    met: Met, page: Page, status: int
) -> None:
    met.app.refuses = lambda headers: status if len(headers.get("cookie", "")) > 8000 else 0
    page.goto(met.url("http", "evil"))
    page.evaluate(FILL, [3, DOMAIN])
    answer = page.goto(met.url("http", "hello", "/a/page"))
    assert answer
    assert answer.status == 431
    press(page)


def test_an_applications_other_refusals_stay_its_own(met: Met) -> None:
    met.app.refuses = lambda headers: 400
    assert met.request(100).status == 400
    assert met.request(9000, Accept="application/json").status == 400
    assert met.request(9000).status == 431, "this one has the page"


@pytest.mark.parametrize("size", [1, 9000, 23_000])
def test_cookies_are_removed_only_by_the_pages_own_button(met: Met, size: int) -> None:
    def navigate(**headers: str) -> Answer:
        sent = {"Cookie": "a" * size, "Accept": "text/html", **headers}
        return met.site.proxy.request(HOST, "/_prevs/cookies", method="POST", headers=sent)

    for site in ("cross-site", "same-site", "none"):
        answer = navigate(**{"Sec-Fetch-Site": site})
        assert answer.status in {404, 431}
        assert "clear-site-data" not in answer.headers
    answer = navigate(**{"Sec-Fetch-Site": "same-origin"})
    assert (answer.status, answer.headers["clear-site-data"]) == (200, '"cookies"')


def test_over_120_kb_of_headers_get_haproxys_own_refusal(met: Met) -> None:
    assert met.request(120_000).body.count(b"<h1>Too many cookies</h1>") == 1
    refused = met.request(140_000)
    assert refused.status == 400
    assert b"Remove the cookies" not in refused.body
