"""Debian's Chromium without a window, by Playwright.

It is its headless shell: the same pages for a third of the CPU time, as it draws no tabs and menus.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
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

expect.set_options(timeout=30_000)  # in ms; the default of 5 s is too short for a busy machine

_QUIETLY = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SHELL = Path(__file__).with_name("headless_shell.py")
_PATIENCE = 10.0
"""Seconds in which Chromium has to close a page or itself."""


@contextlib.contextmanager
def running() -> Iterator[Browser]:
    """A Chromium that makes no requests of its own, only those of its pages."""
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
        """Kill the browser if the block takes longer, which ends the wait in the block."""
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
            self.browser.close()  # so that Playwright knows that it has ended
            print(f"Chromium was killed: it closed nothing for {seconds:g} s.", file=sys.stderr)


class Chromium:
    """A Chromium for many tests, each with its own context.

    If it has not closed a context after `patience` seconds, it is killed, and started again for the
    next test: Chromium hangs if a page is closed at the moment of a navigation.
    """

    def __init__(self, playwright: Playwright, patience: float = _PATIENCE) -> None:
        self._playwright = playwright
        self._patience = patience
        self._process: _Process | None = None
        self._loop = asyncio.get_running_loop()  # Playwright's, which it leaves running

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Let Playwright's event loop be that of this thread during the block, and none after it.

        Playwright works only in such a block, and `asyncio.run` only outside.
        """
        asyncio._set_running_loop(self._loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._running().pid

    @contextlib.contextmanager
    def new_context(self, **wishes: Any) -> Iterator[BrowserContext]:
        """Yield a context with Playwright's settings; close it within the limit."""
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
        """Yield a page in its own context."""
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
    """A Chromium for all tests of a process, started when the first needs a page. It is not in use.

    Node and Chromium cost a second of CPU time to start.
    """
    with sync_playwright() as playwright:
        made = Chromium(playwright)
        asyncio._set_running_loop(None)
        yield made
        with made.in_use():
            made.close()
            playwright.stop()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=_SHELL, args=_QUIETLY)


def _rest(page: Page) -> None:
    """Stop the navigations of a page, so that it can be closed."""
    for _ in range(3):
        with contextlib.suppress(Error):  # if it navigated at that moment
            page.goto("about:blank", timeout=2000)
            return
