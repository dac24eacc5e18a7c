"""When variants stop: idle, to make room, for a pin, by the limits of several apps; as one."""

from collections.abc import Callable

import pytest

from framework import events
from framework.ports import Use
from framework.scheduling.idleness import BUSY_SECONDS, SETTLING_SECONDS
from framework.units.reasons import ReasonKind
from prevs.records import PreviewRecord
from prevs.states import Phase, State
from tests.fakes.clock import FakeClock
from tests.fakes.offers import offer
from tests.fakes.stack_story import AUTH, CART, FEATURE, MAIN, NEXT, WEB, StackStory

WEDNESDAY_NOON = 1_783_512_000.0
"""8 July 2026, 12:00 UTC."""
IDLE = 600


@pytest.fixture
def stacks() -> StackStory:
    """A stack, of which the variant `mine` has both members of its own; idle after ten minutes."""
    story = StackStory(clock=FakeClock(WEDNESDAY_NOON), idle_after=IDLE)
    story.heads[CART]["feature"] = FEATURE
    story.write()
    story.open("mine", "web", cart="feature")
    return story


def use(stacks: StackStory, preview: PreviewRecord) -> None:
    task_id = stacks.now(preview).task_id
    assert task_id is not None
    report(stacks, Use(task_id, 0, 1))


def report(stacks: StackStory, *uses: Use) -> None:
    stacks.driven.step(events.UsageReported("p1", uses))


def set_app(stacks: StackStory, app: str, **fields: object) -> None:
    stacks.driven.commands.change_app(app, fields)


def test_a_variant_stops_once_none_of_its_own_is_used(stacks: StackStory) -> None:
    shared = stacks.run("web")
    web, cart = stacks.run("web", "mine"), stacks.run("cart", "mine")
    for _ in range(3):
        stacks.driven.tick(IDLE - 100)
        use(stacks, cart)
    assert stacks.now(web).state is stacks.now(cart).state is State.RUNNING
    assert stacks.now(shared).state is not State.RUNNING
    before = len(stacks.driven.store.written)
    stacks.driven.tick(IDLE + 1)
    for one in (web, cart):
        assert stacks.now(one).state is State.DRAINING
        assert stacks.now(one).reason == (
            "Nobody used its variant for 10 minutes; its address starts it again."
        )
    stopped = stacks.driven.store.written[before:]
    assert len([one for one in stopped if isinstance(one, PreviewRecord)]) == 2
    # The variant stays open: its address starts it again.
    stacks.ended(web)
    stacks.ended(cart)
    assert stacks.visit("cart", "mine").state is State.QUEUED
    assert stacks.now(web).state is State.STOPPED
    assert stacks.find_wrong() == []


@pytest.mark.parametrize("key", ["mine|shop", "mine|cart-shop"])
def test_a_variant_is_used_by_who_visits_only_what_all_share(stacks: StackStory, key: str) -> None:
    cart, shared = stacks.run("cart", "mine"), stacks.run("web")
    for use_of_variant in (Use(key, 0, 1), Use(key, 1, 0), Use(key, 1, 0), Use(key, 0, 1)):
        stacks.driven.tick(IDLE - 100)
        report(stacks, use_of_variant)
    assert stacks.now(cart).state is State.RUNNING
    assert stacks.now(shared).state is not State.RUNNING
    used = stacks.now(cart).last_used
    assert used is not None
    assert stacks.driven.clock.seconds - used < IDLE, "the next leader reads it there"
    stacks.driven.tick(IDLE - 100)
    report(stacks, Use(key, 0, 0))
    stacks.driven.tick(110)
    assert stacks.now(cart).state is State.DRAINING


@pytest.mark.parametrize("key", ["mine|other", "gone|shop", "|shop", "mine|", "mine", "mine|shop|"])
def test_a_use_of_another_variant_or_stack_is_none(stacks: StackStory, key: str) -> None:
    stacks.write({"web": AUTH}, name="other")
    cart = stacks.run("cart", "mine")
    stacks.driven.tick(IDLE - 10)
    report(stacks, Use(key, 1, 1))
    stacks.driven.tick(20)
    assert stacks.now(cart).state is State.DRAINING


def never_idle(stacks: StackStory) -> None:
    set_app(stacks, WEB, idle_after=0)


def longer(stacks: StackStory) -> None:
    set_app(stacks, WEB, idle_after=10 * IDLE)


def kept_warm(stacks: StackStory) -> None:
    set_app(stacks, WEB, keep_warm=("wed 11:00-13:00",))


def pinned(stacks: StackStory) -> None:
    stacks.pin("mine")


@pytest.mark.parametrize("keep", [never_idle, longer, kept_warm, pinned])
def test_what_keeps_one_instance_keeps_its_variant(
    stacks: StackStory, keep: Callable[[StackStory], None]
) -> None:
    shared, web, cart = stacks.run("cart"), stacks.run("web", "mine"), stacks.run("cart", "mine")
    keep(stacks)
    stacks.driven.tick(IDLE + 10)
    assert stacks.now(shared).state is not State.RUNNING
    assert stacks.now(web).state is stacks.now(cart).state is State.RUNNING
    stacks.driven.tick(9 * IDLE)
    ends = keep in (longer, kept_warm)
    expected = State.DRAINING if ends else State.RUNNING
    assert stacks.now(web).state is stacks.now(cart).state is expected


