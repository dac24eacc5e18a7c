"""A browser in the waiting room: it sees the log, then the application or the reason."""

import http.client
import json
import re
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from framework.errors import AmbiguousLabel, UnknownLabel
from framework.meanings import Meaning, Suggestion
from prevs.states import State
from tests.chromium import Chromium
from tests.fakes.placements import OTHER_SHA, SHA
from tests.integration.haproxy.proxies import Answer, Site, upstream
from tests.waits import wait_for, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HOST = "main.hello.localhost"
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def site(site: Site) -> Site:
    site.world.add("hello", "main", SHA)
    return site


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    """A page that fails the test if it violates its policy, or requests another host."""
    complaints: list[str] = []
    own = re.compile(r"http://[^/]+\.localhost:|data:")
    with browser.new_page() as opened:
        opened.on("console", lambda m: complaints.append(m.text) if "Policy" in m.text else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda r: None if own.match(r.url) else complaints.append(r.url))
        yield opened
    assert complaints == []


def address(site: Site, path: str = "/", host: str = HOST) -> str:
    return f"http://{host}:{site.proxy.port}{path}"


def token_of(answer: Answer, name: str = "token") -> str:
    found = re.search(f'data-{name}="([^"]+)"'.encode(), answer.body)
    assert found, answer.body
    return found.group(1).decode()


def post(site: Site, action: str, token: str, **headers: str) -> Answer:
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    body = urllib.parse.urlencode({"token": token}).encode()
    return site.proxy.request(
        HOST, f"/_prevs/{action}", method="POST", body=body, headers={**sent, **more}
    )


def test_a_visitor_watches_the_log_and_reaches_the_requested_page(site: Site, page: Page) -> None:
    world = site.world
    page.goto(address(site, "/some/page?from=test#part"))
    expect(page.get_by_role("heading", name="main")).to_be_visible()
    expect(page.locator("body")).to_contain_text(SHA[:7])
    expect(page.locator("body")).to_contain_text("Say hello")
    wait_until(lambda: ("hello", SHA) in world.previews)
    world.move("hello", SHA, "queued", reason="no agent has 128 MB free")
    expect(page.locator("#reason")).to_have_text("no agent has 128 MB free")
    expect(page.locator("#place")).to_have_text("")
    later = time.time() + 300
    world.move("hello", SHA, "queued", queue_place=3, retry_at=later)
    expect(page.locator("#place")).to_have_text("3rd in the queue")
    expect(page.locator("#next-try")).to_have_text(re.compile(r"^next try in \d+ s$"))
    world.move("hello", SHA, "queued", queue_place=None, retry_at=0.0)
    expect(page.locator("#place")).to_have_text("")
    expect(page.locator("#next-try")).to_have_text("")
    world.move("hello", SHA, "building", phase="building", reason="")
    expect(page.locator("#sentence")).to_have_text("Building its image.")
    world.log(SHA, "Step 1/2 : FROM scratch\n\x1b[1;31mred\x1b[0m <b>bold</b>\n")
    rows = page.locator(".log-row")
    expect(rows).to_have_text(["Step 1/2 : FROM scratch", "red <b>bold</b>"])
    world.log(SHA, "12%\r50%\r100%\nSuccessfully built\n")
    expect(rows.nth(2)).to_have_text("100%")
    expect(rows.nth(3)).to_have_text("Successfully built")
    expect(page.locator("#log b")).to_have_count(0)
    expect(page.locator("#clock")).to_contain_text(" s")
    with upstream("app") as app:
        site.run("hello", SHA, app.port, "main")
        expect(page.get_by_role("heading", name="app GET /some/page?from=test 0")).to_be_visible()
        assert page.url == address(site, "/some/page?from=test#part")
    assert world.count("POST /v1/previews") == 1


