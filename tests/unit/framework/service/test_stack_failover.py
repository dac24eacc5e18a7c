"""Whatever write of a change a leader dies at, and whatever write gets no answer, all follows."""

import contextlib
from collections.abc import Callable

import pytest

from framework.errors import Unavailable
from framework.stacks.errors import UnknownVariant
from prevs.stacks import StackRecord
from prevs.states import State
from tests.fakes.mishaps import Died, Fate
from tests.fakes.stack_story import AUTH, CART, FEATURE, NEXT, WEB, StackStory
from tests.fakes.store import FakeZnodes

Act = Callable[[StackStory], object]
MOST_WRITES = 12
"""No change here takes as many."""


@pytest.fixture(scope="module")
def before() -> StackStory:
    """A stack with an instance that runs, one that waits, and a shared preview."""
    story = StackStory()
    story.heads[CART] |= {"feature": FEATURE, "dev": NEXT}
    story.heads[AUTH]["feature"] = FEATURE
    story.write()
    story.open("feature", "web")
    story.run("web")
    story.run("cart", "feature")
    story.visit("web", "feature")
    return story


def begin(before: StackStory) -> StackStory:
    """Return another framework that leads there, with znodes of its own."""
    znodes = FakeZnodes()
    znodes.records |= before.driven.znodes.records
    znodes.framework_id = before.driven.znodes.framework_id
    return before.lead_on(znodes)


ACTS: dict[str, Act] = {
    "write": lambda story: story.write({"web": WEB, "cart": AUTH, "pay": CART}, "pay"),
    "remove": lambda story: story.remove(),
    "open": lambda story: story.open("feature", cart="dev"),
    "close": lambda story: story.close("feature"),
    "fetch": lambda story: story.push(CART, feature=None),
}


def read(story: StackStory) -> StackRecord | None:
    return story.driven.service.snapshot.stacks.get("shop")


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_the_next_leader_goes_on_wherever_one_dies(before: StackStory, act: Act) -> None:
    for number in range(MOST_WRITES):
        story = begin(before)
        # To die before a write is to die after the last one.
        story.driven.mishaps.plan([Fate.GOOD] * number + [Fate.DIES_BEFORE])
        with contextlib.suppress(Died):
            act(story)
            story.driven.tick(6)
        later = story.take_over()
        later.settle()
        assert later.find_wrong() == []
        assert all(one.state is State.RUNNING for one in later.previews() if not one.instance)
        if not story.driven.mishaps.met:
            assert number > 2
            return
    raise AssertionError("it writes without end")


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED])
def test_a_write_without_an_answer_is_made_good_in_a_later_turn(
    before: StackStory, act: Act, fate: Fate
) -> None:
    for number in range(MOST_WRITES):
        story = begin(before)
        story.driven.mishaps.plan([Fate.GOOD] * number + [fate])
        with contextlib.suppress(Unavailable):
            act(story)
        story.settle()
        assert story.find_wrong() == []
        later = story.take_over()
        assert read(later) == read(story)
        assert later.gates() == story.gates()
        if not story.driven.mishaps.met:
            return


def test_a_change_that_was_not_stored_is_never_acted_on(before: StackStory) -> None:
    story = begin(before)
    stack, gates = read(story), story.gates()
    story.driven.store.away = True
    for act in ACTS.values():
        with contextlib.suppress(Unavailable):
            act(story)
    story.driven.store.away = False
    story.heads[CART]["feature"] = FEATURE
    story.settle()
    assert read(story) == stack
    assert story.gates() == gates
    assert story.find_wrong() == []


def test_two_deaths_in_a_row_are_no_more_than_one(before: StackStory) -> None:
    story = begin(before)
    story.driven.mishaps.plan([Fate.GOOD, Fate.DIES_AFTER])
    with pytest.raises(Died):
        story.close("feature")
    with pytest.raises(Died):
        story.take_over(fates=[Fate.DIES_BEFORE])
    third = story.take_over()
    third.settle()
    assert third.find_wrong() == []
    with pytest.raises(UnknownVariant):
        third.close("feature")
