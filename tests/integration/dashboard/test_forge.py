"""The page of an app's forge in a real browser: set up by keyboard, with results in any width."""

import pytest
from playwright.sync_api import Page, expect

from framework.ports import EnteredHook
from framework.ports.forges import Finding
from prevs.messages import Credential
from prevs.records import AppRecord
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.looks import Look, look_at, with_looks
from tests.integration.dashboard.scene import HOSTILE

pytestmark = pytest.mark.integration

PAGE = "/apps/hello/forge"


def press_on(page: Page, name: str) -> None:
    """Go to a button by the Tab key alone, and press it."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_forge_is_set_up_by_keyboard_alone(page: Page, dashboard: Dashboard) -> None:
    repository = "https://gitlab.com/group/shop.git"
    dashboard.previews.known_apps["hello"] = AppRecord("hello", repository)
    dashboard.findings = (Finding("token", True, "It is accepted."),)
    page.goto(PAGE)
    page.get_by_label("those of forks too").focus()
    page.keyboard.press("Space")
    press_on(page, "Save")
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    page.get_by_label("Token", exact=True).focus()
    page.keyboard.type("glpat-1")
    press_on(page, "Set the token")
    expect(page.get_by_role("button", name="Replace the token")).to_be_visible()
    press_on(page, "Enter it at the forge")
    expect(page.get_by_role("status").first).to_contain_text("The forge has the webhook now.")
    page.get_by_label("User").focus()
    page.keyboard.type("deploy")
    page.keyboard.press("Tab")
    page.keyboard.type("glpat-2")
    press_on(page, "Set the password")
    expect(page.get_by_text("set, for the user deploy")).to_be_visible()
    press_on(page, "Check the way")
    expect(page.get_by_role("row", name="token works It is accepted.")).to_be_visible()
    assert dashboard.previews.known_apps["hello"].pulls == "all"
    ((_, token, _),) = dashboard.webhooks
    assert token == "glpat-1"
    assert dashboard.previews.given["hello"].credential == Credential("deploy", "glpat-2")


@with_looks
def test_results_are_accessible_and_foreign_text_is_only_text(
    look: Look, phone: Page, dashboard: Dashboard
) -> None:
    long = "https://hooks.prevs.example/" + "x" * 200
    dashboard.previews.known_apps["hello"] = AppRecord("hello", HOSTILE)
    dashboard.findings = (
        Finding("address", False, HOSTILE, long),
        Finding("token", None, HOSTILE * 9),
        Finding("git", True, long),
    )
    dashboard.entered = EnteredHook("refused", HOSTILE, long)
    phone.goto(PAGE)
    phone.get_by_role("button", name="Check the way").click()
    expect(phone.get_by_role("button", name="Check again")).to_be_visible()
    assert look_at(phone, look) == []
    phone.get_by_role("button", name="Show what to enter").click()
    secret = phone.get_by_label("Secret", exact=True)
    assert secret.input_value() == dashboard.previews.given["hello"].hook_secret
    assert look_at(phone, look) == []
    phone.get_by_text("A deploy key, for ssh").click()
    phone.get_by_label("Private key").fill("no key")
    phone.get_by_label("Keys of the host").fill(HOSTILE)
    phone.get_by_role("button", name="Set the key").click()
    expect(phone.get_by_role("alert")).to_contain_text("Nothing was stored")
    assert look_at(phone, look) == []
