"""Who may look changes while a real HAProxy serves: records, eras, passes, keys, processes."""

import http.client
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from prevs.access import Access, AccessRecord
from prevs.signatures import derive_key, derive_pass_key
from proxy.model.access import CLOSED
from tests.fakes.access import ERA, PASS_KEY, guard, make_pass
from tests.fakes.placements import SHA, placement
from tests.integration.haproxy import guarding
from tests.integration.haproxy.guarding import HOST, HOSTS, NEXT_SHA, cookie
from tests.integration.haproxy.http2_client import Client
from tests.integration.haproxy.proxies import BROWSER, Site, Upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration

_PAUSE_SECONDS = 0.002
OUTSIDERS: Mapping[str, Mapping[str, str]] = {
    "stranger": {},
    "forged": cookie(make_pass("shop", HOST, key="x" * 64)),
    "other": cookie(make_pass("docs", HOST)),
}
"""Those whom a guarded app never lets in."""


BAD_RECORDS = {
    "broken": b"{",
    "empty": b"",
    "of another key": guard("shop", key=derive_key("another")),
    "of another app": guard("docs"),
    "with an odd id": guard("shop", "an id"),
    "public, but not signed": AccessRecord("shop", Access.PUBLIC).encode(),
}


@pytest.mark.parametrize("bad", BAD_RECORDS)
def test_a_record_that_nobody_signed_closes_the_app_to_all(
    site: Site, shop: Upstream, bad: str
) -> None:
    guarding.write(site, "shop", BAD_RECORDS[bad])
    guarding.wait_entry(site, "access", "shop", CLOSED)
    headers = cookie(make_pass("shop", HOST))
    of_first_era = cookie(make_pass("shop", HOST, era=0))
    for host in HOSTS:
        for more in ({}, headers, {**BROWSER, **headers}, of_first_era):
            answer = site.proxy.request(host, headers=more)
            assert answer.status == 503
            assert b"cannot read who may look" in answer.body
            assert answer.headers["retry-after"] == "10"
    assert shop.seen == []
    assert "who may look cannot be read: closed" in site.proxy.log.read_text()
    guarding.guard(site, "shop")
    assert site.proxy.request(HOST, headers=headers).status == 200


