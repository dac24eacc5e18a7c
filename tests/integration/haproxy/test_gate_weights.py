"""Weights at a real HAProxy: how many clients each target gets, and that these stay with it."""

import contextlib
import http.client
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from prevs.gates import LOTS, Rule, Sticky, Target
from tests.chromium import Chromium
from tests.fakes.placements import placement
from tests.integration.haproxy import gates, proxies
from tests.integration.haproxy.gates import HOST, sha_of
from tests.integration.haproxy.lots import find_lot
from tests.integration.haproxy.proxies import Site, upstream

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CLIENTS = 10_000
ASKED = 400
"""Of these, where all would take too long."""
LED = {"2500": ("v1", "v1"), "7000": ("main", "v1"), "9000": ("main", "main")}
"""Where the lots of browsers lead with 50 % and then 80 % for v1."""
PARTS = itertools.product(range(1, 5), range(50), range(1, 51))


def canary(percent: int, sticky: Sticky = Sticky.ADDRESS) -> Rule:
    """Return a rule that leads so many clients to v1, and the others to main."""
    lots = percent * LOTS // 100
    return Rule("/", (Target("main", LOTS - lots), Target("v1", lots)), sticky=sticky)


def is_within(count: int, percent: int, sigmas: int) -> bool:
    """Return whether so many of CLIENTS are as many as chance gives."""
    share = percent / 100
    return abs(count - share * CLIENTS) <= sigmas * math.sqrt(CLIENTS * share * (1 - share))


class Visit(NamedTuple):
    """To which label a request was led, and the lot that its client has now."""

    label: str
    lot: str


class Clients:
    """Clients of the gate, all on one connection to the proxy."""

    def __init__(self, site: Site) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", site.proxy.port, timeout=60)

    def ask(self, lot: str = "") -> Visit:
        """Send a request of a new client, or of the one with that lot."""
        cookie = {"Cookie": f"prevs-lot={lot}"} if lot else {}
        # Without a body the upstream answers with one packet, and HAProxy awaits no second one.
        self._connection.request("HEAD", "/", headers={"Host": HOST, **cookie})
        answer = self._connection.getresponse()
        answer.read()
        given = answer.headers.get("Set-Cookie", "").partition(";")[0]
        return Visit(_find_label(answer), given.removeprefix("prevs-lot=") or lot)

    def close(self) -> None:
        self._connection.close()


def _find_label(answer: http.client.HTTPResponse) -> str:
    sha = answer.headers["X-Prevs-Task"].split(".")[1]
    return {sha_of(label): label for label in ("main", "v1")}[sha]


@pytest.mark.night
@pytest.mark.usefixtures("labels")
def test_ten_thousand_clients_with_a_cookie_are_led_by_weight_and_a_raised_one_moves_nobody_out(
    site: Site,
) -> None:
    clients = Clients(site)
    gates.put(site, canary(10, Sticky.COOKIE))
    visits = [clients.ask() for _ in range(CLIENTS)]
    early = [visit.lot for visit in visits if visit.label == "v1"]
    # Their lots are drawn anew each time: more than 5 sigmas happens once in a million times.
    assert is_within(len(early), 10, 5), len(early)
    gates.put(site, canary(30, Sticky.COOKIE))
    assert {clients.ask(lot).label for lot in early} == {"v1"}
    for lot in [visit.lot for visit in visits if visit.label == "main"][:ASKED]:
        assert clients.ask(lot).label == ("v1" if int(lot) < 3000 else "main")
    clients.close()


@pytest.mark.usefixtures("labels")
def test_ten_thousand_addresses_are_led_by_weight_and_stay(site: Site) -> None:
    addresses = [f"127.{a}.{b}.{c}" for a, b, c in PARTS]
    lots = {address: find_lot(address) for address in addresses}
    assert len(lots) == CLIENTS
    for percent in (10, 30):
        count = sum(lot < percent * LOTS // 100 for lot in lots.values())
        assert is_within(count, percent, 3), (percent, count)
    # HAProxy has the same lots.
    some = addresses[:: CLIENTS // ASKED]
    for percent in (10, 30):
        gates.put(site, canary(percent))
        expected = ["v1" if lots[one] < percent * LOTS // 100 else "main" for one in some]
        answers = [site.proxy.request(HOST, source=one) for one in some]
        assert [gates.label_of(one) for one in answers] == expected
        assert set(expected) == {"main", "v1"}


def test_a_client_behind_a_trusted_proxy_has_the_lot_of_its_own_address(
    zookeeper: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    behind = proxies.site(tmp_path, zookeeper, free_port(), PREVS_TRUSTED_PROXIES="127.0.0.0/8")
    addresses = [f"10.0.0.{number}" for number in range(1, 20)]
    expected = ["v1" if find_lot(one) < LOTS // 2 else "main" for one in addresses]
    assert set(expected) == {"main", "v1"}
    with behind as site, gates.labelled(site):
        gates.put(site, canary(50))
        named = [{"X-Forwarded-For": address} for address in addresses]
        answers = [site.proxy.request(HOST, "/", headers=headers) for headers in named]
        assert [gates.label_of(one) for one in answers] == expected
        assert {one.headers["vary"] for one in answers} == {"*"}


def _version_of(page: Page) -> str:
    """Return the version of a page, after it has loaded a script of its own version."""
    heading = page.get_by_role("heading")
    expect(heading).to_be_visible()
    shown = (heading.text_content() or "").split()[0]
    page.add_script_tag(url="/version.js")
    assert page.evaluate("version") == shown
    return shown


def test_a_page_and_its_script_are_of_one_version_while_weights_change(
    site: Site, browser: Chromium
) -> None:
    address = f"http://{HOST}:{site.proxy.port}/"
    with (
        upstream("main") as main,
        upstream("v1") as v1,
        contextlib.ExitStack() as opened,
    ):
        for one in (main, v1):
            one.scripts["/version.js"] = f"globalThis.version = '{one.name}'"
        placed = {
            sha_of(one.name): placement("hello", sha_of(one.name), one.port, one.name)
            for one in (main, v1)
        }
        site.route("hello", placed)
        opened.callback(gates.remove, site)
        gates.put(site, canary(50, Sticky.COOKIE))
        fresh, *known = [opened.enter_context(browser.new_page()) for _ in ("", *LED)]
        for page, lot in zip(known, LED, strict=True):
            page.context.add_cookies([{"name": "prevs-lot", "value": lot, "url": address}])
        for page in (fresh, *known):
            page.goto(address)
        versions = [_version_of(page) for page in (fresh, *known)]
        assert versions[1:] == [before for before, _ in LED.values()]
        gates.put(site, canary(80, Sticky.COOKIE))
        for page in (fresh, *known):
            page.reload()
        later = [_version_of(page) for page in (fresh, *known)]
        assert later[1:] == [after for _, after in LED.values()]
        assert later[0] in {versions[0], "v1"}
