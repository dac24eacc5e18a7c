"""How pages of the dashboard look to everybody: on each screen, to the blind, and under attack."""

from typing import Literal, NamedTuple

from playwright.sync_api import Page, ViewportSize

from tests.accessibility import find_violations


class _Look(NamedTuple):
    screen: ViewportSize
    scheme: Literal["light", "dark"]


WIDE, NARROW = ViewportSize(width=1280, height=844), ViewportSize(width=390, height=844)
_LOOKS = (_Look(WIDE, "light"), _Look(NARROW, "dark"))


def look_at(page: Page) -> list[str]:
    """Return the problems of a page, wide and light and then narrow and dark, as it stays."""
    problems = []
    for look in _LOOKS:
        page.set_viewport_size(look.screen)
        page.emulate_media(color_scheme=look.scheme)
        found = [f"{one['id']}: {one['nodes'][0]['html']}" for one in find_violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append("it is wider than the window")
        problems += [f"{look.screen['width']} {look.scheme}: {one}" for one in found]
    if "owned" in page.title() or page.title() == "x" or page.locator("img").count():
        problems.append("it runs what others have written")
    return problems
