"""Finds barriers on a page by axe-core."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_GRAVE = frozenset({"serious", "critical"})


def find_barriers(page: Page) -> list[str]:
    """Return the serious violations that axe-core finds on a page: the rule, and the element."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]
