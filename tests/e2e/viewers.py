"""People in front of browsers: how they sign in, and what no page may do to them."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect

from tests.chromium import Chromium
from tests.e2e.conftest import Cluster

SLOW = 120_000
"""Milliseconds: a build may take so long on a machine that has other things to do."""

KEEPS = """(() => {
    const keep = (name, text) => {
        if (text) sessionStorage[name] = `${sessionStorage[name] || ""}\\n${text}`;
    };
    new MutationObserver(() => {
        if (!document.querySelector("#room")) return;
        keep("sentence", document.querySelector("#sentence")?.textContent);
        keep("steps", document.querySelector("[data-status=now]")?.textContent);
        const log = document.querySelector("#log")?.textContent;
        if (log && log.includes("==")) sessionStorage.log = log;
    }).observe(document, {childList: true, subtree: true, characterData: true});
})();"""
"""Keeps what the waiting room shows: it goes when the application comes, which may be soon."""

_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => console.error(
    `Content Security Policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`
));"""


@contextlib.contextmanager
def viewing(browser: Chromium, **wishes: Any) -> Iterator[BrowserContext]:
    """A browser for one person; fails when a page in it does what it should not.

    That is: a script that fails or that somebody else has written, and what the page's policy
    forbids. Without scripts, there is nobody who tells of it.
    """
    complaints: list[str] = []

    def refuse(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    def watch(page: Page) -> None:
        page.on("dialog", refuse)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if "Policy" in m.text else None)

    wishes = {"viewport": _DESK, "reduced_motion": "reduce", **wishes}
    with browser.new_context(**wishes) as context:
        context.set_default_timeout(60_000)
        context.on("page", watch)
        context.add_init_script(_VIOLATIONS)
        context.add_init_script(KEEPS)
        yield context
    assert complaints == []


_DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def see(page: Page, wanted: Locator) -> None:
    """Wait until an application shows something; fail if the waiting room shows a failure."""
    failure = page.locator("#failure:not([hidden])")
    expect(wanted.or_(failure).first).to_be_visible(timeout=SLOW)
    if failure.count():
        texts = [page.locator(part).inner_text() for part in ("#room", "#log-end, .log-lines")]
        pytest.fail("\n".join([f"{page.url} has failed:", *texts]))


def see_state(row: Locator, state: str) -> None:
    """Wait until a line of the dashboard shows a state; fail as soon as it shows `failed`."""
    expect(row).to_contain_text(re.compile(f"{state}|failed"), timeout=SLOW)
    assert state in row.inner_text(), row.inner_text()


def sign_in(page: Page, cluster: Cluster, path: str = "/", token: str = "") -> None:
    """Open a page of the dashboard and sign in with a token, by default the operator's."""
    page.goto(f"{cluster.api}{path}")
    page.get_by_label("Token").fill(token or cluster.token.strip())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def address(cluster: Cluster, label: str, app: str, path: str = "/") -> str:
    """Return the URL of a label."""
    return f"http://{label}.{app}.{cluster.domain}:{cluster.port}{path}"
