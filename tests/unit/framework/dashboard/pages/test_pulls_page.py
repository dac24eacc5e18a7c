import dataclasses

import pytest

from framework.state.snapshot import Look
from prevs.pulls import PullRecord
from prevs.stacks import Member, StackRecord, Variant
from tests.fakes.dashboard import Dashboard, Visitor

A, B = "a" * 40, "b" * 40
OWN = PullRecord("hello", 6, A, "pull/6/head", is_fork=False, title="<b>Sell</b>")
FORK = PullRecord("hello", 7, B, "pull/7/head", author="eve", url="https://git.example.org/7")
APPROVE = "/apps/hello/pulls/7/approve"


@pytest.fixture
def dashboard(dashboard: Dashboard) -> Dashboard:
    app = dashboard.previews.known_apps["hello"]
    dashboard.previews.known_apps["hello"] = dataclasses.replace(app, pulls="all")
    dashboard.previews.pulls["hello"] = {6: OWN, 7: FORK}
    dashboard.previews.looks["hello"] = Look(None, "It is <away>.")
    return dashboard


def test_the_page_of_an_app_leads_to_its_pull_requests(visitor: Visitor) -> None:
    assert "/apps/hello/pulls" in visitor.get("/apps/hello").text
    page = visitor.get("/apps/hello/pulls").text
    assert "&lt;b&gt;Sell&lt;/b&gt;" in page
    assert "It is &lt;away&gt;." in page
    assert "https://git.example.org/7" in page
    assert page.count("waits for an approval") == 1


def test_an_admin_approves_the_head_that_the_page_shows(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    stale = visitor.act(APPROVE, commit=A)
    assert stale.status_code == 409
    answer = visitor.act(APPROVE, commit=B, back="/apps/hello/pulls")
    assert answer.headers["Location"] == "/apps/hello/pulls?did=approve"
    assert "approved by" in visitor.get(answer.headers["Location"]).text
    assert dashboard.previews.pulls["hello"][7].approved_by == "operator"


def test_others_see_no_button(user: Visitor) -> None:
    page = user.get("/apps/hello/pulls").text
    assert "waits for an approval" in page
    assert APPROVE not in page


def test_an_app_that_follows_none_shows_none(dashboard: Dashboard, visitor: Visitor) -> None:
    app = dashboard.previews.known_apps["hello"]
    dashboard.previews.known_apps["hello"] = dataclasses.replace(app, pulls="off")
    assert "Pull requests" not in visitor.get("/apps/hello").text


def test_the_stack_that_has_a_pull_request_is_one_click_away(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    own = dataclasses.replace(OWN, branch="cart")
    dashboard.previews.pulls["hello"] = {6: own, 7: FORK}
    members = {"web": Member("hello", "main")}
    variants = {"cart": Variant(ref="cart", found=("web",))}
    dashboard.previews.stacks = {"shop": StackRecord("shop", "web", members, variants)}
    page = visitor.get("/apps/hello/pulls").text
    assert page.count("://cart--shop.") == 1
    assert "In shop</a>" in page
