"""What the proxy does to the headers of an application's answers, and its addresses' flat form."""

import http.client
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest

from prevs import names
from prevs.states import State
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy.proxies import Site, Upstream, upstream

pytestmark = pytest.mark.integration

HOST = "main.hello.prevs.localhost"
FLAT = "main--hello.prevs.localhost"


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    return {"PREVS_DOMAIN": "prevs.localhost"}


@pytest.fixture
def app(site: Site) -> Iterator[Upstream]:
    with upstream("app") as application:
        labels = ("main", "x--y")
        site.route("hello", {SHA: placement("hello", SHA, application.port, *labels)})
        yield application


def sent(site: Site, *headers: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the headers of a response to which the application gave these, names in lower case."""
    connection = http.client.HTTPConnection("127.0.0.1", site.proxy.port, timeout=60)
    connection.request("GET", f"/headers?{urlencode(headers)}", headers={"Host": HOST})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return [(name.lower(), value) for name, value in answer.getheaders()]


def test_a_response_names_its_app_and_commit(site: Site, app: Upstream) -> None:
    lie = ("X-Prevs-Task", f"hello.{'0' * 40}.a1"), ("x-prevs-task", "another")
    values = [(name, value) for name, value in sent(site, *lie) if name.startswith("x-prevs-")]
    assert values == [("x-prevs-task", f"hello.{SHA}.a1")]


@pytest.mark.parametrize("host", [HOST, FLAT])
def test_a_response_shows_that_a_newer_commit_failed(site: Site, host: str) -> None:
    def get_newer(host: str) -> str | None:
        return site.proxy.request(host).headers.get("x-prevs-newer")

    with upstream("app") as application:
        placed = {SHA: placement("hello", SHA, application.port, "main", "v1")}
        site.route("hello", placed, main=OTHER_SHA)
        assert get_newer(host) == f"{OTHER_SHA[:12]} failed"
        assert get_newer("v1.hello.prevs.localhost") is None, "a label that led nowhere else"
        assert site.proxy.request(host).headers["x-prevs-task"] == f"hello.{SHA}.a1"
        site.route("hello", placed)
        assert get_newer(host) is None


def test_an_application_cannot_make_itself_indexed(site: Site, app: Upstream) -> None:
    values = [value for name, value in sent(site, ("X-Robots-Tag", "all")) if "robots" in name]
    assert values == ["noindex"]


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        ("a=1", "a=1"),
        ("a=1; Path=/; HttpOnly", "a=1; Path=/; HttpOnly"),
        ("domain=1; Path=/", "domain=1; Path=/"),
        ("a=1; Domain=hello.prevs.localhost; Path=/", "a=1; Path=/"),
        ("a=1;domain=.prevs.localhost", "a=1"),
        ("a=1; \tDOMAIN = prevs.localhost ; Secure", "a=1; Secure"),
        ("a=1; Domain=x; Domain=prevs.localhost", None),
        ("a=1;Domain=x;Path=/;Domain =prevs.localhost", None),
    ],
)
def test_a_cookie_stays_with_its_own_preview(
    site: Site, app: Upstream, cookie: str, kept: str | None
) -> None:
    values = [value for name, value in sent(site, ("Set-Cookie", cookie)) if name == "set-cookie"]
    assert values == ([kept] if kept else [])


def test_each_of_several_cookies_is_checked(site: Site, app: Upstream) -> None:
    cookies = [("Set-Cookie", f"{name}=1; Domain=prevs.localhost") for name in "abc"]
    values = [value for name, value in sent(site, *cookies) if name == "set-cookie"]
    assert values == ["a=1", "b=1", "c=1"]


@pytest.mark.parametrize(
    "host",
    [FLAT, FLAT.upper(), f"{FLAT}.", "x--y--hello.prevs.localhost", "x--y.hello.prevs.localhost"],
)
def test_the_flat_form_leads_where_the_other_one_does(site: Site, app: Upstream, host: str) -> None:
    answer = site.proxy.request(host, "/page")
    assert answer.body == b"app GET /page 0"
    assert app.seen[-1][2]["host"].startswith(host)
    assert app.seen[-1][2]["x-forwarded-host"].startswith(host)


LONG, LONG_APP = "long-" + "y" * 49 + "-12345678", "an-app-with-a-name-of-quite-some-length"
CUT = f"{names.flat_label(LONG, LONG_APP)}--{LONG_APP}.prevs.localhost"


def test_a_label_that_is_too_long_for_the_flat_form_is_cut(site: Site) -> None:
    with upstream("app") as application:
        at = placement(LONG_APP, SHA, application.port, LONG, SHA)
        site.route(LONG_APP, {SHA: at})
        assert max(map(len, CUT.split("."))) <= 63
        for host in (CUT, CUT.upper(), f"{LONG}.{LONG_APP}.prevs.localhost"):
            assert site.proxy.request(host, "/page").body == b"app GET /page 0"
        sha = f"{names.flat_label(SHA, LONG_APP)}--{LONG_APP}.prevs.localhost"
        assert site.proxy.request(sha, "/page").body == b"app GET /page 0"


def test_a_request_for_a_cut_label_is_held_and_forwarded(site: Site) -> None:
    site.world.add(LONG_APP, LONG, SHA)
    with upstream("app") as app:
        site.world.started = lambda _: site.run(LONG_APP, SHA, app.port, LONG)
        assert site.proxy.request(CUT, "/x", method="POST", body=b"abc").body == b"app POST /x 3"
    assert site.world.previews[LONG_APP, SHA].labels == (LONG,)


@pytest.mark.parametrize(
    "host",
    ["main--hello.localhost", "main--hello.prevs.localhost.example", "main--hello.prevsxlocalhost"],
)
def test_the_flat_form_is_one_level_below_the_domain(site: Site, app: Upstream, host: str) -> None:
    assert site.proxy.request(host).status == 404
    assert app.seen == []


def test_a_page_of_the_flat_form_starts_and_retries_its_preview(site: Site) -> None:
    site.world.add("hello", "main", SHA)
    page = site.proxy.request(FLAT, headers={"Accept": "text/html"})
    assert page.status == 503
    token = page.body.partition(b'data-token="')[2].partition(b'"')[0].decode()
    form = urlencode({"token": token, "back": "/"}).encode()
    typed = {"Content-Type": "application/x-www-form-urlencoded"}
    own = {**typed, "Origin": f"http://{FLAT}:{site.proxy.port}"}
    assert (
        site.proxy.request(FLAT, "/_prevs/start", method="POST", body=form, headers=own).status
        == 303
    )
    assert site.world.previews["hello", SHA].state is State.QUEUED
    other = {**typed, "Origin": f"http://other--hello.prevs.localhost:{site.proxy.port}"}
    foreign = site.proxy.request(FLAT, "/_prevs/start", method="POST", body=form, headers=other)
    assert foreign.status == 403


def get_with(site: Site, size: int, **headers: str) -> tuple[int, str, str]:
    """Return status, type and body of the answer to a request with a header of some bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", site.proxy.port, timeout=60)
    connection.request("GET", "/x", headers={"Host": HOST, "Cookie": "a" * size, **headers})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get_content_type(), body


def test_a_request_with_too_large_headers_is_refused_with_that_reason(
    site: Site, app: Upstream
) -> None:
    assert get_with(site, 20_000)[0] == 200, "more than most applications take"
    status, kind, text = get_with(site, 25_000)
    assert (status, kind) == (431, "text/plain")
    assert "all its headers together, have more than 24 KB" in text
    status, kind, page = get_with(site, 25_000, Accept="text/html")
    assert (status, kind) == (431, "text/html")
    assert "<h1>Too many cookies</h1>" in page
    path = site.proxy.request(HOST, f"/{'x' * 25_000}")
    assert path.status == 431


def test_a_response_with_too_large_headers_is_refused_with_that_reason(
    site: Site, app: Upstream
) -> None:
    def get_page(size: int) -> tuple[int, str]:
        application_gets = urlencode([("X-Size", str(size))])
        answer = site.proxy.request(HOST, f"/large?{application_gets}")
        return answer.status, answer.body.decode()

    assert get_page(20_000)[0] == 200
    status, page = get_page(140_000)
    assert status == 502
    assert "the headers of its answer are larger than 120 KB together" in page
