"""Finds barriers on a page by axe-core."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_GRAVE = frozenset({"serious", "critical"})
_RUN = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"
"""Returns only these: what is well on a page costs as much to carry as to find."""


def find_violations(page: Page) -> list[dict[str, Any]]:
    """Return all violations that axe-core finds on a page as it looks now, as it describes them."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found


def find_barriers(page: Page) -> list[str]:
    """Return the serious violations that axe-core finds on a page: the rule, and the element."""
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in find_violations(page)
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]