class Load:
    """Visitors who ask all the time: their headers, and which status is right at first."""

    def __init__(self, site: Site, **visitors: tuple[Mapping[str, str], int]) -> None:
        self._port = site.proxy.port
        self._over = threading.Event()
        self._right = {who: {status} for who, (_, status) in visitors.items()}
        self._counts = dict.fromkeys(visitors, 0)
        self.wrong: list[tuple[str, int]] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(who, headers))
            for who, (headers, _) in visitors.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, who: str, headers: Mapping[str, str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._over.wait(_PAUSE_SECONDS):
            before = self._right[who]
            connection.request("GET", "/", headers={"Host": HOST, **headers})
            answer = connection.getresponse()
            answer.read()
            if answer.status not in before | self._right[who]:
                self.wrong.append((who, answer.status))
            self._counts[who] += 1
        connection.close()

    def begin(self, **statuses: set[int]) -> None:
        """Begin a change: until it has settled, these statuses are right."""
        self._right.update(statuses)

    def settle(self, **statuses: set[int]) -> None:
        """End a change: only these are right, and each visitor sees that a few times."""
        self._right.update(statuses)
        enough = {who: count + 10 for who, count in self._counts.items()}
        wait_until(lambda: all(self._counts[who] >= enough[who] for who in enough))


def outside(*statuses: int) -> Mapping[str, set[int]]:
    """Return for each outsider which statuses are right."""
    return {who: set(statuses) for who in OUTSIDERS}


def test_each_change_acts_at_once_under_load_with_no_wrong_answer(
    site: Site, shop: Upstream
) -> None:
    own, issued = cookie(make_pass("shop", HOST)), cookie(make_pass("shop", HOST, id="good-id"))
    outsiders = {who: (headers, 401) for who, headers in OUTSIDERS.items()}
    with Load(site, own=(own, 200), issued=(issued, 200), **outsiders) as load:
        for number in range(3):
            load.begin(issued={200, 401})
            guarding.guard(site, "shop")
            guarding.wait_entry(site, "passes", "shop/good-id", None)
            load.settle(issued={401})
            load.begin(own={200, 401})
            guarding.guard(site, "shop", era=ERA + 1 + number)
            load.settle(own={401})
            load.begin(own={200, 401}, issued={200, 401})
            guarding.guard(site, "shop", "good-id")
            load.settle(own={200}, issued={200})
            load.begin(**outside(200, 401))
            guarding.open_all(site)
            load.settle(**outside(200))
            # While the hosts move to the other map, a request of before may find its app closed.
            load.begin(**outside(200, 401, 503))
            guarding.guard(site, "shop", "good-id")
            load.settle(**outside(401))
    assert load.wrong == []


def test_a_replaced_process_knows_a_new_era_and_a_revoked_pass(site: Site, shop: Upstream) -> None:
    issued = cookie(make_pass("shop", HOST, id="good-id"))
    own = cookie(make_pass("shop", HOST))
    old = site.proxy.connect(16)

    def ask(headers: Mapping[str, str], host: str = HOST) -> int:
        return old.ask(host, headers=headers).status

    before = site.proxy.haproxy
    site.restart()
    assert site.proxy.haproxy != before
    assert [ask(issued), ask(own)] == [200, 200]
    assert [ask({}, host) for host in HOSTS] == [401] * 4
    assert ask(BROWSER) == 303
    guarding.guard(site, "shop")
    guarding.wait_entry(site, "passes", "shop/good-id", None)
    assert [ask(issued), ask(own)] == [401, 200]
    guarding.guard(site, "shop", era=ERA + 1)
    assert ask(own) == 401
    guarding.write(site, "shop", b"{")
    guarding.wait_entry(site, "access", "shop", CLOSED)
    assert ask(own) == 503
    guarding.open_all(site)
    assert ask({}) == 200
    guarding.guard(site, "shop")
    assert [ask({}), ask(own)] == [401, 200]
    assert all("eyJ" not in str(headers) for _, _, headers in shop.seen)


def test_a_rotated_token_lets_in_the_passes_of_both(site: Site, shop: Upstream) -> None:
    token_file = site.proxy.folder.parent / "token"
    before = token_file.read_text()
    of_old = cookie(make_pass("shop", HOST))
    of_new = cookie(make_pass("shop", HOST, key=derive_pass_key("a-new-token-of-proxies")))
    try:
        with Load(site, old=(of_old, 200), new=(of_new, 401), stranger=({}, 401)) as load:
            load.settle()
            load.begin(new={200, 401})
            token_file.write_text(f"a-new-token-of-proxies\n{before}\n")
            site.restart()
            load.settle(new={200})
            arguments = Path(f"/proc/{site.proxy.haproxy}/cmdline").read_text()
            assert PASS_KEY not in (site.proxy.folder / "haproxy.cfg").read_text() + arguments
            load.begin(new={200, 401})
            token_file.write_text(before)
            site.restart()
            load.settle(new={401})
        assert load.wrong == []
    finally:
        if token_file.read_text() != before:
            token_file.write_text(before)
            site.restart()


def test_a_held_request_does_not_outlive_its_era(site: Site, shop: Upstream) -> None:
    site.world.add("shop", "next", NEXT_SHA)
    answers: list[int] = []

    def ask() -> None:
        own = cookie(make_pass("shop", "next.shop.localhost"))
        answers.append(site.proxy.request("next.shop.localhost", headers=own).status)

    held = threading.Thread(target=ask)
    held.start()
    wait_until(lambda: ("shop", NEXT_SHA) in site.world.previews, over=site.proxy.ended)
    guarding.guard(site, "shop", era=ERA + 1)
    placed = {SHA: placement("shop", SHA, shop.port, "main")}
    site.route("shop", {**placed, NEXT_SHA: placement("shop", NEXT_SHA, shop.port, "next")})
    held.join(30)
    assert answers == [503]
    assert shop.seen == []


def test_a_held_request_is_let_in_by_no_other_pass_of_its_connection(
    site: Site, shop: Upstream
) -> None:
    """HAProxy has one text with the claims for all requests of a connection."""
    site.world.add("shop", "next", NEXT_SHA)
    issued, own = make_pass("shop", id="good-id"), make_pass("shop", HOST)
    address = ("127.0.0.1", site.proxy.port)
    with socket.create_connection(address, timeout=30) as connected:
        client = Client(connected, HOST)
        held = client.send("/", "next.shop.localhost", {"x-prevs-access": issued})
        wait_until(lambda: ("shop", NEXT_SHA) in site.world.previews, over=site.proxy.ended)
        other = client.send("/", headers={"x-prevs-access": own})
        assert client.headers(other)[":status"] == "200"
        guarding.guard(site, "shop")
        guarding.wait_entry(site, "passes", "shop/good-id", None)
        placed = {SHA: placement("shop", SHA, shop.port, "main")}
        site.route("shop", {**placed, NEXT_SHA: placement("shop", NEXT_SHA, shop.port, "next")})
        assert client.headers(held)[":status"] == "503"
    assert len(shop.seen) == 1
