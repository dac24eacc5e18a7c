import dataclasses
from typing import Any

import pytest

from framework.apps.app_secrets import AppSecrets
from framework.errors import BeingFetched, RepositoryUnreachable
from framework.ports import Listing, Ref
from prevs.messages import Credential
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import Failure
from prevs.stacks import Member, StackRecord, Variant
from prevs.states import Cause, State
from tests.fakes.asgi import OF_PROXIES, ApiInProcess, refusal

A, B, C, D = "a" * 40, "b" * 40, "c" * 40, "d" * 40
MAIN = Ref("main", "branch", "main", A, "Ada", "Say <b>hello</b>", 1000.0)
CART = Ref("feature/Cart", "branch", "feature-cart-5a1f", B, "Bob", "Sell", 2000.0)
TAG = Ref("v1", "tag", "v1", C, "Ada", "Begin", 500.0, ambiguous=True)
OWN = PullRecord("hello", 6, B, "pull/6/head", is_fork=False, title="Sell", updated=2100.0)
FORK = PullRecord("hello", 7, D, "merge-requests/7/head", author="eve", title="Steal")
PROXY = {"Authorization": f"Bearer {OF_PROXIES}"}


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    change(api, pulls="all", forks="approve")
    api.refs.listings["hello"] = Listing([CART, MAIN, TAG], 5.0)
    api.previews.pulls["hello"] = {6: OWN, 7: FORK, 5: dataclasses.replace(OWN, closed=1.0)}
    return api


def change(api: ApiInProcess, **fields: Any) -> None:
    known = api.previews.known_apps["hello"]
    api.previews.known_apps["hello"] = dataclasses.replace(known, **fields)


