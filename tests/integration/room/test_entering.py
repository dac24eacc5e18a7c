"""How visitors enter a guarded app: the password, a code, a link to share, and what goes wrong."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.fakes.access import ERA, make_pass
from tests.fakes.passwords import make_cheap
from tests.fakes.placements import SHA, placement
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates, guarding
from tests.integration.haproxy.proxies import BROWSER, Site, Upstream, upstream
from tests.integration.room.visitors import HOST, OTHER, SIGN_IN, Visitor, fields_of
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
def shop(running_site: Site) -> Iterator[Upstream]:
    """A guarded app with the password `open sesame`, whose labels `main` and `v1` run."""
    site = running_site
    with upstream("shop") as application:
        site.world.add("shop", "main", SHA)
        site.world.known.require_password("shop", make_cheap("open sesame"))
        site.route("shop", {SHA: placement("shop", SHA, application.port, "main", "v1")})
        guarding.guard(site, "shop", "link")
        yield application
    guarding.open_all(site)
    site.empty()


@pytest.fixture
def visitor(running_site: Site, shop: Upstream) -> Visitor:
    return Visitor(running_site.proxy)


def test_a_visitor_types_the_password_once_for_all_hosts(visitor: Visitor, shop: Upstream) -> None:
    url = visitor.begin()
    form = visitor.go(url)
    assert form.status == 200
    assert (
        "form-action 'self' http://main.shop.localhost;" in form.headers["content-security-policy"]
    )
    assert b"shop" in form.body
    wrong = visitor.post(url, password="no", **fields_of(url))
    assert (wrong.status, b"That is not the password." in wrong.body) == (403, True)
    code = visitor.enter()
    entered = visitor.go(code)
    assert (entered.status, entered.headers["location"]) == (303, "/x?y=1")
    assert entered.headers["referrer-policy"] == "no-referrer"
    assert visitor.go(f"http://{HOST}/x?y=1").body.startswith(b"<!doctype html><title>app")
    # The other host asks for nothing; the session's cookie is of the sign-in host alone.
    back = visitor.go(visitor.begin(OTHER, "/"))
    assert back.status == 303
    assert visitor.go(back.headers["location"]).status == 303
    assert visitor.go(f"http://{OTHER}/").status == 200
    assert set(visitor.jars[SIGN_IN]) == {"prevs-session-shop"}
    assert set(visitor.jars[OTHER]) == {"prevs-access"}
    assert all("eyJ" not in str(headers) for _, _, headers in shop.seen)


@pytest.mark.parametrize("host", ["main--shop.localhost", "cart--web.localhost"])
def test_a_visitor_of_a_flat_address_comes_back_to_it(
    running_site: Site, visitor: Visitor, host: str
) -> None:
    gates.put(running_site, lead("/", "v1"), name="web", app="shop", variants={"cart": "main"})
    code = visitor.enter(host)
    assert code.startswith(f"http://{host}/_prevs/enter?code=")
    assert visitor.go(code).headers["location"] == "/x?y=1"
    assert visitor.go(f"http://{host}/x?y=1").status == 200
    gates.remove(running_site)


def test_too_many_tries_of_an_address_are_refused_with_the_time(visitor: Visitor) -> None:
    other = Visitor(visitor.proxy, "127.0.0.2")
    url = other.begin()
    tries = [other.post(url, password="a guess", **fields_of(url)) for _ in range(6)]
    assert [answer.status for answer in tries] == [403] * 5 + [429]
    seconds = tries[-1].headers["retry-after"]
    assert f"Try again in {seconds} s.".encode() in tries[-1].body
    assert visitor.go(visitor.enter()).status == 303


def test_a_code_lets_in_one_browser_at_one_host_for_a_minute(visitor: Visitor) -> None:
    code = visitor.enter()
    stranger = Visitor(visitor.proxy)
    assert stranger.go(code).status == 403
    stranger.begin()  # with a nonce of its own
    assert stranger.go(code).status == 403
    visitor.begin(OTHER)
    assert visitor.go(code.replace(HOST, OTHER)).status == 403
    assert visitor.go(code).status == 303
    again = visitor.go(code.replace(HOST, OTHER))
    assert (again.status, b"Please enter again" in again.body) == (403, True)
    # Two tabs begin with one nonce. The second one finds the visitor in.
    assert visitor.go(code).headers["location"] == "/x?y=1"
    assert visitor.go(f"http://{HOST}/_prevs/enter?to=/z").headers["location"] == "/z"
    forged = {"X-Prevs-In": "1"}
    assert Visitor(visitor.proxy).go(code, **forged).status == 403
    visitor.jars[HOST].pop("prevs-access")
    assert visitor.go(code).status == 403  # its nonce is gone


def test_a_code_counts_once_even_with_its_nonce(visitor: Visitor) -> None:
    code = visitor.enter()
    before = dict(visitor.jars[HOST])
    assert visitor.go(code).status == 303
    visitor.jars[HOST].clear()
    visitor.jars[HOST].update(before)
    assert visitor.go(code).status == 403


def test_what_is_signed_for_one_use_has_no_other(visitor: Visitor) -> None:
    code = fields_of(visitor.enter())["code"]
    session = visitor.jars[SIGN_IN]["prevs-session-shop"]
    for text in (code, session):
        assert visitor.go(f"http://{HOST}/", **{"X-Prevs-Access": text}).status == 303
        assert visitor.go(f"http://{HOST}/_prevs/enter?pass={text}").status == 403
    own = make_pass("shop", HOST)
    visitor.jars[SIGN_IN]["prevs-session-shop"] = own
    assert visitor.go(visitor.begin()).status == 200
    assert visitor.go(f"http://{HOST}/_prevs/enter?code={own}").status == 403


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "/\\evil.example", ""])
def test_entering_leads_to_no_other_site(visitor: Visitor, to: str) -> None:
    query = urlencode({"to": to})
    begun = visitor.go(f"http://{HOST}/_prevs/enter?{query}").headers["location"]
    assert fields_of(begun)["to"] == "/"
    code = visitor.enter().partition("&to=")[0]
    assert visitor.go(f"{code}&{query}").headers["location"] == "/"
    fields = {**fields_of(begun), "on": "evil.example"}
    url = f"http://{SIGN_IN}/_prevs/sign-in?{urlencode(fields)}"
    assert visitor.go(url).status == 403
    assert visitor.post(url, password="open sesame", **fields).status == 403


def test_a_form_of_another_site_is_refused(running_site: Site, visitor: Visitor) -> None:
    url = visitor.begin()
    answer = visitor.proxy.request(
        SIGN_IN,
        "/_prevs/sign-in",
        method="POST",
        body=urlencode({"password": "open sesame", **fields_of(url)}).encode(),
        headers={**BROWSER, "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status == 403
    assert running_site.world.count("POST /v1/apps/shop/entries") == 0


def test_a_new_era_ends_sessions_codes_and_cookies(running_site: Site, visitor: Visitor) -> None:
    code = visitor.enter()
    visitor.go(visitor.enter(OTHER))
    assert visitor.go(f"http://{OTHER}/").status == 200
    guarding.guard(running_site, "shop", era=ERA + 1)
    assert visitor.go(f"http://{OTHER}/").status == 303
    assert visitor.go(code).status == 403
    assert visitor.go(visitor.begin()).status == 200  # the form


def link(**fields: Any) -> str:
    return f"http://{HOST}/_prevs/enter?pass={make_pass('shop', HOST, id='link', **fields)}"


def test_a_shared_link_opens_its_host_until_it_ends(running_site: Site, visitor: Visitor) -> None:
    until = time.time() + 600
    for number in range(3):  # many times, for each of those who have it
        guest = Visitor(visitor.proxy)
        entered = guest.go(link(until=until))
        assert (entered.status, entered.headers["location"]) == (303, "/")
        assert entered.headers["referrer-policy"] == "no-referrer"
        assert entered.headers["cache-control"] == "no-store"
        seconds = re.search(r"Max-Age=(\d+)", entered.headers["set-cookie"])
        assert seconds
        assert int(seconds[1]) <= 600
        assert guest.go(f"http://{HOST}/").status == 200, number
        guest.jars[OTHER] = guest.jars[HOST]
        assert guest.go(f"http://{OTHER}/").status == 303
    guarding.guard(running_site, "shop")
    guarding.wait_entry(running_site, "passes", "shop/link", None)
    assert guest.go(f"http://{HOST}/").status == 303  # the cookie has the id of the link
    refused = Visitor(visitor.proxy).go(link())
    assert (refused.status, b"This link does not open" in refused.body) == (403, True)
    assert "set-cookie" not in refused.headers


def test_who_only_looks_at_a_link_gets_no_cookie(visitor: Visitor) -> None:
    bot = {"User-Agent": "Slackbot-LinkExpanding 1.0"}
    own = {"X-Prevs-Access": make_pass("shop", HOST)}
    path = link().partition(HOST)[2]
    for method, headers, status in (
        ("HEAD", BROWSER, 401),
        ("GET", {**BROWSER, **bot}, 401),
        ("GET", {}, 401),
        ("HEAD", {**BROWSER, **own}, 303),
        ("GET", {**BROWSER, **bot, **own}, 303),
    ):
        answer = visitor.proxy.request(HOST, path, method=method, headers=headers)
        assert (answer.status, "set-cookie" in answer.headers) == (status, False)
    ended = visitor.go(link(until=time.time() - 1))
    assert ended.status == 403
    assert visitor.go(link().replace(HOST, OTHER)).status == 403


def test_the_waiting_room_is_as_for_a_public_app(running_site: Site, visitor: Visitor) -> None:
    site, sha = running_site, "b" * 40
    site.world.add("shop", "next", sha)
    host = "next.shop.localhost"
    visitor.go(visitor.enter(host, "/"))
    page = visitor.go(f"http://{host}/")
    assert page.status == 503
    token = re.search(rb'data-token="([^"]+)"', page.body)
    assert token
    posted = visitor.post(f"http://{host}/_prevs/start", token=token[1].decode())
    assert posted.status == 303
    wait_until(lambda: ("shop", sha) in site.world.previews, over=site.proxy.ended)
    assert visitor.go(f"http://{host}/_prevs/").status == 503


def test_a_browser_enters_by_the_form_and_by_a_link(
    running_site: Site, shop: Upstream, browser: Chromium
) -> None:
    port = running_site.proxy.port
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"http://{HOST}:{port}/x?y=1")
        expect(page).to_have_url(re.compile(rf"^http://{SIGN_IN}:{port}/_prevs/sign-in"))
        check_form(page)
        page.get_by_label("Password").fill("sesame")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        page.get_by_label("Password").fill("open sesame")
        page.get_by_role("button", name="Enter").click()
        expect(page).to_have_url(f"http://{HOST}:{port}/x?y=1")
        expect(page.get_by_role("heading")).to_have_text("shop GET /x?y=1 0")
        page.goto(f"http://{OTHER}:{port}/")
        expect(page.get_by_role("heading")).to_have_text("shop GET / 0")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(link().replace(HOST, f"{HOST}:{port}"))
        expect(page).to_have_url(f"http://{HOST}:{port}/")
        expect(page.get_by_role("heading")).to_have_text("shop GET / 0")
        page.goto(f"http://{OTHER}:{port}/")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert find_barriers(page) == []


def check_form(page: Page) -> None:
    expect(page.get_by_label("Password")).to_be_focused()
    assert "main" not in page.inner_text("body")
