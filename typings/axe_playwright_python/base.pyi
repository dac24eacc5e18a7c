"""The part of axe-playwright-python that the tests use; it has no types of its own."""

AXE_SCRIPT: str