def ask(api: ApiInProcess, **query: Any) -> Any:
    answer = api.call("GET", "/v1/apps/hello/landing", headers=PROXY, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(api: ApiInProcess, **query: Any) -> list[str]:
    answer = ask(api, **query)
    own = [answer["default"]] if answer["default"] else []
    lists = (answer[one]["entries"] for one in ("pulls", "branches", "tags"))
    return [entry["name"] for entry in (*own, *(entry for one in lists for entry in one))]


def test_a_proxy_gets_the_default_branch_apart_and_what_else_there_is(api: ApiInProcess) -> None:
    answer = ask(api)
    assert (answer["shows"], answer["trouble"], answer["found_url"]) == ("full", "", None)
    assert answer["commit_url"] == "http://COMMIT.hello.localhost:8080/"
    assert answer["default"] == {
        "kind": "branch",
        "name": "main",
        "label": "main",
        "url": "http://main.hello.localhost:8080/",
        "sha": A,
        "author": "Ada",
        "title": "Say <b>hello</b>",
        "at": 1000.0,
        "state": None,
        "why": "",
        "serving": "",
        "same": "",
        "may_run": True,
        "variants": [],
        "services": [],
    }
    assert [one["name"] for one in answer["branches"]["entries"]] == ["feature/Cart"]
    (tag,) = answer["tags"]["entries"]
    assert (tag["label"], tag["url"]) == (C, f"http://{C}.hello.localhost:8080/")
    fork, own = answer["pulls"]["entries"]
    assert (own["name"], own["title"], own["at"], own["may_run"]) == ("pr-6", "Sell", 2100.0, True)
    assert (fork["name"], fork["may_run"]) == ("pr-7", False)


def test_each_has_the_state_of_its_commit_and_what_runs_there_instead(api: ApiInProcess) -> None:
    failure = Failure(Cause.APP_EXITED, "The app exited.", 3)
    api.previews.put("hello", B, State.FAILED, labels=("pr-6",), failure=failure)
    api.previews.put("hello", D, State.RUNNING, labels=("main", CART.label))
    api.previews.put("other", A, State.RUNNING, labels=("main",))
    answer = ask(api)
    main, (cart,) = answer["default"], answer["branches"]["entries"]
    assert (main["state"], main["serving"]) == (None, D)
    assert (cart["state"], cart["why"], cart["serving"]) == ("failed", "The app exited.", D)
    own = answer["pulls"]["entries"][1]
    assert (own["state"], own["serving"]) == ("failed", "")


@pytest.mark.parametrize(
    ("search", "names"),
    [
        (" CART ", ["feature/Cart"]),
        ("sell", ["pr-6", "feature/Cart"]),
        ("#7", ["pr-7"]),
        ("mr-7", ["pr-7"]),
        ("eve", ["pr-7"]),
        ("main", ["main"]),
        (C[:7], ["v1"]),
        ("%", []),
    ],
)
def test_a_search_finds_names_titles_people_and_commits(
    api: ApiInProcess, search: str, names: list[str]
) -> None:
    assert found(api, search=search) == names


def test_a_commit_that_is_searched_for_has_its_address(api: ApiInProcess) -> None:
    assert ask(api, search=" 5C80E7D ")["found_url"] == "http://5c80e7d.hello.localhost:8080/"
    assert ask(api, search="5c80e")["found_url"] is None


def test_lists_are_cut_and_go_on_behind_a_cursor(api: ApiInProcess) -> None:
    many = [CART._replace(name=f"b{n}", label=f"b{n}", committed=float(n)) for n in range(7)]
    api.refs.listings["hello"] = Listing([MAIN, *many], 5.0)
    first = ask(api, limit=3)["branches"]
    assert ([one["name"] for one in first["entries"]], first["total"]) == (["b6", "b5", "b4"], 7)
    names: list[str] = []
    after: str | None = ""
    while after is not None:
        page = ask(api, kind="branch", limit=3, after=after)
        names += [one["name"] for one in page["branches"]["entries"]]
        assert (page["pulls"]["total"], page["branches"]["total"]) == (0, 8)
        after = page["branches"]["next"]
    assert names == ["main", "b6", "b5", "b4", "b3", "b2", "b1", "b0"]
    wrong = api.call(
        "GET", "/v1/apps/hello/landing", headers=PROXY, params={"kind": "tag", "after": "x"}
    )
    assert refusal(wrong) == (404, "unknown-place")


def test_an_app_whose_room_shows_the_status_alone_has_no_lists(api: ApiInProcess) -> None:
    change(api, room="status")
    assert found(api) == []
    assert ask(api, search="a" * 7)["found_url"] is None
    change(api, room="auto")
    api.previews.given["hello"] = AppSecrets("hello", credential=Credential("ada", "secret"))
    assert (ask(api)["shows"], found(api)) == ("status", [])
    api.previews.given.clear()
    api.previews.why_unreadable = "The key is gone."
    api.previews.given["hello"] = AppSecrets("hello")
    assert (ask(api)["shows"], found(api)) == ("status", [])


@pytest.mark.parametrize(
    ("listing", "trouble"),
    [
        (RepositoryUnreachable("hello", "https://git.internal/x", "it is away"), "unreadable"),
        (BeingFetched("hello"), "being-fetched"),
    ],
)
def test_pull_requests_are_there_without_the_repository(
    api: ApiInProcess, listing: Exception, trouble: str
) -> None:
    api.refs.listings["hello"] = listing
    answer = ask(api)
    assert (answer["trouble"], found(api)) == (trouble, ["pr-7", "pr-6"])
    assert "internal" not in str(answer)


def test_what_is_old_or_of_another_repository_is_said(api: ApiInProcess) -> None:
    api.refs.listings["hello"] = Listing([MAIN], None, "git.internal is away")
    answer = ask(api)
    assert (answer["trouble"], answer["as_of"]) == ("old", None)
    assert "internal" not in str(answer)
    repository = api.previews.known_apps["hello"].repository
    taken = RepositoryRecord("hello", repository, "1", found="2")
    api.previews.repositories["hello"] = taken
    assert (ask(api)["trouble"], found(api)) == ("other-repository", [])


def test_an_app_that_follows_no_pull_requests_shows_none(api: ApiInProcess) -> None:
    change(api, pulls="off")
    assert ask(api)["pulls"]["total"] == 0


def test_branches_and_pull_requests_lead_to_the_stacks_that_have_them(api: ApiInProcess) -> None:
    api.previews.pulls["hello"][6] = dataclasses.replace(OWN, branch="next")
    members = {"web": Member("web", "main"), "hello": Member("hello", "main")}
    variants = {
        "next": Variant(ref="next", found=("hello",)),
        "cart": Variant(chosen={"hello": CART.label}, own=("web",)),
    }
    api.previews.stacks = {"shop": StackRecord("shop", "web", members, variants)}
    answer = ask(api)
    assert answer["default"]["variants"] == []
    fork, own = answer["pulls"]["entries"]
    assert fork["variants"] == []
    (cart,) = answer["branches"]["entries"]
    assert [one["url"] for one in (*own["variants"], *cart["variants"])] == [
        "http://next--shop.localhost:8080/",
        "http://cart--shop.localhost:8080/",
    ]
