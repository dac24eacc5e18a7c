"""Variants open with pull requests and follow branches, through the service."""

import dataclasses

import pytest

from framework import events
from framework.events import HeadsFetched, PullsSeen
from framework.ports import Heads
from framework.service.stacks.stack_upkeep import OF_PULLS
from framework.stacks.written_stack import WrittenStack
from prevs.stacks import Member, StackRecord, Variant
from tests.fakes.driven import APP, A, B, Driven
from tests.fakes.telling_world import pull

MEMBERS = {app: Member(app, "main") for app in ("hello", "cart")}


@pytest.fixture
def driven() -> Driven:
    found = Driven()
    for app in MEMBERS:
        found.add_app(dataclasses.replace(APP, name=app, pulls="branches", forge="github"))
    found.stack_commands.write("shop", WrittenStack("hello", MEMBERS), by="ada")
    return found


def find(driven: Driven, name: str = "cart") -> Variant | None:
    return stack(driven).variants.get(name)


def stack(driven: Driven) -> StackRecord:
    return driven.service.snapshot.stacks["shop"]


def fetch(driven: Driven, app: str, **branches: str) -> None:
    driven.step(HeadsFetched(app, Heads({"main": B, **branches})))


def test_a_pull_request_opens_the_variant_of_its_branch_with_all_that_have_it(
    driven: Driven,
) -> None:
    fetch(driven, "cart", cart=B)
    assert find(driven) is None, "a branch alone opens nothing"
    driven.step(PullsSeen("hello", [pull()]))
    fetch(driven, "hello", cart=A)
    variant = find(driven)
    assert variant is not None
    assert (variant.ref, variant.found, variant.by) == ("cart", ("hello", "cart"), OF_PULLS)
    gate = driven.service.snapshot.gates["shop"]
    assert gate.revision.variants == {"cart": "cart--shop"}
    fetch(driven, "hello", cart=B)
    assert find(driven) == variant, "a push changes nothing"


def test_it_goes_with_its_last_branch_and_not_with_the_pull_request(driven: Driven) -> None:
    driven.step(PullsSeen("hello", [pull()]))
    fetch(driven, "hello", cart=A)
    fetch(driven, "cart", cart=B)
    driven.step(PullsSeen("hello", [pull()._replace(is_open=False)]))
    fetch(driven, "hello")
    variant = find(driven)
    assert variant is not None
    assert variant.found == ("cart",)
    fetch(driven, "cart")
    assert find(driven) is None
    assert driven.service.snapshot.gates["shop"].revision.variants == {}


def test_an_unread_or_empty_repository_changes_nothing(driven: Driven) -> None:
    driven.step(PullsSeen("hello", [pull()]))
    fetch(driven, "hello", cart=A)
    before = stack(driven)
    driven.step(HeadsFetched("hello", Heads({})))
    for found in ("7", "99"):
        driven.step(events.RepositorySeen("hello", APP.repository, [found]))
    fetch(driven, "hello")
    assert stack(driven) == before


@pytest.mark.parametrize(
    "facts",
    [{"is_fork": True}, {"branch": ""}, {"branch": "main"}, {"branch": "gone"}],
    ids=str,
)
def test_other_pull_requests_open_nothing(driven: Driven, facts: dict[str, object]) -> None:
    driven.step(PullsSeen("hello", [pull(**facts)]))  # type: ignore[arg-type]
    fetch(driven, "hello", cart=A)
    assert stack(driven).variants == {}


def test_nothing_opens_once_an_app_follows_no_pull_requests(driven: Driven) -> None:
    driven.step(PullsSeen("hello", [pull()]))
    driven.commands.change_app("hello", {"pulls": "off"})
    fetch(driven, "hello", cart=A)
    assert stack(driven).variants == {}


def test_the_next_leader_goes_on_before_all_repositories_are_read(driven: Driven) -> None:
    driven.step(PullsSeen("hello", [pull()]))
    fetch(driven, "cart", cart=B)
    fetch(driven, "hello", cart=A)
    next_one = Driven(driven.znodes, driven.clock)
    fetch(next_one, "hello", cart=A)
    variant = find(next_one)
    assert variant is not None
    assert variant.found == ("hello", "cart"), "cart was not read, and keeps its branch"
    next_one.step(PullsSeen("cart", [pull(number=8, branch="other")]))
    fetch(next_one, "cart", cart=B, other=A)
    other = find(next_one, "other")
    assert other is not None
    assert other.found == ("cart",)
    fetch(next_one, "hello", cart=A, other=A)
    other = find(next_one, "other")
    assert other is not None
    assert other.found == ("hello", "cart"), "it joins once it is read"


def test_one_that_somebody_closes_opens_with_the_next_pull_request(driven: Driven) -> None:
    driven.step(PullsSeen("hello", [pull()]))
    fetch(driven, "hello", cart=A)
    driven.stack_commands.close("shop", "cart")
    driven.stack_commands.write("shop", WrittenStack("hello", MEMBERS), by="bob")
    for leader in (driven, Driven(driven.znodes, driven.clock)):
        fetch(leader, "hello", cart=B)
        assert find(leader) is None
    driven.step(PullsSeen("hello", [pull()._replace(is_open=False)]))
    fetch(driven, "hello", cart=B)
    driven.step(PullsSeen("hello", [pull(number=8)]))
    fetch(driven, "hello", cart=B)
    assert find(driven) is not None
