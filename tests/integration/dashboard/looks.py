"""How pages of the dashboard look to everybody: on each screen, to the blind, and under attack."""

from typing import Literal, NamedTuple

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.accessibility import find_violations


class Look(NamedTuple):
    """A screen, and which colours its user likes."""

    screen: ViewportSize
    scheme: Literal["light", "dark"]


WIDE, NARROW = ViewportSize(width=1280, height=844), ViewportSize(width=390, height=844)
with_looks = pytest.mark.parametrize(
    "look",
    [
        pytest.param(Look(NARROW, "dark"), id="narrow and dark"),
        pytest.param(Look(WIDE, "light"), id="wide and light", marks=pytest.mark.night),
    ],
)
"""Runs a test with each look. By day one is enough: what is too wide is so on a narrow screen."""


def look_at(page: Page, look: Look) -> list[str]:
    """Return the problems of a page as it looks then, and as it stays."""
    page.set_viewport_size(look.screen)
    page.emulate_media(color_scheme=look.scheme)
    problems = [f"{one['id']}: {one['nodes'][0]['html']}" for one in find_violations(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append("it is wider than the window")
    if "owned" in page.title() or page.title() == "x" or page.locator("img").count():
        problems.append("it runs what others have written")
    return problems


def find_wrong(page: Page, look: Look, *paths: str) -> dict[str, list[str]]:
    """Return the problems of those pages that have any."""
    found = {}
    for path in paths:
        page.goto(path)
        found[path] = look_at(page, look)
    return {path: problems for path, problems in found.items() if problems}
