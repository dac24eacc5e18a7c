"""Who may look, by a real HAProxy: every kind of client, pass and label, and every change."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from prevs.access import Access, AccessRecord
from prevs.signatures import derive_key, derive_pass_key
from tests.fakes.access import ERA, PASS_KEY, guard, make_pass
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import guarding
from tests.integration.haproxy.proxies import Answer, Site, Upstream, upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.shop.localhost"
STOPPED, FAILED, UNKNOWN = (f"{label}.shop.localhost" for label in ("stopped", "failed", "nope"))
STOPPED_SHA, NEXT_SHA = "a" * 40, "b" * 40
HOSTS = (HOST, STOPPED, FAILED, UNKNOWN)
BROWSER = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
PREFLIGHT = {"Origin": "https://x.example", "Access-Control-Request-Method": "PUT"}

STRANGERS: Mapping[str, Mapping[str, Any]] = {
    "curl": {},
    "a browser's fetch": {"headers": {"Sec-Fetch-Dest": "empty", "Accept": "*/*"}},
    "a frame": {"headers": {**BROWSER, "Sec-Fetch-Dest": "iframe"}},
    "an image": {"headers": {"Sec-Fetch-Dest": "image", "Accept": "image/*"}},
    "a chat's look at a link": {"headers": {"User-Agent": "Slackbot-LinkExpanding 1.0"}},
    "a bot that wants a page": {"headers": {"User-Agent": "Googlebot/2.1", "Accept": "text/html"}},
    "a prefetch": {"headers": {**BROWSER, "Sec-Purpose": "prefetch"}},
    "a WebSocket": {"headers": WEBSOCKET},
    "HEAD": {"method": "HEAD", "headers": BROWSER},
    "OPTIONS": {"method": "OPTIONS"},
    "a preflight": {"method": "OPTIONS", "headers": PREFLIGHT},
    "a form": {"method": "POST", "headers": BROWSER, "body": b"a=b"},
    "gRPC": {"method": "POST", "headers": {"Content-Type": "application/grpc"}, "body": b"x"},
    "a manifest": {"path": "/manifest.json", "headers": {"Sec-Fetch-Dest": "manifest"}},
    "a service worker": {"path": "/sw.js", "headers": {"Sec-Fetch-Dest": "serviceworker"}},
    "an icon": {"path": "/favicon.ico"},
    "rules for robots": {"path": "/robots.txt"},
    "the page's log": {"path": "/_prevs/log"},
    "the page's start": {"path": "/_prevs/start", "method": "POST", "body": b"token=x"},
    "the page": {"path": "/_prevs/"},
    "a link, by a program": {"path": "/_prevs/enter?pass=x"},
    "a forged host": {"headers": {"X-Forwarded-Host": "main.docs.localhost"}},
}


@pytest.fixture
def shop(site: Site) -> Iterator[Upstream]:
    """A guarded app whose label `main` runs, another has failed, another was stopped."""
    with upstream("shop") as application:
        site.world.add("shop", "main", SHA)
        for label, sha in (("stopped", STOPPED_SHA), ("failed", OTHER_SHA)):
            site.world.add("shop", label, sha)
            site.world.start("shop", label)
            site.world.move("shop", sha, label)
        site.route("shop", {SHA: placement("shop", SHA, application.port, "main")})
        guarding.guard(site, "shop", "good-id")
        yield application
        guarding.open_all(site)


def cookie(text: str) -> dict[str, str]:
    return {"Cookie": f"a=1; prevs-access={text}; b=2"}


def same(answer: Answer) -> tuple[int, bytes, Mapping[str, str]]:
    kept = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status, answer.body, kept


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_gets_the_same_whatever_there_is(site: Site, shop: Upstream, who: str) -> None:
    calls = len(site.world.requests)
    request = {"timeout": 10, **STRANGERS[who]}
    answers = [same(site.proxy.request(host, **request)) for host in HOSTS]
    assert all(answer == answers[0] for answer in answers), answers
    status, body, headers = answers[0]
    assert status == 401
    assert headers["www-authenticate"] == "Prevs"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "application/problem+json"
    assert b"urn:prevs:problem:pass-needed" in body or request.get("method") == "HEAD"
    assert shop.seen == []
    assert len(site.world.requests) == calls  # nothing was looked up, started or held


@pytest.mark.parametrize("headers", [BROWSER, {"Accept": "text/html,*/*"}])
def test_a_browser_without_a_pass_is_sent_to_where_it_enters(
    site: Site, shop: Upstream, headers: Mapping[str, str]
) -> None:
    calls = len(site.world.requests)
    for path, to in (("/x?y=1&z=2", "%2Fx%3Fy%3D1%26z%3D2"), ("/" + "a" * 3000, "%2F")):
        answers = [same(site.proxy.request(host, path, headers=headers)) for host in HOSTS]
        assert all(answer == answers[0] for answer in answers), answers
        assert answers[0][0] == 303
        assert answers[0][2]["location"] == f"/_prevs/enter?to={to}"
        assert answers[0][2]["cache-control"] == "no-store"
    assert (shop.seen, len(site.world.requests)) == ([], calls)


BAD_PASSES: Mapping[str, str] = {
    "no pass": "nonsense",
    "nothing": "",
    "cut": make_pass("shop", HOST)[:-3],
    "another app": make_pass("docs", HOST),
    "another host": make_pass("shop", STOPPED),
    "another era": make_pass("shop", HOST, era=ERA - 1),
    "ended": make_pass("shop", HOST, until=time.time() - 5),
    "another key": make_pass("shop", HOST, key=derive_pass_key("another")),
    "no key": make_pass("shop", HOST, key="0" * 64),
    "an id that was revoked": make_pass("shop", HOST, id="gone"),
    "an id of no app": make_pass("shop", id="docs/good-id"),
    "a purpose": make_pass("shop", HOST, purpose="session"),
    # {"alg": "none"}, and the claims of a good pass without a signature
    "no algorithm": "eyJhbGciOiJub25lIn0." + make_pass("shop", HOST).split(".")[1] + ".",
}


@pytest.mark.parametrize("bad", BAD_PASSES)
def test_a_bad_pass_opens_nothing(site: Site, shop: Upstream, bad: str) -> None:
    for headers in (cookie(BAD_PASSES[bad]), {"X-Prevs-Access": BAD_PASSES[bad]}):
        assert site.proxy.request(HOST, headers=headers).status == 401
        assert site.proxy.request(HOST, headers={**BROWSER, **headers}).status == 303
    assert shop.seen == []


GOOD: Mapping[str, Mapping[str, str]] = {
    "a cookie": cookie(make_pass("shop", HOST)),
    "the first cookie": {"Cookie": f"prevs-access={make_pass('shop', HOST)}; a=1; b=2"},
    "the only cookie": {"Cookie": f"prevs-access={make_pass('shop', HOST)}"},
    "an issued pass": cookie(make_pass("shop", HOST, id="good-id")),
    "a pass for all hosts": {"X-Prevs-Access": make_pass("shop", id="good-id")},
    "the header in small letters": {"x-prevs-access": make_pass("shop", HOST)},
    "both": {"X-Prevs-Access": make_pass("shop", HOST), **cookie("bad")},
    "a cookie behind a comma": {"Cookie": f"a=1, prevs-access={make_pass('shop', HOST)}"},
    "an odd spelling beside it": {
        "X-Prevs-Access": make_pass("shop", HOST),
        "x-prevs_access": make_pass("shop", HOST),
        "Cookie": f"a=1;PREVS-Access = {make_pass('shop', HOST)};b=2",
    },
    "a cookie of the other scheme": {
        "X-Prevs-Access": make_pass("shop", HOST),
        "Cookie": f"__Host-prevs-access={make_pass('shop', HOST)}; prevs-access=x; b=2",
    },
}


@pytest.mark.parametrize("how", GOOD)
def test_a_good_pass_opens_its_host_and_never_reaches_the_application(
    site: Site, shop: Upstream, how: str
) -> None:
    sent = {"Authorization": "Bearer of-the-app", **GOOD[how]}
    for host in (HOST, "MAIN.Shop.LOCALHOST", "main--shop.localhost"):
        assert site.proxy.request(host, "/x", headers=sent).body == b"shop GET /x 0"
    assert site.proxy.request(HOST, "/x", method="POST", body=b"abc", headers=sent).status == 200
    assert len(shop.seen) == 4
    for _, _, headers in shop.seen:
        assert "eyJ" not in str(headers)
        assert "prevs" not in str(headers).lower().replace("x-forwarded-host", "")
        assert headers["authorization"] == "Bearer of-the-app"
        wanted = {"a": "a=1", "b": "b=2"}
        given = sent.get("Cookie", "")
        assert all(one in headers["cookie"] for one in wanted.values() if one in given)
        assert headers.get("cookie") != ""


def test_a_pass_for_one_host_opens_no_other_and_one_for_all_waits_for_the_build(
    site: Site, shop: Upstream
) -> None:
    site.world.add("shop", "next", NEXT_SHA)
    host = "next.shop.localhost"
    assert site.proxy.request(host, headers=cookie(make_pass("shop", HOST))).status == 401
    answers: list[Answer] = []
    headers = {"X-Prevs-Access": make_pass("shop", id="good-id")}
    held = threading.Thread(
        target=lambda: answers.append(site.proxy.request(host, "/held", headers=headers))
    )
    held.start()
    placed = {
        SHA: placement("shop", SHA, shop.port, "main"),
        NEXT_SHA: placement("shop", NEXT_SHA, shop.port, "next"),
    }
    wait_until(lambda: ("shop", NEXT_SHA) in site.world.previews, over=site.proxy.ended)
    site.route("shop", placed)
    held.join(30)
    assert (answers[0].status, answers[0].body) == (200, b"shop GET /held 0"), answers
    page = site.proxy.request(STOPPED, headers={**BROWSER, **headers})
    assert (page.status, b"shop" in page.body) == (503, True)


def test_two_cookies_of_the_name_are_refused_with_the_reason(site: Site, shop: Upstream) -> None:
    good = make_pass("shop", HOST)
    for both in (f"prevs-access=bad; prevs-access={good}", f"prevs-access={good}; prevs-access=x"):
        answer = site.proxy.request(HOST, headers={"Cookie": both})
        assert (answer.status, b"more than once" in answer.body) == (400, True)
    two = [("Cookie", f"prevs-access={good}"), ("Cookie", "z=1")]
    assert raw(site, HOST, two) == 200
    assert "prevs" not in shop.seen[-1][2]["cookie"]


def raw(site: Site, host: str, headers: Sequence[tuple[str, str]], method: str = "GET") -> int:
    """Return the status for headers that may come twice."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.proxy.port)) as client:
        client.putrequest(method, "/", skip_host=True)
        for name, value in [("Host", host), *headers]:
            client.putheader(name, value)
        client.endheaders()
        return client.getresponse().status


