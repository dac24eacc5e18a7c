"""The waiting room's page in each state, in a browser, over a stand-in for the framework."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from framework.preview.steps import STEPS
from prevs.records import Failure
from prevs.states import Cause
from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.fakes.placements import SHA
from tests.fakes.world import steps
from tests.integration.room import rooms
from tests.integration.room.rooms import Room

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HOST = "main.hello.localhost"
REFUSED = {"X-Prevs-Refused": "the-task"}
USUAL = dict(zip(STEPS, (0.2, 0.6, 1.5, 40.0, 0.4, 2.5), strict=True))
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def opened(free_port: Callable[[], int]) -> Iterator[Room]:
    with rooms.running(free_port()) as room:
        yield room


@pytest.fixture
def room(opened: Room) -> Iterator[Room]:
    opened.world.known.usual_seconds["hello"] = USUAL
    opened.world.add("hello", "main", SHA, committed=time.time() - 3 * 86400)
    opened.world.start("hello", "main")
    yield opened
    opened.route()
    opened.world.clear()


@pytest.fixture
def context(browser: Chromium) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test if it violates its policy, or a script fails."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda m: complaints.append(m.text) if "Policy" in m.text else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield opened
    assert complaints == []


def build(room: Room, **fields: object) -> None:
    """Put the preview ten seconds into its build, of the usual forty."""
    known = steps(time.time(), 0.2, 0.7, 1.3, 10.0)
    more = {"phase": "building", "detail": "3/5 RUN make", **fields}
    room.world.move("hello", SHA, "building", steps=known, **more)


def fail(room: Room, cause: str = "build-failed", message: str = "The build failed.") -> None:
    known = steps(time.time(), 0.2, 0.7, 1.3, 10.0)
    failure = Failure(Cause(cause), message, 3)
    room.world.move("hello", SHA, "failed", steps=known, failure=failure)


def show(room: Room, state: str) -> None:
    """Put the preview into one of the states that a page may be in."""
    now = time.time()
    room.world.log(SHA, "\x1b[36m#5 [2/5] RUN make\x1b[0m\n\x1b[31mno\x1b[0m\n" * 20)
    match state:
        case "queued":
            known = steps(now, 34.0)
            room.world.move("hello", SHA, "queued", steps=known, queue_place=3, retry_at=now + 60)
        case "building":
            build(room)
        case "failed":
            fail(room, "out-of-memory")
        case "stopped":
            room.world.move("hello", SHA, "stopped", reason="Nobody used it for an hour.")
        case "refused":
            room.world.move("hello", SHA, "running", task_id="the-task", reason="It refuses.")


@pytest.mark.parametrize("state", ["queued", "building", "failed", "stopped", "refused"])
def test_nothing_keeps_people_from_using_a_page(room: Room, browser: Chromium, state: str) -> None:
    show(room, state)
    sent = REFUSED if state == "refused" else {}
    with browser.new_page(extra_http_headers=sent) as page:
        if state == "stopped":  # a page starts a stopped preview
            page.route("**/_prevs/start", lambda route: route.abort())
        page.goto(room.address(HOST))
        expect(page.locator("#room")).to_have_attribute("data-kind", state)
        expect(page.locator(".log-bar")).to_be_visible()
        for width in (1280, 390):
            page.emulate_media(color_scheme="light" if width == 1280 else "dark")
            page.set_viewport_size({"width": width, "height": 844})
            assert find_barriers(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "overflow"


def test_steps_show_their_time_and_the_usual_time_and_go_on(room: Room, page: Page) -> None:
    began = time.monotonic()
    build(room)
    page.goto(room.address(HOST))
    now = page.locator("[data-status=now]")
    expect(now).to_contain_text("Building its image")
    expect(now.locator(".detail")).to_have_text("3/5 RUN make")
    expect(now.locator(".time")).to_contain_text(" s of about 40 s")
    expect(page.locator("#left")).to_contain_text("to go")
    before = float(page.locator("#bar").evaluate("bar => bar.value"))
    assert 0.2 < before < 0.5 + (time.monotonic() - began) / 40
    page.wait_for_function("before => document.querySelector('#bar').value > before", arg=before)
    assert page.locator("[aria-live], [role=alert], [role=log]").count() == 0
    assert page.get_by_role("status").text_content() is not None
    assert " s" not in page.get_by_role("status").inner_text()


def test_a_browser_with_a_wrong_clock_counts_right(room: Room, page: Page) -> None:
    build(room)
    page.add_init_script("Date.now = () => 0")
    page.goto(room.address(HOST))
    expect(page.locator("[data-status=now] .time")).to_contain_text(" s of about 40 s")
    expect(page.locator("[data-status=done] .time").first).to_have_text("0.2 s")


def test_two_viewers_of_one_build_see_the_same_and_both_reach_the_application(
    room: Room, context: BrowserContext
) -> None:
    build(room)
    room.world.log(SHA, "the first line\n")
    pages = [context.new_page() for _ in range(2)]
    for page in pages:
        page.goto(room.address(HOST, "/a?b=c#d"))
        expect(page.locator(".log-row")).to_have_text(["the first line"])
    room.world.log(SHA, "the second line\n")
    for page in pages:
        expect(page.locator(".log-row")).to_have_text(["the first line", "the second line"])
    pages[1].reload()
    expect(pages[1].locator(".log-row")).to_have_text(["the first line", "the second line"])
    room.route(HOST)
    for page in pages:
        expect(page.get_by_role("heading", name="app /a")).to_be_visible()
        assert page.url == room.address(HOST, "/a?b=c#d")
    assert room.world.count("POST /v1/previews/hello") == 0


def test_a_failure_shows_what_failed_why_and_what_to_do_and_the_keyboard_alone_retries(
    room: Room, page: Page
) -> None:
    build(room)
    room.world.log(SHA, "\x1b[31mone\x1b[0m\ntwo\n")
    fail(room, "out-of-memory", "It took too much.")
    page.goto(room.address(HOST))
    expect(page.locator("#sentence")).to_have_text("It failed while building its image.")
    expect(page.locator("[data-status=failed]")).to_contain_text("Building its image")
    expect(page.locator("#facts")).to_have_text("out of memory · exit code 3")
    expect(page.locator("#command")).to_have_text("prevs app set hello --mem MB")
    expect(page).to_have_title("Failed · main · hello")
    expect(page.locator(".log-row span", has_text="one")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Retry")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#sentence")).to_have_text("Waiting for a place to run.")
    room.world.log(SHA, "again\n")
    build(room, task_id="the-next-task")
    expect(page.locator(".log-row")).to_have_text(["again"])


def test_a_page_of_a_failed_preview_sees_the_retry_of_another_visitor(
    room: Room, page: Page
) -> None:
    fail(room)
    page.clock.install()
    page.goto(room.address(HOST))
    expect(page.locator("#failure")).to_be_visible()
    page.clock.run_for(1000)
    room.world.retry("hello", SHA)
    page.clock.run_for(11_000)
    expect(page.locator("#failure")).to_be_hidden()
    expect(page.locator("#sentence")).to_have_text("Waiting for a place to run.")


def test_a_lost_framework_is_shown_until_it_is_back(room: Room, page: Page) -> None:
    build(room)
    page.goto(room.address(HOST))
    room.world.log(SHA, "before\n")
    expect(page.locator(".log-row")).to_have_text(["before"])
    room.world.interrupt()
    expect(page.locator("#notice")).to_contain_text("does not answer right now", timeout=30_000)
    room.world.standby = False
    room.world.log(SHA, "after\n")
    expect(page.locator(".log-row")).to_have_text(["before", "after"], timeout=30_000)
    expect(page.locator("#notice")).to_be_hidden()


def test_a_hostile_repository_changes_nothing_but_its_own_text(room: Room, page: Page) -> None:
    text = f"{EVIL}\u202egnp.exe {'x' * 3000}{'e' + chr(0x301) * 500}\0\x1b[2J"
    room.world.add("hello", "main", SHA, subject=text, author=text, committed=1.0)
    room.world.log(SHA, f"{text}\n\x1b]0;{text}\x07{'y' * 100_000}\nlast\n")
    build(room, detail=text, reason=text, agent_id="a", agent_host=text)
    page.goto(room.address(HOST))
    expect(page.locator(".log-row").last).to_have_text("last")
    for place in (".subject", ".by", "#reason", "[data-status=now] .detail"):
        expect(page.locator(place)).to_contain_text("gnp.exe")  # the log may be there before
        shown = page.locator(place).inner_text()
        assert shown.startswith(EVIL), place
        assert "\u202e" not in shown
    assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it overflows"
    fail(room, message=text)
    expect(page.locator("#message")).to_contain_text("gnp.exe")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it overflows"


def test_a_browser_without_scripts_sees_the_steps_and_the_end_of_the_log(
    room: Room, browser: Chromium
) -> None:
    build(room)
    room.world.log(SHA, "a\n\x1b[31mred\x1b[0m <b>\n10%\r20%\n")
    phone = {"width": 390, "height": 844}
    with browser.new_page(java_script_enabled=False, viewport=phone) as page:
        page.goto(room.address(HOST))
        assert page.locator("#log-end").inner_text() == "a\nred <b>\n20%\n"
        expect(page.locator("[data-status=now] .time")).to_contain_text(" s of about 40 s")
        assert 0.2 < float(page.locator("#bar").get_attribute("value") or 0) < 0.9
        room.world.log(SHA, "more\n")  # the page loads itself again
        expect(page.locator("#log-end")).to_contain_text("more", timeout=30_000)


def test_on_a_phone_long_texts_end_with_an_ellipsis(room: Room, browser: Chromium) -> None:
    room.world.add("hello", "main", SHA, subject="Say hello to everybody " * 20)
    build(room, detail="3/5 RUN make everything " * 20)
    with browser.new_page(viewport={"width": 390, "height": 844}) as page:
        page.goto(room.address(HOST))
        for text in (page.locator(".subject"), page.locator("[data-status=now] .detail")):
            style = text.evaluate("one => getComputedStyle(one)['-webkit-line-clamp']")
            assert style == "2"
            assert text.evaluate("one => one.scrollHeight > one.clientHeight + 10")


def test_reduced_motion_is_respected(room: Room, browser: Chromium) -> None:
    room.world.move("hello", SHA, "building", phase="building", steps=[])
    with browser.new_page(reduced_motion="reduce") as page:
        page.goto(room.address(HOST))
        expect(page.locator("[data-status=now]")).to_be_visible()
        assert page.evaluate("document.getAnimations().length") == 0


def test_the_whole_log_is_downloaded_as_text(room: Room, page: Page) -> None:
    whole = "".join(f"\x1b[31mline {n}\x1b[0m é\n" for n in range(20_000))
    room.world.log(SHA, whole)
    build(room)
    page.goto(room.address(HOST))
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename == f"hello-{SHA[:7]}.log"
    assert started.value.path().read_text() == whole


def test_a_log_is_sent_in_a_way_that_no_browser_renders(room: Room) -> None:
    room.world.log(SHA, EVIL)
    build(room)
    shown = urllib.request.Request(
        room.address("127.0.0.1"), headers={"Host": HOST, "Accept": "text/html"}
    )
    with pytest.raises(urllib.error.HTTPError) as waiting:
        urllib.request.urlopen(shown)
    token = re.search('data-log-token="([^"]+)"', waiting.value.read().decode())
    assert token
    url = room.address("127.0.0.1", f"/_prevs/log?sha={SHA}&token={token[1]}")
    request = urllib.request.Request(url, headers={"Host": HOST})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.read().decode() == EVIL
