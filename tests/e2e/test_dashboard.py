"""The dashboard on the whole system: Mesos links to it, and it shows the real state."""

import pytest
import requests
from playwright.sync_api import expect

from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster, Hello
from tests.e2e.viewers import see_state

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SLOW = 60_000
"""Milliseconds: a build may take so long."""


def test_a_branch_is_started_and_watched_from_the_page_that_mesos_links_to(
    browser: Chromium, hello: Hello, api: Api, cluster: Cluster
) -> None:
    sha = hello.commit("main")
    api.call("DELETE", f"/v1/previews/hello/{sha}")
    state = requests.get(
        f"http://{cluster.master}/state", auth=cluster.mesos_auth, timeout=60
    ).json()
    link = next(one["webui_url"] for one in state["frameworks"] if one["active"])
    with browser.new_page() as page:
        page.goto(link)
        page.get_by_label("Token").fill(cluster.token.strip())
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="hello", exact=True).click()
        row = page.get_by_role("row", name="main", exact=False).first
        row.get_by_role("button", name="Start main").click()
        see_state(row, "running")
        row.get_by_role("link", name="Log of main").click()
        expect(page.get_by_role("region", name="Log")).to_contain_text("==", timeout=SLOW)
        expect(page.get_by_text(f"{sha}", exact=True)).to_be_visible()
        page.get_by_role("link", name="Cluster").click()
        expect(page.get_by_role("heading", name="127.0.0.1")).to_be_visible()
        expect(page.get_by_role("link", name=f"hello main {sha[:7]}")).to_be_visible()
        page.get_by_role("link", name="Events").click()
        expect(page.get_by_text(f"main of hello ({sha[:7]}) runs on").first).to_be_visible()
