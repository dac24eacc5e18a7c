"""What keeps people from using a page, as far as axe-core finds it."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_GRAVE = frozenset({"serious", "critical"})


def find_barriers(page: Page) -> list[str]:
    """Return what axe-core finds serious or worse on a page as it is: the rule, and where."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]
