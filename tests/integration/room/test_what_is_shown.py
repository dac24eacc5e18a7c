"""What a page shows to any visitor, in a browser: the build's log for minutes, or only steps."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.fakes.placements import SHA
from tests.fakes.world import steps
from tests.integration.room import rooms
from tests.integration.room.rooms import Room

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HOST, QUIET = "main.hello.localhost", "main.quiet.localhost"


class Clock:
    """The clock of the room, which a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def opened(free_port: Callable[[], int], clock: Clock) -> Iterator[Room]:
    with rooms.running(free_port(), clock) as room:
        yield room


@pytest.fixture
def room(opened: Room) -> Iterator[Room]:
    for app in ("hello", "quiet"):
        opened.world.add(app, "main", SHA)
        opened.world.start(app, "main")
        known = steps(time.time(), 0.2, 0.7, 1.3, 10.0)
        detail = {"phase": "building", "detail": "3/5 RUN make SECRET"}
        opened.world.move(app, SHA, "building", steps=known, **detail)
    opened.world.known.change_app("quiet", {"room": "status"})
    yield opened
    opened.world.clear()


def test_the_log_of_a_page_ends_where_the_application_begins(room: Room, browser: Chromium) -> None:
    with browser.new_page() as page:
        page.goto(room.address(HOST))
        room.world.log(SHA, "Step 1\n")
        expect(page.locator(".log-row")).to_have_text(["Step 1"])
        room.world.log(SHA, "== starting prevs/hello:abc ==\nGET /?token=hunter2\n")
        expect(page.locator(".log-row").last).to_contain_text("prevs logs")
        assert "hunter2" not in page.content()
        with page.expect_download() as started:
            page.get_by_role("link", name="Download").click()
        assert "hunter2" not in started.value.path().read_text()
        page.reload()
        expect(page.locator(".log-row").last).to_contain_text("prevs logs")
        assert "hunter2" not in page.content()


def test_a_page_that_was_open_for_long_goes_on_with_another_token(
    room: Room, browser: Chromium, clock: Clock
) -> None:
    with browser.new_page() as page:
        page.goto(room.address(HOST))
        room.world.log(SHA, "before\n")
        expect(page.locator(".log-row")).to_have_text(["before"])
        before = page.get_by_role("link", name="Download").get_attribute("href")
        clock.ahead += 3600
        room.world.interrupt()
        expect(page.locator("#notice")).to_be_visible(timeout=30_000)
        room.world.standby = False
        room.world.log(SHA, "after\n")
        expect(page.locator(".log-row")).to_have_text(["before", "after"], timeout=30_000)
        link = page.get_by_role("link", name="Download")
        assert link.get_attribute("href") != before
        assert page.evaluate("async (url) => (await fetch(url)).status", before) == 403
        with page.expect_download() as started:
            link.click()
        assert started.value.path().read_text() == "before\nafter\n"


@pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.night)])
@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.night)])
def test_an_app_that_shows_its_status_has_a_page_without_a_log(
    room: Room, browser: Chromium, width: int, scheme: str
) -> None:
    room.world.log(SHA, "SECRET\n")
    size = {"width": width, "height": 800}
    with browser.new_page(viewport=size, color_scheme=scheme) as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(room.address(QUIET))
        expect(page.locator("#sentence")).to_have_text("Building its image.")
        expect(page.locator("[data-status=now]")).to_contain_text("Building its image")
        expect(page.locator("main")).to_contain_text("prevs logs quiet main")
        assert find_barriers(page) == []
        _show_failure(room, page)
        expect(page.locator("#facts")).to_have_text("build failed · exit code 3")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it overflows"
        for text in ("SECRET", "Ada", "Say hello"):
            assert text not in page.content()
        assert complaints == []


def _show_failure(room: Room, page: Page) -> None:
    room.world.fail("quiet", SHA, cause="build-failed", message="RUN make SECRET", exit_code=3)
    expect(page.locator("#failure")).to_be_visible()
