import time
from typing import Any

import pytest

from framework.errors import BeingFetched, RepositoryUnreachable, UnknownPlace
from framework.ports import Commit, Listing, Ref
from tests.fakes.asgi import ApiInProcess, refusal

A, B, C = "a" * 40, "b" * 40, "c" * 40
MAIN = Ref("main", "branch", "main", A, "Ada", "Say <b>hello</b>", 3000.0)
CART = Ref("feature/Cart", "branch", "feature-cart-5a1f", B, "Bob", "Sell", 2000.0)
TAG = Ref("v1", "tag", "v1", C, "Ada", "Begin", 1000.0, ambiguous=True)


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    api.refs.listings["hello"] = Listing([MAIN, CART, TAG], 5.0)
    return api


def fetch(api: ApiInProcess, path: str, **query: Any) -> Any:
    answer = api.call("GET", f"/v1/apps/hello/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(api: ApiInProcess, **query: Any) -> list[str]:
    return [ref["name"] for ref in fetch(api, "refs", **query)["refs"]]


def test_branches_and_tags_have_an_address_unless_it_is_ambiguous(api: ApiInProcess) -> None:
    answer = fetch(api, "refs")
    assert answer["refs"][1] == {
        "name": "feature/Cart",
        "kind": "branch",
        "label": "feature-cart-5a1f",
        "sha": B,
        "author": "Bob",
        "subject": "Sell",
        "committed": 2000.0,
        "url": "http://feature-cart-5a1f.hello.localhost:8080/",
        "ambiguous": False,
    }
    assert [(ref["url"], ref["ambiguous"]) for ref in answer["refs"]][2] == (None, True)
    assert (answer["next"], answer["problem"]) == (None, "")
    assert 0 <= time.time() - 5.0 - answer["as_of"] < 60


def test_an_old_list_shows_why_it_is_old(api: ApiInProcess) -> None:
    api.refs.listings["hello"] = Listing([MAIN], None, "It is gone.")
    answer = fetch(api, "refs")
    assert (answer["as_of"], answer["problem"]) == (None, "It is gone.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "tag"}, ["v1"]),
        ({"kind": "branch"}, ["main", "feature/Cart"]),
        ({"search": "CART"}, ["feature/Cart"]),
        ({"search": "cart-5a"}, ["feature/Cart"]),
        ({"search": "ada"}, ["main", "v1"]),
        ({"search": "<B>"}, ["main"]),
        ({"search": "ccccccc"}, ["v1"]),
        ({"search": "nothing of this"}, []),
    ],
)
def test_refs_can_be_searched(api: ApiInProcess, query: dict[str, str], found: list[str]) -> None:
    assert names(api, **query) == found


def test_commits_have_an_address(api: ApiInProcess) -> None:
    api.refs.logs["hello", "main"] = [Commit(B, "Ada", "Go on", 9.0)]
    assert fetch(api, "commits", ref="main")["commits"] == [
        {
            "sha": B,
            "author": "Ada",
            "subject": "Go on",
            "committed": 9.0,
            "url": f"http://{B}.hello.localhost:8080/",
            "parents": [],
        }
    ]


def test_the_commits_of_a_range_are_those_after_its_first(api: ApiInProcess) -> None:
    api.refs.put("hello", "v1", C)
    api.refs.logs["hello", "main"] = [Commit(one, "Ada", "Go on", 9.0) for one in (A, B, C)]
    found = fetch(api, "commits", ref="main", **{"from": "v1"}, first_parent=True)
    assert [one["sha"] for one in found["commits"]] == [A, B]
    api.refs.logs["hello", "main"] = [Commit(A, "Ada", "Go on", 9.0)]
    refused = api.call("GET", "/v1/apps/hello/commits?ref=main&from=v1")
    assert refusal(refused) == (409, "not-an-ancestor")
    told = refused.json()
    assert (told["app"], told["from"], told["ref"], told["common"]) == ("hello", "v1", "main", None)


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (RepositoryUnreachable("hello", "/srv", "it is gone"), 502, "repository-unreachable"),
        (BeingFetched("hello"), 503, "reading-repository"),
        (UnknownPlace(), 404, "unknown-place"),
    ],
)
def test_an_unreadable_list_is_a_problem(
    api: ApiInProcess, error: Exception, status: int, slug: str
) -> None:
    api.refs.listings["hello"] = error
    assert refusal(api.call("GET", "/v1/apps/hello/refs")) == (status, slug)
    for path in ("/v1/apps/nope/refs", "/v1/apps/nope/commits", "/v1/apps/hello/commits?ref=nope"):
        assert api.call("GET", path).status_code == 404