def test_a_preflight_passes_only_if_the_app_allows_it_and_only_to_what_runs(
    site: Site, shop: Upstream
) -> None:
    guarding.guard(site, "shop", preflight=True)
    sent = {**PREFLIGHT, "Cookie": "s=1", "Authorization": "Basic x", "X-Own": "1"}
    assert site.proxy.request(HOST, method="OPTIONS", headers=sent).status == 200
    seen = shop.seen[-1][2]
    assert ("cookie" in seen, "authorization" in seen, seen["x-own"]) == (False, False, "1")
    others = [site.proxy.request(host, method="OPTIONS", headers=sent) for host in HOSTS[1:]]
    assert {answer.status for answer in others} == {401}
    for refused in (
        {"method": "OPTIONS"},
        {"method": "GET", "headers": sent},
        {"method": "OPTIONS", "headers": sent, "body": b"x"},
        {
            "method": "OPTIONS",
            "headers": {**sent, "Transfer-Encoding": "chunked"},
            "body": b"0\r\n\r\n",
        },
        {"method": "OPTIONS", "headers": sent, "path": "/_prevs/log"},
    ):
        assert site.proxy.request(HOST, **refused).status == 401, refused
    assert len(shop.seen) == 1


def test_a_websocket_with_a_pass_opens(site: Site, shop: Upstream) -> None:
    with socket.create_connection(("127.0.0.1", site.proxy.port), timeout=10) as client:
        headers = {"Host": HOST, **WEBSOCKET, **cookie(make_pass("shop", HOST))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        client.sendall(f"GET /echo HTTP/1.1\r\n{lines}\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 101 ")
        client.sendall(b"ping")
        assert client.recv(100) == b"ping"


def test_a_public_app_beside_it_is_as_always(site: Site, shop: Upstream) -> None:
    site.world.add("docs", "main", SHA)
    with upstream("docs") as docs:
        site.route("docs", {SHA: placement("docs", SHA, docs.port, "main")})
        assert site.proxy.request("main.docs.localhost").body == b"docs GET / 0"
        assert site.proxy.request("nope.docs.localhost").status == 404
        # The header is removed here too.
        site.proxy.request("main.docs.localhost", headers={"X-Prevs-Access": "x"})
        assert "x-prevs-access" not in docs.seen[-1][2]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"",
        guard("shop", key=derive_key("another")),
        guard("docs"),
        guard("shop", "an id"),
        AccessRecord("shop", Access.PUBLIC).encode(),
    ],
)
def test_a_record_that_nobody_signed_closes_the_app_to_all(
    site: Site, shop: Upstream, data: bytes
) -> None:
    guarding.write(site, "shop", data)
    guarding.wait_entry(site, "access", "shop", "closed")
    headers = cookie(make_pass("shop", HOST))
    for host in HOSTS:
        for more in ({}, headers, {**BROWSER, **headers}):
            answer = site.proxy.request(host, headers=more)
            assert answer.status == 503
            assert b"cannot read who may look" in answer.body
            assert answer.headers["retry-after"] == "10"
    assert shop.seen == []
    assert "who may look cannot be read: closed" in site.proxy.log.read_text()
    guarding.guard(site, "shop")
    assert site.proxy.request(HOST, headers=headers).status == 200