def test_a_visitor_sees_a_preview_fail_and_retries_it(site: Site, page: Page) -> None:
    world = site.world
    page.goto(address(site))
    wait_until(lambda: ("hello", SHA) in world.previews)
    world.move("hello", SHA, "building", phase="building")
    world.log(SHA, "Step 1/2\noh no\n")
    expect(page.locator("#log")).to_contain_text("oh no")
    world.fail("hello", SHA, cause="build-failed", message="The build failed.", exit_code=3)
    retry = page.get_by_role("button", name="retry")
    expect(retry).to_be_visible()
    expect(page.locator("#sentence")).to_contain_text("failed")
    expect(page.locator("#failure")).to_contain_text("The build failed.")
    expect(page.locator("#advice")).to_contain_text("Push a commit that fixes it")
    expect(page.locator("#failure")).to_contain_text("exit code 3")
    assert world.count(f"POST /v1/previews/hello/{SHA}/retry") == 0
    retry.click()
    expect(page.locator("#failure")).to_be_hidden()
    expect(retry).to_be_hidden()
    wait_until(lambda: world.previews["hello", SHA].state is State.QUEUED)


def test_without_scripts_a_button_starts_it_and_the_page_reloads_itself(
    site: Site, browser: Chromium
) -> None:
    with browser.new_page(java_script_enabled=False) as page:
        page.goto(address(site, "/deep?x=1"))
        assert site.world.previews == {}
        page.get_by_role("button", name="Start it").click()
        wait_until(lambda: ("hello", SHA) in site.world.previews)
        assert page.url == address(site, "/deep?x=1")
        with upstream("app") as app:
            site.run("hello", SHA, app.port, "main")
            expect(page.get_by_role("heading", name="app GET /deep?x=1 0")).to_be_visible()


def test_an_ambiguous_address_lets_the_visitor_choose(site: Site, page: Page) -> None:
    candidates = [
        Meaning(sha, kind, "release", f"As a {kind}")
        for sha, kind in ((SHA, "branch"), (OTHER_SHA, "tag"))
    ]
    site.world.refuse("hello", "release", AmbiguousLabel("hello", "release", candidates))
    site.world.add("hello", OTHER_SHA, OTHER_SHA)
    answer = page.goto(address(site, "/", "release.hello.localhost"))
    assert answer is not None
    assert answer.status == 409
    page.get_by_role("link", name="As a tag").click()
    expect(page.get_by_role("heading", name=OTHER_SHA)).to_be_visible()


def test_a_mistyped_branch_shows_links_to_similar_ones(site: Site, page: Page) -> None:
    meant = [Suggestion("main", "branch", "main", SHA, True)]
    why = "there is no branch or tag of that name."
    site.world.refuse("hello", "mian", UnknownLabel("hello", "mian", why, meant))
    answer = page.goto(address(site, "/deep?x=1", "mian.hello.localhost"))
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_text("Did you mean main?")).to_be_visible()
    page.get_by_role("link", name="main", exact=True).click()
    expect(page.get_by_role("heading", name="main")).to_be_visible()
    assert page.url == address(site, "/deep?x=1")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("nothing.hello.localhost", "There is no such version"),
        ("main.nobody.localhost", "There is no such app"),
        ("localhost", "This is not a preview's address"),
        ("nobody.localhost", "This is not a preview's address"),
    ],
)
def test_an_unknown_address_gets_a_page_that_shows_what_to_do(
    site: Site, host: str, text: str
) -> None:
    answer = site.proxy.request(host, headers=BROWSER)
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert text.replace("'", "&#39;") in answer.body.decode()
    assert site.world.previews == {}


def test_the_page_of_a_waiting_preview_is_503_small_private_and_strict(site: Site) -> None:
    answer = site.proxy.request(HOST, headers=BROWSER)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(answer.body) < 50_000
    assert site.world.previews == {}, "looking at the page started something"
    other = site.proxy.request(HOST, headers=BROWSER)
    assert other.headers["content-security-policy"] != policy


