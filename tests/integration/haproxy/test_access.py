"""Who may look, by a real HAProxy: every kind of client, pass and label."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from prevs.signatures import derive_pass_key
from tests.fakes.access import ERA, make_pass
from tests.fakes.placements import SHA, placement
from tests.free_ports import free_port
from tests.integration.haproxy import guarding, proxies, tls
from tests.integration.haproxy.guarding import HOST, HOSTS, NEXT_SHA, STOPPED, cookie
from tests.integration.haproxy.proxies import BROWSER, Answer, Site, Upstream, upstream
from tests.integration.haproxy.wire import UPGRADE, upgrade
from tests.waits import wait_until

pytestmark = pytest.mark.integration

PREFLIGHT = {"Origin": "https://x.example", "Access-Control-Request-Method": "PUT"}

STRANGERS: Mapping[str, Mapping[str, Any]] = {
    "curl": {},
    "a browser's fetch": {"headers": {"Sec-Fetch-Dest": "empty", "Accept": "*/*"}},
    "a frame": {"headers": {**BROWSER, "Sec-Fetch-Dest": "iframe"}},
    "an image": {"headers": {"Sec-Fetch-Dest": "image", "Accept": "image/*"}},
    "a chat's look at a link": {"headers": {"User-Agent": "Slackbot-LinkExpanding 1.0"}},
    "a WebSocket": {"headers": UPGRADE},
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
    "another proxy that asks": {"path": "/_prevs/verify", "headers": BROWSER},
    "a forged host": {"headers": {"X-Forwarded-Host": "main.docs.localhost"}},
}


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


LOOKERS: Sequence[Mapping[str, str]] = (
    {"User-Agent": "Googlebot/2.1", "Accept": "text/html"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0", "Accept": "*/*"},
    {**BROWSER, "Sec-Purpose": "prefetch"},
)


@pytest.mark.parametrize("headers", LOOKERS)
def test_who_only_looks_at_a_link_reads_that_it_is_not_open(
    site: Site, shop: Upstream, headers: Mapping[str, str]
) -> None:
    answers = [same(site.proxy.request(host, headers=headers)) for host in HOSTS]
    assert all(answer == answers[0] for answer in answers), answers
    status, body, shown = answers[0]
    assert (status, shown["www-authenticate"]) == (401, "Prevs")
    assert (shown["content-type"], shown["cache-control"]) == ("text/html", "no-store")
    title = b'<meta property=og:title content="A preview that is not open to everybody">'
    assert (title in body, body.count(b"og:")) == (True, 1)
    assert (shop.seen, b"shop" in body) == ([], False)


def test_another_proxy_asks_whether_a_request_may_pass(site: Site, shop: Upstream) -> None:
    def ask(host: str = HOST, **headers: str) -> tuple[int, str | None]:
        answer = site.proxy.request(host, "/_prevs/verify", headers={**BROWSER, **headers})
        return answer.status, answer.headers.get("x-prevs-app")

    assert [ask(host) for host in HOSTS] == [(401, None)] * len(HOSTS)
    own, other = make_pass("shop", HOST), make_pass("shop", STOPPED)
    assert ask(**{"X-Prevs-Access": own}) == (200, "shop")
    assert ask(**cookie(own)) == (200, "shop")
    assert ask(**cookie(other)) == (401, None)
    assert ask("main.public.localhost") == (200, "public")
    assert ask("sign-in.localhost")[0] == 404
    assert shop.seen == []


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


def test_a_signature_that_was_checked_on_a_connection_lets_no_other_text_in(
    site: Site, shop: Upstream
) -> None:
    good, issued = make_pass("shop", HOST), make_pass("shop", id="good-id")
    sent = [
        *[(HOST, one, 200) for one in (good, good, issued, good, issued)],
        *[(HOST, one, 401) for one in BAD_PASSES.values() if one.isascii() and one],
        (HOST, good, 200),
        (STOPPED, good, 401),
        ("main.docs.localhost", issued, 401),
        (HOST, good[:-1] + ("A" if good[-1] != "A" else "E"), 401),  # B differs in no byte
        (HOST, good + "A", 401),
        (HOST, "", 401),
        (HOST, good, 200),
    ]
    guarding.guard(site, "docs")
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", site.proxy.port, timeout=60)
    ) as client:
        for place, (host, text, status) in enumerate(sent):
            client.request("GET", "/", headers={"Host": host, "X-Prevs-Access": text})
            answer = client.getresponse()
            answer.read()
            assert (answer.status, not answer.will_close) == (status, True), place
    assert len(shop.seen) == len([None for _, _, status in sent if status == 200])


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


LEFT: Mapping[str, str | None] = {
    "prevs-access=PASS": None,
    "prevs-access=PASS; a=1; b=2": "a=1; b=2",
    "a=1; prevs-access=PASS": "a=1",
    "a=1;prevs-access=PASS;b=2": "a=1;b=2",
    "a=prevs-access; prevs-access=PASS; b=prevs-access": "a=prevs-access; b=prevs-access",
    "Prevs-Access=PASS; prevs-access=PASS": None,
    "prevs-access=PASS; a=1, PREVS-ACCESS=PASS": "a=1",
}


@pytest.mark.parametrize("sent", LEFT)
def test_the_applications_own_cookies_stay_as_they_are(
    site: Site, shop: Upstream, sent: str
) -> None:
    given = {"Cookie": sent.replace("PASS", make_pass("shop", HOST))}
    assert site.proxy.request(HOST, headers=given).status == 200
    assert shop.seen[-1][2].get("cookie") == LEFT[sent]


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
    apart = [("Cookie", f"prevs-access={good}"), ("Cookie", "prevs-access=x")]
    assert raw(site, HOST, apart) == 400
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
        client.sendall(upgrade(HOST, cookie(make_pass("shop", HOST))))
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


def test_with_tls_only_the_cookie_that_no_other_site_can_set_counts(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> None:
    door = tls.door(tmp_path, free_port(), HOST)
    good, path = make_pass("shop", HOST), "/_prevs/enter?pass="
    with (
        proxies.site(tmp_path, zookeeper, free_port(), **door.settings()) as site,
        guarding.shop(site) as shop,
    ):

        def ask(path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
            client = http.client.HTTPConnection(HOST)
            client.sock = door.connect(HOST, "http/1.1")
            client.request("GET", path, headers=headers)
            return client.getresponse()

        assert ask("/", {"Cookie": f"prevs-access={good}"}).status == 401
        for name in ("prevs-access=x; __Host-prevs-access", "__Host-prevs-access"):
            assert ask("/", {"Cookie": f"{name}={good}; b=2"}).status == 200
        assert "prevs" not in str([headers for _, _, headers in shop.seen]).replace("x-forw", "")
        entered = ask(path + good, BROWSER)
        cookie_set = entered.headers["Set-Cookie"]
        assert cookie_set.startswith("__Host-prevs-access=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie_set.split("; "))
        begun = ask("/_prevs/enter", BROWSER)
        assert begun.headers["Location"].startswith("https://sign-in.localhost/_prevs/sign-in?on=")
        # A visitor without TLS has the other name.
        assert site.proxy.request(HOST, headers=cookie(good)).status == 200


def test_a_refused_connection_to_a_guarded_app_is_held_and_its_pass_checked_again(
    site: Site, shop: Upstream
) -> None:
    site.world.start("shop", "main")
    site.world.move("shop", SHA, "running")
    answers: list[int] = []

    def ask() -> None:
        own = cookie(make_pass("shop", HOST))
        answers.append(site.proxy.request(HOST, headers=own).status)

    for era, status in ((ERA, 200), (ERA + 1, 503)):
        guarding.guard(site, "shop")
        site.route("shop", {SHA: placement("shop", SHA, free_port(), "main", attempt=f"r{era}")})
        refused = threading.Thread(target=ask)
        refused.start()
        wait_until(lambda: f"shop.{SHA}.r{era}" in str(site.world.refused), over=site.proxy.ended)  # noqa: B023
        guarding.guard(site, "shop", era=era)
        site.route("shop", {SHA: placement("shop", SHA, shop.port, "main", attempt=f"n{era}")})
        refused.join(30)
        assert answers.pop() == status
    assert "eyJ" not in str(shop.seen)
