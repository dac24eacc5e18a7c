"""The part of axe-playwright-python that the tests use; it has no types of its own."""

from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page

class AxeResults:
    response: Mapping[str, Any]

class Axe:
    def run(
        self,
        page: Page,
        context: str | None = None,
        options: Mapping[str, object] | None = None,
    ) -> AxeResults: ...
