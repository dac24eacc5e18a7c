"""What a fetch of a repository does to what runs in the variants of its stacks."""

from typing import Any

import pytest

from prevs.pulls import PullRecord, RepositoryRecord
from prevs.states import State
from tests.fakes.stack_story import CART, FEATURE, MAIN, NEXT, WEB, StackStory

DAY = 24 * 3600


@pytest.fixture
def stacks() -> StackStory:
    story = StackStory(pulls="branches", forge="github")
    story.write()
    return story


def pull(
    stacks: StackStory, number: int, branch: str, sha: str, *, app: str = CART, **more: Any
) -> None:
    """Let an app's forge have a pull request, of the repository itself unless said."""
    record = PullRecord(
        app, number, sha, f"pull/{number}/head", branch=branch, **{"is_fork": False, **more}
    )
    stacks.driven.call(lambda: stacks.driven.records.pulls.save_all([record]))


def opened(stacks: StackStory) -> dict[str, tuple[str, ...]]:
    return {name: one.found for name, one in stacks.stack().variants.items()}


def test_a_pull_request_of_the_usual_branch_differs_in_nothing(stacks: StackStory) -> None:
    pull(stacks, 7, "main", MAIN)
    stacks.push(CART, main=MAIN)
    assert opened(stacks) == {}
    assert stacks.find_wrong() == []


def test_what_somebody_has_chosen_is_not_written_over_by_a_pull_request(stacks: StackStory) -> None:
    stacks.heads[CART]["feature"] = FEATURE
    stacks.open("feature", "web")
    pull(stacks, 7, "feature", FEATURE)
    before = stacks.stack()
    stacks.fetch(CART)
    assert stacks.stack() == before


def test_a_variant_goes_with_the_last_of_its_branches(stacks: StackStory) -> None:
    stacks.heads[CART]["feature"] = stacks.heads[WEB]["feature"] = FEATURE
    stacks.open("feature")
    cart, web = stacks.run("cart", "feature"), stacks.run("web", "feature")
    stacks.push(CART, feature=None)
    assert opened(stacks) == {"feature": ("web",)}
    assert stacks.now(cart).state is State.DRAINING
    assert stacks.now(web).state is State.RUNNING
    assert stacks.gates()["cart-shop"].revision.variants == {"feature": "main"}
    stacks.push(WEB, feature=None)
    assert opened(stacks) == {}
    stacks.settle()
    assert stacks.previews() == []
    assert stacks.find_wrong() == []


def test_a_pinned_variant_outlives_its_branches_until_it_is_pinned_no_more(
    stacks: StackStory,
) -> None:
    stacks.heads[CART]["feature"] = FEATURE
    stacks.open("feature")
    cart = stacks.run("cart", "feature")
    stacks.pin("feature")
    stacks.push(CART, feature=None)
    stacks.driven.tick(DAY)
    stacks.settle()
    assert opened(stacks) == {"feature": ("cart",)}
    assert stacks.now(cart).state is State.RUNNING
    assert stacks.gates()["cart-shop"].revision.variants == {"feature": cart.instance}
    assert stacks.find_wrong() == []
    stacks.pin("feature", pinned=False)
    stacks.settle()
    assert opened(stacks) == {}
    assert stacks.find(cart) is None
    assert stacks.find_wrong() == []


def test_a_variant_with_labels_that_somebody_has_chosen_stays(stacks: StackStory) -> None:
    stacks.heads[CART]["feature"] = stacks.heads[WEB]["dev"] = FEATURE
    stacks.open("feature", web="dev")
    web = stacks.run("web", "feature")
    stacks.push(CART, feature=None)
    assert opened(stacks) == {"feature": ()}
    assert stacks.now(web).state is State.RUNNING
    # It follows the branch again, once that is back.
    stacks.push(CART, feature=NEXT)
    assert opened(stacks) == {"feature": ("cart",)}
    assert stacks.find_wrong() == []


def test_another_repository_at_the_address_changes_nothing(stacks: StackStory) -> None:
    stacks.heads[CART]["feature"] = FEATURE
    stacks.open("feature")
    app = stacks.driven.service.snapshot.app(CART)
    other = RepositoryRecord(CART, app.repository, "1", found="2")
    stacks.driven.call(lambda: stacks.driven.records.repositories.save(other))
    pull(stacks, 7, "stranger", NEXT)
    stacks.push(CART, feature=None, stranger=NEXT)
    assert opened(stacks) == {"feature": ("cart",)}


def test_an_app_of_no_stack_costs_a_fetch_nothing(stacks: StackStory) -> None:
    before = len(stacks.driven.store.written)
    stacks.push("login", feature=FEATURE)
    assert len(stacks.driven.store.written) == before


def test_all_stacks_of_an_app_follow_it(stacks: StackStory) -> None:
    stacks.write({"x": CART}, "x", name="mall")
    pull(stacks, 7, "feature", FEATURE)
    stacks.push(CART, feature=FEATURE)
    found = {name: list(one.variants) for name, one in stacks.driven.records.stacks.all.items()}
    assert found == {"shop": ["feature"], "mall": ["feature"]}
    assert stacks.find_wrong() == []
