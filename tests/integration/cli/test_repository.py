"""`prevs refs` and `prevs commits`, against an API on a real socket."""

import json

import pytest

from tests.fakes import api as fake
from tests.integration.cli.running import Run

pytestmark = pytest.mark.integration


def test_refs_are_listed_with_their_address_and_the_state_of_their_commit(
    world: fake.World, run: Run
) -> None:
    world.refs = [fake.ref("main"), fake.ref("feature/cart", fake.OTHER_SHA, url=None)]
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    done = run("refs", "hello")
    assert done.status == 0
    _, main, cart = done.out.splitlines()
    for part in ("branch", "main", "running", "http://main.hello.localhost:8080/", "Say hello"):
        assert part in main
    assert "feature/cart" in cart
    assert "http" not in cart
    assert json.loads(run("refs", "hello", "--json").out) == world.refs


def test_refs_are_chosen_by_kind_and_by_text(world: fake.World, run: Run) -> None:
    world.refs = [fake.ref("main"), fake.ref("cart"), fake.ref("cart-1", kind="tag")]
    found = run("refs", "hello", "--kind", "branch", "--search", "cart", "--json").out
    assert [one["name"] for one in json.loads(found)] == ["cart"]
    none = run("refs", "hello", "--search", "nothing")
    assert (none.status, none.out) == (0, "")
    assert "no such branch" in none.err


def test_refs_of_a_repository_that_is_away_say_of_when_they_are(
    world: fake.World, run: Run
) -> None:
    world.refs, world.problem = [fake.ref("main")], "Could not resolve host: git.example.org"
    done = run("refs", "hello")
    assert (done.status, "main" in done.out) == (0, True)
    assert "cannot be read now" in done.err
    assert world.problem in done.err


def test_names_and_subjects_of_others_are_words_only(world: fake.World, run: Run) -> None:
    hostile = "\x1b]52;c;eA==\x07\u202egnp.exe\nnext"
    world.refs = [fake.ref(hostile, subject=hostile)]
    world.commits = [fake.commit(subject=hostile, author=hostile)]
    for command in ("refs", "commits"):
        shown = run(command, "hello").out
        assert len(shown.splitlines()) == 2
        assert "<U+202E>gnp.exe next" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_the_latest_commits_are_listed_and_more_where_they_are_asked_for(
    world: fake.World, run: Run
) -> None:
    world.commits = [fake.commit(f"{number:040x}") for number in range(700)]
    world.previews["hello", f"{1:040x}"] = fake.failed(sha=f"{1:040x}")
    done = run("commits", "hello", "main", "--limit", "3")
    assert [line.split()[0] for line in done.out.splitlines()] == ["COMMIT", *["0" * 7] * 3]
    assert "failed" in done.out.splitlines()[2]
    assert "--limit 12" in done.err
    every = run("commits", "hello", "main", "--limit", "1000", "--json")
    assert json.loads(every.out) == world.commits
    assert every.err == ""
