"""`prevs refs` and `prevs commits`, against an API on a real socket."""

import json

import pytest

from framework.ports import Commit, Listing, Ref
from prevs import names
from prevs.states import State
from tests.fakes.answers import OTHER_SHA, SHA
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def ref(name: str, sha: str = SHA) -> Ref:
    return Ref(name, "branch", names.slug(name), sha, "Ada", "Say hello", 1.0)


def test_refs_are_listed_with_their_address_and_the_state_of_their_commit(
    api: Api, run: Run
) -> None:
    unclear = ref("feature/cart", OTHER_SHA)._replace(ambiguous=True)
    api.refs.listings["hello"] = Listing([ref("main")._replace(committed=2.0), unclear], 1.0)
    api.put(State.RUNNING)
    done = run("refs", "hello")
    assert done.status == 0
    _, main, cart = done.out.splitlines()
    for part in ("branch", "main", "running", "http://main.hello.localhost:8080/", "Say hello"):
        assert part in main
    assert "feature/cart" in cart
    assert "http" not in cart
    listed = json.loads(run("refs", "hello", "--json").out)
    assert listed == api.call("GET", "/v1/apps/hello/refs").json()["refs"]


def test_refs_are_chosen_by_kind_and_by_text(api: Api, run: Run) -> None:
    for name, kind in (("cart", "branch"), ("cart-1", "tag")):
        api.refs.put("hello", name, SHA, kind)
    found = run("refs", "hello", "--kind", "branch", "--search", "cart", "--json").out
    assert [one["name"] for one in json.loads(found)] == ["cart"]
    none = run("refs", "hello", "--search", "nothing")
    assert (none.status, none.out) == (0, "")
    assert "no such branch" in none.err


def test_refs_of_a_repository_that_is_away_are_shown_with_their_age(api: Api, run: Run) -> None:
    problem = "Could not resolve host: git.example.org"
    api.refs.listings["hello"] = Listing([ref("main")], 1.0, problem)
    done = run("refs", "hello")
    assert (done.status, "main" in done.out) == (0, True)
    assert "cannot be read now" in done.err
    assert problem in done.err


def test_names_and_subjects_of_others_are_words_only(api: Api, run: Run) -> None:
    hostile = "\x1b]52;c;eA==\x07\u202egnp.exe\nnext"
    api.refs.listings["hello"] = Listing([ref(hostile)._replace(subject=hostile)], 1.0)
    api.refs.logs["hello", ""] = [Commit(SHA, hostile, hostile, 1.0)]
    for command in ("refs", "commits"):
        shown = run(command, "hello").out
        assert len(shown.splitlines()) == 2
        assert "<U+202E>gnp.exe next" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_the_latest_commits_are_listed_and_more_with_a_limit(api: Api, run: Run) -> None:
    commits = [Commit(f"{number:040x}", "Ada", "Say hello", 1.0) for number in range(700)]
    api.refs.logs["hello", "main"] = commits
    api.fail(f"{1:040x}")
    done = run("commits", "hello", "main", "--limit", "3")
    assert [line.split()[0] for line in done.out.splitlines()] == ["COMMIT", *["0" * 7] * 3]
    assert "failed" in done.out.splitlines()[2]
    assert "--limit 12" in done.err
    every = run("commits", "hello", "main", "--limit", "1000", "--json")
    assert [one["sha"] for one in json.loads(every.out)] == [one.sha for one in commits]
    assert every.err == ""