class Load:
    """Visitors who ask all the time, and which statuses are right for each of them."""

    def __init__(self, site: Site, **visitors: Mapping[str, str]) -> None:
        self._port = site.proxy.port
        self._over = threading.Event()
        self._right = {who: {200} for who in visitors}
        self._counts = dict.fromkeys(visitors, 0)
        self.wrong: list[tuple[str, int]] = []
        self._threads = [
            threading.Thread(target=self._ask, args=visitor) for visitor in visitors.items()
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, who: str, headers: Mapping[str, str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._over.is_set():
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


def test_each_change_acts_at_once_under_load_with_no_wrong_answer(
    site: Site, shop: Upstream
) -> None:
    own, issued = cookie(make_pass("shop", HOST)), cookie(make_pass("shop", HOST, id="good-id"))
    with Load(site, own=own, issued=issued, stranger={}) as load:
        load.settle(stranger={401})
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
            load.begin(stranger={200, 401})
            guarding.open_all(site)
            load.settle(stranger={200})
            # While the hosts move to the other map, a request of before may find its app closed.
            load.begin(stranger={200, 401, 503})
            guarding.guard(site, "shop", "good-id")
            load.settle(stranger={401})
    assert load.wrong == []


class OldConnections:
    """Connections to a HAProxy that is replaced then: each is good for one more request."""

    def __init__(self, site: Site, count: int) -> None:
        self._all = [http.client.HTTPConnection("127.0.0.1", site.proxy.port) for _ in range(count)]
        for one in self._all:
            one.request("GET", "/robots.txt", headers={"Host": "nowhere"})
            one.getresponse().read()

    def ask(self, headers: Mapping[str, str], host: str = HOST) -> int:
        """Return the status for a request that the old HAProxy gets."""
        with contextlib.closing(self._all.pop()) as connection:
            assert connection.sock is not None, "it was closed before"
            connection.request("GET", "/", headers={"Host": host, **headers})
            return connection.getresponse().status


def test_a_replaced_process_knows_a_new_era_and_a_revoked_pass(site: Site, shop: Upstream) -> None:
    issued = cookie(make_pass("shop", HOST, id="good-id"))
    own = cookie(make_pass("shop", HOST))
    old = OldConnections(site, 16)
    before = site.proxy.haproxy
    site.restart()
    assert site.proxy.haproxy != before
    assert [old.ask(issued), old.ask(own)] == [200, 200]
    assert [old.ask({}, host) for host in HOSTS] == [401] * 4
    assert old.ask(BROWSER) == 303
    guarding.guard(site, "shop")
    guarding.wait_entry(site, "passes", "shop/good-id", None)
    assert [old.ask(issued), old.ask(own)] == [401, 200]
    guarding.guard(site, "shop", era=ERA + 1)
    assert old.ask(own) == 401
    guarding.write(site, "shop", b"{")
    guarding.wait_entry(site, "access", "shop", "closed")
    assert old.ask(own) == 503
    guarding.open_all(site)
    assert old.ask({}) == 200
    guarding.guard(site, "shop")
    assert [old.ask({}), old.ask(own)] == [401, 200]
    assert all("eyJ" not in str(headers) for _, _, headers in shop.seen)


def test_a_rotated_token_lets_in_the_passes_of_both(site: Site, shop: Upstream) -> None:
    token_file = site.proxy.folder.parent / "token"
    before = token_file.read_text()
    of_old = cookie(make_pass("shop", HOST))
    of_new = cookie(make_pass("shop", HOST, key=derive_pass_key("a-new-token-of-proxies")))
    try:
        with Load(site, old=of_old, new=of_new, stranger={}) as load:
            load.settle(new={401}, stranger={401})
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
