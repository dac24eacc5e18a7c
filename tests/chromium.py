"""Debian's Chromium, by Playwright."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

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
_PATIENCE = 10.0
"""Seconds in which a Chromium has to close what it is told to close."""


@contextlib.contextmanager
def running() -> Iterator[Browser]:
    """A Chromium that asks nobody but whom its pages are told to ask."""
    with sync_playwright() as playwright:
        started = _launch(playwright)
        yield started
        started.close()


class _Process(NamedTuple):
    """A browser, and the id of its process."""

    browser: Browser
    pid: int

    @contextlib.contextmanager
    def closes_within(self, seconds: float) -> Iterator[None]:
        """Kill it where the block takes longer: that ends what the block waits for."""
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

        timer = threading.Timer(seconds, kill)
        timer.start()
        try:
            yield
        except Error:
            if self.browser.is_connected() and not killed.is_set():
                raise
        finally:
            timer.cancel()
            timer.join()
        if killed.is_set():
            self.browser.close()  # so that it is known to have gone
            print(f"Chromium was killed: it closed nothing for {seconds:g} s.", file=sys.stderr)


class Chromium:
    """A Chromium for many tests, each of which has a context of its own.

    One that has not closed a context after `patience` seconds is killed, and started anew for the
    next test: Chromium never ends a page that is closed in the moment in which another comes in.
    """

    def __init__(self, playwright: Playwright, patience: float = _PATIENCE) -> None:
        self._playwright = playwright
        self._patience = patience
        self._process: _Process | None = None

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._running().pid

    @contextlib.contextmanager
    def new_context(self, **wishes: Any) -> Iterator[BrowserContext]:
        """Give a context with Playwright's settings; close it within the limit."""
        process = self._running()
        made = process.browser.new_context(**wishes)
        made.set_default_timeout(30_000)
        try:
            yield made
        finally:
            with process.closes_within(self._patience):
                for page in made.pages:
                    _rest(page)
                made.close()

    @contextlib.contextmanager
    def new_page(self, **wishes: Any) -> Iterator[Page]:
        """Give a page in a context of its own."""
        with self.new_context(**wishes) as context:
            yield context.new_page()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            with self._process.closes_within(self._patience):
                self._process.browser.close()
            self._process = None

    def _running(self) -> _Process:
        if self._process is None or not self._process.browser.is_connected():
            browser = _launch(self._playwright)
            session = browser.new_browser_cdp_session()
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
            session.detach()
            pid = next(process["id"] for process in processes if process["type"] == "browser")
            self._process = _Process(browser, pid)
        return self._process


@contextlib.contextmanager
def shared() -> Iterator[Chromium]:
    """A Chromium for many tests, started when the first asks for a page.

    For those of one file: while Playwright runs, its thread has an event loop, so that
    `asyncio.run` of whatever other test comes next would refuse to work.
    """
    with sync_playwright() as playwright:
        made = Chromium(playwright)
        yield made
        made.close()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_QUIETLY)


def _rest(page: Page) -> None:
    """Have a page go nowhere any more, so that it can be closed."""
    for _ in range(3):
        with contextlib.suppress(Error):  # where it went itself just then
            page.goto("about:blank", timeout=2000)
            return
