"""An app's landing page through a real HAProxy: who gets it, what it shows, what comes first."""

import dataclasses
import functools
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import ConsoleMessage, expect

from prevs.pulls import PullRecord
from prevs.records import Failure
from prevs.states import Cause
from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.fakes.access import make_pass
from tests.fakes.asgi import TOKEN
from tests.fakes.placements import SHA, placement
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates, guarding
from tests.integration.haproxy.proxies import BROWSER, Answer, Site, upstream
from tests.integration.room.visitors import Visitor
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

HOST, MAIN = "shop.localhost", "main.shop.localhost"
NEXT, FORK = "b" * 40, "d" * 40


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """An app with a branch that runs, one that has failed, many others, and a pull request."""
    world = running_site.world
    with upstream("shop") as application:
        world.add("shop", "main", SHA, subject="Sell <b>more</b>")
        world.add("shop", "next", NEXT, committed=2000.0)
        for number in range(40):
            world.add("shop", f"old-{number:02}", f"{number:040x}", committed=float(number))
        for label in ("main", "next"):
            world.start("shop", label)
        failure = Failure(Cause.BUILD_FAILED, "RUN make ended with 2.", 2)
        world.move("shop", NEXT, "failed", failure=failure)
        world.move("shop", SHA, "running")
        known = world.known.known_apps["shop"]
        world.known.known_apps["shop"] = dataclasses.replace(
            known, pulls="all", forks="approve", room="auto"
        )
        pull = PullRecord("shop", 7, FORK, "pull/7/head", author="eve", title="Sell less")
        world.known.pulls["shop"] = {7: pull}
        running_site.route("shop", {SHA: placement("shop", SHA, application.port, "main")})
        world.requests.clear()
        yield running_site
    world.standby = False
    guarding.open_all(running_site)
    world.known.pulls.clear()
    running_site.empty()