def test_only_the_page_itself_may_start_a_preview(site: Site) -> None:
    token = token_of(site.proxy.request(HOST, headers=BROWSER))
    here = f"http://{HOST}:{site.proxy.port}"
    refused = [
        post(site, "start", ""),
        post(site, "start", "1.ff"),
        post(site, "start", token + "0"),
        post(site, "start", token, Sec_Fetch_Site="cross-site"),
        post(site, "start", token, Sec_Fetch_Site="same-site"),
        post(site, "start", token, Origin="http://evil.localhost"),
        post(site, "start", token, Origin="null"),
        post(site, "retry", ""),
    ]
    assert [answer.status for answer in refused] == [403] * len(refused)
    assert site.world.previews == {}
    taken = post(site, "start", token, Sec_Fetch_Site="same-origin", Origin=here)
    assert taken.status == 202
    assert json.loads(taken.body)["sha"] == SHA
    assert "agent" not in json.loads(taken.body)


@pytest.mark.parametrize("elsewhere", ["evil.localhost", "other.hello.localhost"])
def test_a_form_of_another_site_starts_nothing_even_with_a_good_token(
    site: Site, page: Page, elsewhere: str
) -> None:
    token, action = (
        token_of(site.proxy.request(HOST, headers=BROWSER)),
        address(site, "/_prevs/start"),
    )
    with upstream("elsewhere") as app:
        page.goto(f"http://{elsewhere}:{app.port}/")
        with page.expect_response(action) as answered:
            page.evaluate(
                """([action, token]) => {
                    const form = document.createElement("form");
                    Object.assign(form, { method: "post", action });
                    form.append(Object.assign(document.createElement("input"),
                        { name: "token", value: token }));
                    document.body.append(form);
                    form.submit();
                }""",
                [action, token],
            )
        assert answered.value.status == 403
    assert site.world.previews == {}
    assert post(site, "start", token).status == 202, "the token was good"


def test_the_reserved_prefix_never_reaches_an_application(site: Site) -> None:
    with upstream("app") as app:
        site.world.start("hello", "main")
        site.run("hello", SHA, app.port, "main")
        wait_until(lambda: site.proxy.request(HOST).status == 200)
        assert site.proxy.request(HOST, "/_prevs/nothing").status == 404
        assert all(not path.startswith("/_prevs/") for _, path, _ in app.seen)


def test_the_stream_resumes_after_the_browsers_last_event_and_hides_private_fields(
    site: Site,
) -> None:
    site.world.start("hello", "main")
    site.world.move("hello", SHA, "building", agent_id="the-agent", host_port=31000)
    site.world.log(SHA, "0123456789")
    connection = http.client.HTTPConnection("127.0.0.1", site.proxy.port, timeout=60)
    headers = {"Host": HOST, "Last-Event-ID": "4"}
    # A place in the log of an attempt is nothing to a proxy that does not know of that yet.
    page = wait_for(
        lambda: site.proxy.request(HOST, headers=BROWSER),
        lambda page: b"Building its image." in page.body,
        "the page shows the build",
    )
    token = token_of(page, "log-token")
    connection.request("GET", f"/_prevs/events?sha={SHA}&token={token}", headers=headers)
    answer = connection.getresponse()
    assert answer.getheader("content-type", "").startswith("text/event-stream")
    text = b""
    while b"event: log" not in text or not text.endswith(b"\n\n"):
        text += answer.read1()
    assert b"event: state" in text
    assert b'id: 10\ndata: "456789"\n\n' in text
    assert b"the-agent" not in text
    assert b"31000" not in text
    assert site.world.resumed_after == ["4"]
    connection.close()
    for path in (f"/_prevs/events?sha={SHA}", f"/_prevs/log?sha={SHA}&token={token_of(page)}"):
        assert site.proxy.request(HOST, path).status == 403


def test_a_framework_that_is_away_gets_a_page_that_tries_again(site: Site) -> None:
    site.world.standby = True
    answer = site.proxy.request(HOST, headers=BROWSER)
    assert answer.status == 503
    assert b"does not answer" in answer.body
    assert b'http-equiv="refresh"' in answer.body
    with ThreadPoolExecutor(1) as pool:
        before = len(site.world.requests)
        held = pool.submit(site.proxy.request, "nothing.hello.localhost")
        wait_until(lambda: len(site.world.requests) > before, over=site.proxy.ended)
        site.world.standby = False
        assert held.result().status == 404