def test_a_variant_is_in_use_while_one_of_its_own_starts(stacks: StackStory) -> None:
    web = stacks.run("web", "mine")
    cart = stacks.place(stacks.visit("cart", "mine"))
    stacks.driven.report("TASK_STARTING", Phase.BUILDING, task=cart.task_id)
    stacks.driven.tick(2 * IDLE)
    assert stacks.now(web).state is State.RUNNING
    assert stacks.now(cart).state is State.BUILDING
    stacks.runs(cart)
    stacks.driven.tick(IDLE - 10)
    assert stacks.now(web).state is State.RUNNING
    stacks.driven.tick(20)
    assert stacks.now(web).state is stacks.now(cart).state is State.DRAINING


def test_who_waits_for_one_of_its_own_uses_the_variant(stacks: StackStory) -> None:
    web, shared = stacks.run("web", "mine"), stacks.run("cart")
    # The only place of its app is taken, and nothing of another app helps.
    set_app(stacks, CART, max_previews=1)
    stacks.driven.commands.pin(CART, shared.sha, pinned=True)
    stacks.driven.tick(IDLE - 100)
    stacks.visit("cart", "mine")
    stacks.driven.tick(200)
    assert stacks.now(web).state is State.RUNNING
    stacks.driven.tick(IDLE)
    assert stacks.now(web).state is State.DRAINING


def test_other_variants_and_shared_previews_are_used_on_their_own(stacks: StackStory) -> None:
    stacks.open("other", "web", cart="feature")
    mine, other = stacks.run("web", "mine"), stacks.run("web", "other")
    shared = stacks.run("web")
    stacks.driven.tick(IDLE - 100)
    use(stacks, other)
    stacks.driven.tick(110)
    assert stacks.now(mine).state is stacks.now(shared).state is State.DRAINING
    assert stacks.now(other).state is State.RUNNING


def full(stacks: StackStory) -> None:
    """Let the last agent have room for nothing more, and a preview of `login` wait for some."""
    stacks.driven.commands.start(AUTH, MAIN, "main")
    running = stacks.driven.records.counts()[State.RUNNING]
    for number in range(4):
        if stacks.driven.records.counts()[State.RUNNING] < running:
            return
        stacks.driven.tick(2)
        small = offer(f"full{number}", mem=10, cpus=0.01, begin=60000, end=60001)
        stacks.driven.step(events.Offered([small]))


def test_a_variant_makes_room_as_one(stacks: StackStory) -> None:
    web, cart = stacks.run("web", "mine"), stacks.run("cart", "mine")
    stacks.driven.tick(SETTLING_SECONDS + BUSY_SECONDS)
    full(stacks)
    for one in (web, cart):
        assert stacks.now(one).state is State.DRAINING
        assert stacks.now(one).reason_kind == ReasonKind.EVICTED
    assert "make room for a preview of another app" in stacks.now(cart).reason


@pytest.mark.parametrize("keep", ["used", "pinned", "starting"])
def test_no_instance_makes_room_while_another_of_its_variant_may_not(
    stacks: StackStory, keep: str
) -> None:
    shared, web = stacks.run("web"), stacks.run("web", "mine")
    cart = stacks.place(stacks.visit("cart", "mine"))
    if keep != "starting":
        cart = stacks.runs(cart)
    if keep == "pinned":
        stacks.pin("mine")
    stacks.driven.tick(SETTLING_SECONDS + BUSY_SECONDS)
    if keep == "used":
        use(stacks, cart)
    full(stacks)
    assert stacks.now(shared).state is not State.RUNNING
    assert stacks.now(web).state is State.RUNNING
    assert stacks.now(cart).state is not State.DRAINING


def test_those_in_their_warm_hours_make_room_last_and_so_does_their_variant(
    stacks: StackStory,
) -> None:
    web, cart = stacks.run("web", "mine"), stacks.run("cart", "mine")
    set_app(stacks, WEB, keep_warm=("wed 11:00-13:00",))
    shared = stacks.run("cart")
    stacks.driven.tick(SETTLING_SECONDS + BUSY_SECONDS)
    use(stacks, shared)
    stacks.driven.tick(BUSY_SECONDS + 1)
    full(stacks)
    assert stacks.now(shared).state is not State.RUNNING
    assert stacks.now(web).state is stacks.now(cart).state is State.RUNNING


def test_what_makes_room_is_named_by_its_commit(stacks: StackStory) -> None:
    set_app(stacks, CART, max_previews=1)
    cart = stacks.run("cart", "mine")
    stacks.heads[CART]["dev"] = NEXT
    stacks.driven.tick(SETTLING_SECONDS + BUSY_SECONDS)
    stacks.open("other", cart="dev")
    waits = stacks.visit("cart", "other")
    for _ in range(3):
        stacks.driven.tick(2)
    assert stacks.now(cart).state is State.DRAINING
    assert f"make room for basket at {NEXT[:7]}" in stacks.now(cart).reason
    assert f"basket at {FEATURE[:7]}" in stacks.now(waits).reason