def visit(site: Site, path: str = "/", host: str = HOST, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.proxy.request(host, path, headers={**BROWSER, **named})


def test_an_apps_own_host_lists_what_it_has_and_starts_nothing(site: Site) -> None:
    for headers in ({}, {"Accept": "*/*", "Sec_Fetch_Mode": "cors"}):
        page = visit(site, **headers)
        assert page.status == 200
        assert f'href="http://main.shop.localhost:{site.proxy.port}/"'.encode() in page.body
        assert b"RUN make ended with 2." in page.body
        assert b"Sell &lt;b&gt;more&lt;/b&gt;" in page.body
        assert b"and 21 more" in page.body
        assert page.headers["cache-control"] == "private, no-store"
        assert "set-cookie" not in page.headers
    found = visit(site, "/?q=old-0")
    assert (found.body.count(b"<li class="), b"next.shop" in found.body) == (10, False)
    assert set(site.world.requests) == {"GET /v1/apps/shop/landing"}
    assert visit(site, host=MAIN).body.startswith(b"<!doctype html><title>app")
    assert visit(site, "/x").status == 404
    assert visit(site, host="nobody.localhost").status == 404
    forged = {"X_Prevs_Landing": "1", "X_Prevs_Host": HOST}
    assert b"Open any commit" not in visit(site, host="sign-in.localhost", **forged).body


def test_who_may_not_look_sees_nothing_and_enters_as_at_a_preview(site: Site) -> None:
    order = {"access": "password", "password": "open sesame"}
    api = f"{site.proxy.environ['PREVS_API']}/v1/apps/shop/access"
    closed = httpx.put(api, json=order, headers={"Authorization": f"Bearer {TOKEN}"})
    assert closed.status_code == 200, closed.text
    guarding.guard(site, "shop", "link")
    site.world.requests.clear()

    stranger, at_preview = visit(site, "/?q=x"), visit(site, "/?q=x", host=MAIN)
    assert (stranger.status, stranger.headers) == (at_preview.status, at_preview.headers)
    assert stranger.status == 303
    program = site.proxy.request(HOST)
    assert (program.status, program.body) == (401, site.proxy.request(MAIN).body)
    shared = {"X_Prevs_Access": make_pass("shop", MAIN, id="link")}
    assert visit(site, host=MAIN, **shared).status == 200
    assert visit(site, **shared).status == 303
    link = make_pass("shop", MAIN, id="link")
    assert visit(site, f"/_prevs/enter?pass={link}").status == 403
    assert not any("landing" in call for call in site.world.requests)

    person = Visitor(site.proxy)
    assert person.go(person.enter(HOST, "/?q=nex")).headers["location"] == "/?q=nex"
    assert b"next.shop.localhost" in person.go(f"http://{HOST}/?q=nex").body
    assert person.go(person.begin(MAIN, "/")).status == 303  # one sign-in for all of its hosts
    person.jars[MAIN] = person.jars[HOST]
    assert person.go(f"http://{MAIN}/").status == 303
    everywhere = {"X_Prevs_Access": make_pass("shop", id="link")}
    assert b"next.shop.localhost" in visit(site, **everywhere).body


def test_a_gate_of_that_name_comes_first(site: Site) -> None:
    gates.put(site, lead("/", "main"), name="shop", app="shop")
    assert visit(site).body.startswith(b"<!doctype html><title>app")
    gates.remove(site)
    wait_until(lambda: b"Open any commit" in visit(site).body, over=site.proxy.ended)


def test_while_the_framework_is_away_the_page_says_so_and_tries_again(site: Site) -> None:
    site.world.standby = True
    away = visit(site)
    assert (away.status, away.headers["retry-after"]) == (503, "5")
    assert b"This page asks again every 5 s while it is open." in away.body
    assert b"127.0.0.1" not in away.body
    assert visit(site, host=MAIN).status == 200
    site.world.standby = False
    assert visit(site).status == 200


def test_an_app_that_shows_its_status_alone_lists_nothing(site: Site) -> None:
    known = site.world.known.known_apps["shop"]
    site.world.known.known_apps["shop"] = dataclasses.replace(known, room="status")
    page = visit(site)
    assert (page.status, b"next" in page.body, b"eve" in page.body) == (200, False, False)
    assert b"prevs app set shop --room full" in page.body


def note(complaints: list[str], said: ConsoleMessage) -> None:
    complaints.append(said.text)


def test_people_can_use_the_page(site: Site, browser: Chromium) -> None:
    address = f"http://{HOST}:{site.proxy.port}/"
    for scheme, width in (("light", 1280), ("dark", 390)):
        with browser.new_page(
            viewport={"width": width, "height": 844}, color_scheme=scheme
        ) as page:
            complaints: list[str] = []
            page.on("console", functools.partial(note, complaints))
            page.goto(address)
            expect(page.get_by_role("link", name="next")).to_be_visible()
            assert find_barriers(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "overflow"
            assert complaints == []


def test_typing_filters_and_enter_searches_all(site: Site, browser: Chromium) -> None:
    address = f"http://{HOST}:{site.proxy.port}/"
    with browser.new_page() as page:
        page.goto(address)
        said = page.get_by_role("status")
        page.get_by_role("searchbox").fill("NEX")
        expect(page.get_by_role("link", name="next")).to_be_visible()
        expect(page.get_by_role("link", name="Sell less")).to_be_hidden()
        expect(page.get_by_role("status")).to_have_text(
            "1 on this page. Press Enter to search all."
        )
        page.get_by_role("searchbox").fill("old-00")
        expect(said).to_contain_text("None on this page.")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{address}?q=old-00")
        expect(page.get_by_role("link", name="old-00")).to_be_visible()
        page.goto(f"{address}?kind=branch")
        expect(page.locator(".entries .entry")).to_have_count(42)
    with browser.new_page(java_script_enabled=False) as page:
        page.goto(address)
        page.get_by_role("searchbox").fill("old-00")
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".name")).to_have_text(["old-00"])
        page.get_by_role("link", name="Show all").click()
        page.get_by_role("link", name="main", exact=True).click()
        expect(page.get_by_role("heading")).to_have_text("shop GET / 0")


def test_states_change_while_somebody_looks(site: Site, browser: Chromium) -> None:
    world = site.world
    with browser.new_page() as page:

        def wait(status: int = 200) -> None:
            """Let ten seconds pass, after which the page reads itself."""
            with page.expect_response(lambda answer: answer.url == page.url) as reading:
                page.clock.fast_forward(10_000)
            assert reading.value.status == status

        page.clock.install()
        page.goto(f"http://{HOST}:{site.proxy.port}/?q=next")
        chip = page.locator(".entry .chip")
        expect(chip).to_have_text("Failed")
        world.move("shop", NEXT, "running")
        wait()
        expect(chip).to_have_text("Running")
        world.standby = True
        wait(503)
        world.standby = False
        page.get_by_role("link", name="next").focus()  # who is there by keyboard stays there
        world.move("shop", NEXT, "stopped")
        wait()
        wait()  # what it read before has been shown
        assert chip.text_content() == "Running"
        page.get_by_role("searchbox").focus()
        wait()
        expect(chip).to_have_text("Stopped")
