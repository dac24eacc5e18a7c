import dataclasses

import pytest

from framework.ports import Resolved
from framework.pulls.errors import NotApproved
from framework.state.snapshot import Look
from prevs.pulls import Delivered, PullRecord
from prevs.stacks import Member, StackRecord, Variant
from tests.fakes.asgi import ApiInProcess, refusal

A, B = "a" * 40, "b" * 40
OWN = PullRecord("hello", 6, A, "pull/6/head", is_fork=False, author="ada", title="Sell <b>")
FORK = PullRecord("hello", 7, B, "pull/7/head", author="eve", url="https://git.example.org/7")


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    app = api.previews.known_apps["hello"]
    api.previews.known_apps["hello"] = dataclasses.replace(app, pulls="all", forks="approve")
    closed = dataclasses.replace(OWN, number=5, closed=1.0)
    api.previews.pulls["hello"] = {5: closed, 6: OWN, 7: FORK}
    api.previews.looks["hello"] = Look(900.0, "The forge is away.")
    return api


def test_open_pull_requests_are_listed_with_what_may_be_done(api: ApiInProcess) -> None:
    answer = api.call("GET", "/v1/apps/hello/pulls").json()
    assert (answer["as_of"], answer["problem"]) == (900.0, "The forge is away.")
    fork, own = answer["pulls"]
    assert (own["number"], own["label"], own["gate"], own["why"]) == (6, "pr-6", "trusted", "")
    assert own["url"].startswith("http://pr-6.hello.")
    assert (fork["gate"], fork["fork"], fork["page"]) == ("waiting", True, FORK.url)
    assert f"prevs approve hello 7 --commit {B}" in fork["why"]


def test_what_was_said_at_the_forge_is_shown_and_what_was_not(api: ApiInProcess) -> None:
    delivered = Delivered(said="ready", problems={"comment": "It is locked."})
    api.previews.pulls["hello"][6] = dataclasses.replace(OWN, delivered=delivered)
    api.previews.looks["hello"] = Look(
        delivery_problems={"status": "It may not.", "comment": "It may not."}
    )
    answer = api.call("GET", "/v1/apps/hello/pulls").json()
    assert answer["delivery_problem"] == "It may not."
    assert [(one["delivered"], one["delivery_problem"]) for one in answer["pulls"]] == [
        ("", ""),
        ("ready", "It is locked."),
    ]


def test_an_approval_is_for_the_whole_id_of_the_head(api: ApiInProcess) -> None:
    path = "/v1/apps/hello/pulls/7/approval"
    assert api.call("POST", path, json={"commit": B[:12]}).status_code == 422
    stale = api.call("POST", path, json={"commit": A})
    assert refusal(stale) == (409, "not-the-head")
    assert stale.json()["sha"] == B
    approved = api.call("POST", path, json={"commit": B}).json()
    assert (approved["gate"], approved["approved_by"]) == ("approved", "operator")
    assert api.previews.pulls["hello"][7].approved_commit == B
    trusted = api.call("POST", "/v1/apps/hello/pulls/6/approval", json={"commit": A})
    assert refusal(trusted) == (409, "no-approval")
    unknown = api.call("POST", "/v1/apps/hello/pulls/9/approval", json={"commit": A})
    assert refusal(unknown) == (404, "unknown-pull")


def test_a_label_of_a_pull_request_is_shown_as_such(api: ApiInProcess) -> None:
    api.refs.leads["hello", "pr-6"] = Resolved(A, "pull", "pr-6", "Ada", "Sell", 1.0)
    assert api.call("GET", "/v1/apps/hello/labels/pr-6").json()["kind"] == "pull"
    api.refs.leads["hello", "pr-7"] = NotApproved("hello", 7, B, "It waits.")
    answer = api.call("POST", "/v1/previews", json={"app": "hello", "label": "pr-7"})
    assert refusal(answer) == (403, "not-approved")
    assert (answer.json()["number"], answer.json()["sha"]) == (7, B)


def test_the_variants_of_stacks_that_have_its_head_are_listed(api: ApiInProcess) -> None:
    api.previews.pulls["hello"][6] = dataclasses.replace(OWN, branch="cart")
    variant = Variant(ref="cart", found=("web",))
    members = {"web": Member("hello", "main")}
    api.previews.stacks = {"shop": StackRecord("shop", "web", members, {"cart": variant})}
    fork, own = api.call("GET", "/v1/apps/hello/pulls").json()["pulls"]
    assert fork["variants"] == []
    (at,) = own["variants"]
    assert (at["stack"], at["variant"]) == ("shop", "cart")
    assert at["url"].startswith("http://cart--shop.")
