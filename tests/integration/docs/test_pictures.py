"""The pictures of the documentation show the current pages, and are taken here.

Each is of a page over stand-ins, in a browser, of a scene that never changes. Nothing is started
but by `make pictures`.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from framework.ports.identity import Person, SignInAttempt
from framework.ports.identity_errors import ProviderUnreachable
from proxy.model.access import AppAccess
from tests import free_ports
from tests.chromium import Chromium
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import Dashboard
from tests.fakes.served import serving
from tests.fakes.world import World
from tests.integration.docs import comments, gate_scenes, job_scenes, scenes, stack_scenes
from tests.integration.room import rooms
from tests.pictures import take

pytestmark = [pytest.mark.integration, pytest.mark.pictures]

_DOTS = 1280
"""How wide a picture is."""
_STILL = f"performance.now = () => 0; Date.now = () => {scenes.NOW * 1000:.0f}"

_TEXT = ("program/web/theme.css", "program/web/log_view.*", "program/web/terminal.js")
_ROOM = (
    "proxy/pages/base.html.j2",
    "proxy/pages/waiting.html.j2",
    "proxy/pages/room.*",
    "proxy/pages/wording.py",
    *_TEXT,
)
_SIGN_IN = (
    "proxy/pages/base.html.j2",
    "proxy/pages/room.css",
    "proxy/pages/sign_in.html.j2",
    "proxy/pages/team.html.j2",
    "program/web/theme.css",
)
_COMMENTS = ("framework/telling/wording.py", "framework/telling/standing.py")


Shown = Callable[[Page], contextlib.AbstractContextManager[None]]


class Picture(NamedTuple):
    """How to show a page in a browser, the size of its window, and its sources."""

    shown: Shown
    width: int
    height: int
    sources: tuple[str, ...]


def in_room(fill: Callable[[World], None], seen: str = ".log-row span") -> Shown:
    """Return how to show a waiting room that `fill` fills, once there is what must be `seen`."""

    @contextlib.contextmanager
    def shown(page: Page) -> Iterator[None]:
        with rooms.running(free_ports.free_port(), lambda: scenes.NOW) as room:
            fill(room.world)
            page.goto(room.address(f"{scenes.LABEL}.shop.localhost"))
            # With colours it is the stream's, and no longer the page's first state.
            expect(page.locator(seen).first).to_be_attached()
            yield

    return shown


def at_sign_in_host(*, team: bool) -> Shown:
    """Return how to show the sign-in host: the form, or that somebody is not in the team."""

    @contextlib.contextmanager
    def shown(page: Page) -> Iterator[None]:
        with rooms.running(free_ports.free_port(), lambda: scenes.NOW) as room:
            room.guard("shop", AppAccess(1, team=team))
            if team:
                session = room.world.api.ports.visitors.write_session(scenes.PERSON, ())
                url = room.address("sign-in.localhost")
                page.context.add_cookies([{"name": "prevs-person", "value": session, "url": url}])
            query = urlencode({"on": "main.shop.localhost", "to": "/", "nonce": "0" * 64})
            page.goto(room.address("sign-in.localhost", f"/_prevs/sign-in?{query}"))
            expect(page.locator("main")).to_contain_text("team" if team else "Password")
            yield

    return shown


def in_dashboard(path: str, text: str, *more: Callable[[Dashboard], None]) -> Shown:
    """Return how to show a page of the dashboard, with `more` in it, once it has a text."""

    @contextlib.contextmanager
    def shown(page: Page) -> Iterator[None]:
        dashboard = Dashboard(now=lambda: scenes.NOW)
        scenes.fill(dashboard)
        job_scenes.fill(dashboard)
        gate_scenes.fill(dashboard)
        for fill in more:
            fill(dashboard)
        with serving(dashboard.app) as base:
            page.goto(f"{base}/sign-in")
            page.get_by_label("Token").fill(TOKEN)
            page.keyboard.press("Enter")
            expect(page.get_by_role("button", name="Sign out")).to_be_visible()
            page.goto(f"{base}{path}")
            expect(page.locator("main")).to_contain_text(text)
            yield

    return shown


@contextlib.contextmanager
def at_gate(page: Page) -> Iterator[None]:
    """Show the page of a gate, with the form of a rule."""
    with in_dashboard("/apps/shop/gates/api", "fix-rounding")(page):
        page.locator("#switch-2").evaluate("details => { details.open = true; }")
        yield


@contextlib.contextmanager
def at_check(page: Page) -> Iterator[None]:
    """Show the form of a new app, with what a check of its repository has found."""
    with in_dashboard("/add-app", "Repository", scenes.offer)(page):
        page.get_by_label("Name", exact=True).fill("blog")
        page.get_by_label("Repository").fill(scenes.OFFERED)
        page.get_by_role("button", name="Check the repository").click()
        expect(page.locator("#check")).to_contain_text("postgres")
        yield


@contextlib.contextmanager
def with_comments(page: Page) -> Iterator[None]:
    """Show the comments that prevs writes in pull requests."""
    page.set_content(comments.write_page())
    yield


class _GitLab:
    """A provider at which nobody signs in here."""

    title = "GitLab"

    def begin(self, attempt: SignInAttempt) -> str:
        raise ProviderUnreachable("https://gitlab.example.org", "is a stand-in")

    def finish(self, attempt: SignInAttempt, code: str) -> Person:
        raise ProviderUnreachable("https://gitlab.example.org", "is a stand-in")


@contextlib.contextmanager
def at_sign_in(page: Page) -> Iterator[None]:
    """Show the page to sign in with an identity provider."""
    with serving(Dashboard(now=lambda: scenes.NOW, provider=_GitLab()).app) as base:
        page.goto(f"{base}/sign-in")
        expect(page.get_by_role("button", name="Sign in with GitLab")).to_be_visible()
        yield


def made_of(template: str) -> tuple[str, ...]:
    """Return the sources of a page of the dashboard."""
    folder = "framework/dashboard"
    own = [f"{folder}/templates/{name}.html.j2" for name in ("base", "parts", template)]
    return (*own, f"{folder}/static/*", f"{folder}/session/formatting.py", "program/web/theme.css")


_JOBS = tuple(
    f"framework/dashboard/templates/jobs/{name}.html.j2" for name in ("parts", "schedules")
)
_PICTURES: Mapping[str, Picture] = {
    "room-building": Picture(in_room(scenes.build), 1160, 805, _ROOM),
    "room-failed": Picture(in_room(scenes.fail), 1260, 824, _ROOM),
    "room-unrecognised": Picture(in_room(scenes.lack, "#failure"), 1260, 824, _ROOM),
    "pull-comments": Picture(with_comments, 900, 608, _COMMENTS),
    "dashboard-sign-in": Picture(at_sign_in, 900, 400, made_of("sign_in")),
    "sign-in-password": Picture(at_sign_in_host(team=False), 900, 400, _SIGN_IN),
    "sign-in-team": Picture(at_sign_in_host(team=True), 900, 360, _SIGN_IN),
    "dashboard-apps": Picture(in_dashboard("/", "agent2"), 1280, 800, made_of("overview")),
    "dashboard-app": Picture(in_dashboard("/apps/shop", "dark-mode"), 1240, 770, made_of("app")),
    "dashboard-preview": Picture(
        in_dashboard(f"/apps/shop/previews/{scenes.MAIN}", "listening on"),
        1160,
        950,
        (*made_of("preview"), *_TEXT[1:]),
    ),
    "dashboard-jobs": Picture(
        in_dashboard("/jobs", "import-1204"),
        1160,
        850,
        (*made_of("jobs/all"), *_JOBS),
    ),
    "dashboard-gate": Picture(
        at_gate,
        1160,
        1068,
        (*made_of("gates/gate"), "framework/dashboard/templates/gates/parts.html.j2"),
    ),
    "dashboard-stack": Picture(
        in_dashboard("/stacks/store", "sepa", stack_scenes.fill),
        1160,
        1500,
        (*made_of("stacks/stack"), "framework/dashboard/templates/stacks/parts.html.j2"),
    ),
    "dashboard-check": Picture(
        at_check,
        1160,
        950,
        (*made_of("admin/add_app"), "framework/dashboard/templates/admin/adding.html.j2"),
    ),
    "dashboard-cluster": Picture(in_dashboard("/cluster", "agent3"), 1160, 900, made_of("cluster")),
}


@pytest.mark.parametrize("name", _PICTURES)
def test_each_picture_shows_the_current_page(name: str, request: pytest.FixtureRequest) -> None:
    picture = _PICTURES[name]
    with contextlib.ExitStack() as stack:

        def show() -> Page:
            browser: Chromium = request.getfixturevalue("browser")
            page = stack.enter_context(
                browser.new_page(
                    viewport=ViewportSize(width=picture.width, height=picture.height),
                    device_scale_factor=_DOTS / picture.width,
                    reduced_motion="reduce",
                )
            )
            page.add_init_script(_STILL)
            stack.enter_context(picture.shown(page))
            return page

        take(show, name, picture.sources)
