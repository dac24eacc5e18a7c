"""Visits pages in Chromium, each with an empty cache and new connections."""

import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, Error, Page, StorageState, TimeoutError

from bench.harness.errors import BenchError
from bench.pages.traffic import Traffic

_SETTLES_MS = 1000
"""How long to watch a page after it shows its content: layout shifts come by then."""
_LIMIT = 30.0  # seconds until a page shows its content
_LOOK_MS = 1000
_LONGEST_TEXT = 1000  # characters of what a page shows instead
_WATCHES = """(() => {
    const seen = {first_paint_ms: 0, fcp_ms: 0, lcp_ms: 0, long_ms: 0, shift: 0};
    const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
        .observe({type, buffered: true});
    watch("paint", (entry) => {
        seen[entry.name === "first-paint" ? "first_paint_ms" : "fcp_ms"] = entry.startTime;
    });
    watch("largest-contentful-paint", (entry) => { seen.lcp_ms = entry.startTime; });
    watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.shift += entry.value; });
    watch("longtask", (entry) => { seen.long_ms += entry.duration; });
    window.benchSees = () => {
        const [way] = performance.getEntriesByType("navigation");
        return {...seen, first_byte_ms: way.responseStart, dom_ms: way.domContentLoadedEventEnd};
    };
})();"""


class Visit(NamedTuple):
    """A page to visit: it is complete when it shows `text` in the element `where`."""

    url: str
    text: str
    where: str
    signed_in: bool = False


class Seen(NamedTuple):
    """The result of one visit, by metric; `outside` are the requested URLs of other sites."""

    values: dict[str, float]
    outside: tuple[str, ...]


def sign_in(browser: Browser, api: str, token: str) -> StorageState:
    """Sign in to the dashboard; return the browser's state. Raises BenchError."""
    try:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(api)
            page.get_by_label("Token").fill(token.strip())
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").wait_for()
            return context.storage_state()
    except Error as exc:
        raise BenchError(f"The sign-in at {api} failed: {exc.message}") from exc


def measure(
    browser: Browser, visit: Visit, signed_in: StorageState, still_well: Callable[[], None]
) -> Seen:
    """Visit a page with no cache and no connection, once. Raises BenchError.

    `still_well` raises BenchError if the page's subject has failed.
    The browser uses `signed_in` only if the visit needs it.
    """
    traffic = Traffic(urlsplit(visit.url).netloc)
    try:
        with browser.new_context(storage_state=signed_in if visit.signed_in else None) as context:
            page = context.new_page()
            page.add_init_script(_WATCHES)
            _count(context.new_cdp_session(page), traffic)
            page.goto(visit.url)
            _wait_shown(page, visit, still_well)
            page.wait_for_timeout(_SETTLES_MS)
            values: dict[str, float] = page.evaluate("benchSees()")
    except Error as exc:
        raise BenchError(f"{visit.url} cannot be visited: {exc.message}") from exc
    counts = {
        "kb": traffic.loaded / 1000,
        "stream_kb": traffic.streamed / 1000,
        "requests": traffic.requests,
        "outside": len(traffic.outside),
    }
    return Seen({**values, **counts}, tuple(traffic.outside))


def _count(network: CDPSession, traffic: Traffic) -> None:
    """Have a page's traffic counted."""
    network.on("Network.requestWillBeSent", traffic.on_request)
    network.on("Network.responseReceived", traffic.on_response)
    network.on("Network.dataReceived", traffic.on_data)
    network.on("Network.loadingFinished", traffic.on_finished)
    network.send("Network.enable")


def _wait_shown(page: Page, visit: Visit, still_well: Callable[[], None]) -> None:
    """Wait until the page shows its content. Raises BenchError with what it shows instead."""
    deadline = time.monotonic() + _LIMIT
    while True:
        try:
            page.locator(visit.where).filter(has_text=visit.text).wait_for(timeout=_LOOK_MS)
        except TimeoutError:
            still_well()
        else:
            return
        if time.monotonic() > deadline:
            shown = page.locator("body").inner_text()[-_LONGEST_TEXT:]
            raise BenchError(
                f"{visit.url} does not show {visit.text!r} within {_LIMIT:.0f} s, but:\n{shown}"
            )
