"""What is said at a forge while something fails or dies, through the service, over fakes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framework.events import StoreResumed, StoreSuspended
from framework.forges import registry
from framework.ports.forge_errors import ForgeBusy, ForgeError, ForgeRefused, ForgeUnreachable
from framework.telling import wanted
from prevs import names
from tests.fakes.mishaps import Died, Fate
from tests.fakes.telling_forge import API
from tests.fakes.telling_world import LONG, WORDING, A, B, C, TellingWorld, pull


@pytest.fixture
def world() -> TellingWorld:
    return TellingWorld()


def test_the_next_leader_repeats_nothing(world: TellingWorld) -> None:
    world.push()
    world.run()
    calls = list(world.forge.calls)
    world.begin()
    world.run(LONG)
    assert world.forge.calls == calls
    world.push(B)
    world.run()
    assert "`bbbbbbb`" in world.text


@pytest.mark.parametrize("fate", [one for one in Fate if one is not Fate.GOOD])
@pytest.mark.parametrize("step", range(8))
def test_whatever_fails_or_dies_at_a_step_there_is_one_comment(fate: Fate, step: int) -> None:
    world = TellingWorld(tell=("comment", "status", "deployment"))
    world.push()
    world.forge.mishaps.plan([*[Fate.GOOD] * step, fate])
    world.run(LONG)
    world.push(B)
    world.run(LONG)
    assert world.forge.mishaps.met == 1
    assert "`bbbbbbb`" in world.text
    assert world.forge.status(B) is not None
    of = [one for one, _ in world.forge.deployments.made.values()]
    assert sorted(one.sha for one in of) == [A, B]


@pytest.mark.parametrize("fate", [Fate.DIES_BEFORE, Fate.DIES_AFTER, Fate.REFUSED])
@pytest.mark.parametrize("step", range(2))
def test_whatever_dies_while_it_stores_what_was_said_there_is_one_comment(
    fate: Fate, step: int
) -> None:
    world = TellingWorld()
    world.push()
    world.driven.mishaps.plan([*[Fate.GOOD] * step, fate])
    world.run(LONG)
    world.push(B)
    world.run(LONG)
    assert "`bbbbbbb`" in world.text
    assert world.record.delivered.comment == world.forge.comments[0].id


def refusing(world: TellingWorld, call: str, error: ForgeError) -> None:
    world.forge.refuse = lambda came: error if came == call else None


@pytest.mark.parametrize("status", [400, 409, 410, 422])
def test_what_the_forge_does_not_take_is_not_repeated(world: TellingWorld, status: int) -> None:
    refusing(world, "add comment", ForgeRefused(API, status, "Locked.", "Unlock."))
    world.push()
    world.run(LONG)
    assert world.forge.calls.count("add comment") == 1
    assert world.record.delivered.problems == {"comment": "Locked."}
    assert world.forge.status(A) is not None
    world.begin()
    world.run(LONG)
    assert world.forge.calls.count("add comment") == 1
    world.forge.refuse = lambda _: None
    world.push(B)
    world.run()
    assert "bbbbbbb" in world.text
    assert world.record.delivered.problems == {}


def test_what_the_token_may_not_say_waits_longer_and_longer_and_the_rest_is_said(
    world: TellingWorld,
) -> None:
    refusing(world, "set status", ForgeRefused(API, 403, "It may not.", "See docs."))
    world.push()
    world.run(3600)
    assert world.forge.calls.count("set status") == 6  # 0, 1, 3, 7, 15, 31 minutes
    assert world.text
    assert world.delivery_problems == ["It may not. See docs."]
    world.forge.refuse = lambda _: None
    world.run(LONG)
    assert world.forge.status(A) is not None
    assert world.delivery_problems == []


def test_a_problem_ends_with_what_it_is_about(world: TellingWorld) -> None:
    refusing(world, "set status", ForgeRefused(API, 403, "It may not.", "See docs."))
    world.push()
    world.run()
    assert world.delivery_problems != []
    world.close()
    world.run()
    assert world.delivery_problems == []


def test_a_busy_forge_hears_nothing_until_then(world: TellingWorld) -> None:
    refusing(world, "set status", ForgeBusy(API, 90))
    world.push()
    world.push(B, number=8)
    world.run(90)
    assert world.forge.calls == ["set status"]
    world.forge.refuse = lambda _: None
    world.run()
    assert (len(world.forge.of(7)), len(world.forge.of(8))) == (1, 1)


@pytest.mark.parametrize(
    "error",
    [ForgeUnreachable(API, "is away"), ForgeRefused(API, 401, "It has ended.", "Give another.")],
)
def test_a_forge_that_is_away_is_asked_less_and_less(
    world: TellingWorld, error: ForgeError
) -> None:
    world.forge.refuse = lambda _: error
    world.push()
    world.run(3600)
    assert 8 <= len(world.forge.calls) <= 13
    world.forge.refuse = lambda _: None
    world.run(700)
    assert world.text


def test_one_thing_that_always_fails_does_not_keep_the_others(world: TellingWorld) -> None:
    refusing(world, "add comment", ForgeUnreachable(API, "answered with the status 500"))
    world.push()
    world.push(B, number=8)
    world.run(600)
    assert {one.sha for one in world.forge.statuses} == {A, B}


def test_nothing_is_said_while_it_cannot_be_stored(world: TellingWorld) -> None:
    world.push()
    world.driven.step(StoreSuspended())
    world.run(300)
    assert world.forge.calls == []
    world.driven.step(StoreResumed())
    world.run(600)
    assert world.text


def test_what_waits_is_counted(world: TellingWorld) -> None:
    refusing(world, "add comment", ForgeRefused(API, 403, "It may not.", "See docs."))
    world.push()
    world.run(5)
    value = world.registry.get_sample_value
    assert value("prevs_forge_updates_pending") == 1
    assert value("prevs_forge_updates_total", {"part": "status", "outcome": "said"}) == 1
    assert value("prevs_forge_updates_total", {"part": "comment", "outcome": "refused"}) == 1


NUMBERS = st.sampled_from([7, 8])
STEPS = st.one_of(
    # No commit is the head of both: it has one status.
    st.tuples(st.just("push"), st.just(7), st.sampled_from([A, B])),
    st.tuples(st.just("push"), st.just(8), st.sampled_from([C, "d" * 40])),
    st.tuples(st.just("close"), NUMBERS, st.just(A)),
    st.tuples(st.just("wait"), st.integers(1, 30), st.just("")),
    st.tuples(st.just("die"), st.just(0), st.just("")),
    st.tuples(st.just("fate"), st.integers(0, 3), st.sampled_from(list(Fate))),
    st.tuples(st.just("store"), st.integers(0, 2), st.sampled_from(list(Fate))),
)


def reopen(stores: int) -> list[tuple[str, int, str | Fate]]:
    """A leader dies when it has said that a pull is closed, and before it can store that."""
    return [
        ("push", 7, B),
        ("wait", 6, ""),
        ("store", stores, Fate.DIES_BEFORE),
        ("close", 7, A),
        ("wait", 6, ""),
    ]


@pytest.mark.timeout(600)  # for its examples at night
@example(reopen(1))
@example(reopen(2))
@example(reopen(3))
@given(st.lists(STEPS, max_size=12))
def test_any_order_loss_and_failure_ends_with_one_comment_with_the_right_text(
    steps: list[tuple[str, int, str | Fate]],
) -> None:
    world = TellingWorld()
    for what, number, given_ in steps:
        try:
            _step(world, what, number, given_)
        except Died:
            world.begin()
    for mishaps in (world.forge.mishaps, world.driven.mishaps):
        mishaps.plan([])
    world.begin()
    for number, sha in ((7, B), (8, C)):
        world.push(sha, number=number)
    world.run(3 * 3600)
    for number, sha in ((7, B), (8, C)):
        (comment,) = world.forge.of(number)
        snapshot = world.driven.service.snapshot
        facts = wanted.find_facts(
            snapshot, snapshot.pulls["hello"][number], registry.find_abilities
        )
        assert facts is not None
        assert comment.text == wanted.find_wanted(facts, WORDING).comment
        assert f"`{names.short(sha)}`" in comment.text
        status = world.forge.status(sha)
        assert status is not None
        assert status.text == f"opens at pr-{number}"


def _step(world: TellingWorld, what: str, number: int, given_: str | Fate) -> None:
    match what:
        case "push":
            world.push(str(given_), number=number)
        case "close":
            world.see(pull(A if number == 7 else C, number=number)._replace(is_open=False))
        case "wait":
            world.run(number)
        case "die":
            world.begin()
        case "fate" if isinstance(given_, Fate):
            world.forge.mishaps.plan([*[Fate.GOOD] * number, given_])
        case "store" if isinstance(given_, Fate):
            world.driven.mishaps.plan([*[Fate.GOOD] * number, given_])
