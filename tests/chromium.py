"""Debian's Chromium, by Playwright."""

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Browser, expect, sync_playwright

expect.set_options(timeout=30_000)  # in ms; of itself it is 5 s, which a busy machine outlasts

_QUIETLY = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def running() -> Iterator[Browser]:
    """A Chromium that asks nobody but whom its pages are told to ask."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_QUIETLY)
        yield started
        started.close()
