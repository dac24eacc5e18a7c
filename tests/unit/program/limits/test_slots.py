"""program/limits/slots.py: how many requests a client has open, and all together."""

import contextlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from program.limits.slots import Slots


def test_one_client_has_so_many_and_all_have_so_many_together() -> None:
    slots = Slots(2, in_all=5)
    with contextlib.ExitStack() as held:

        def take(client: str) -> bool:
            return held.enter_context(slots.take(client))

        assert [take("a"), take("a"), take("a")] == [True, True, False]
        assert [take("b"), take("b"), take("c"), take("d")] == [True, True, True, False]
    with slots.take("d") as has_one:
        assert has_one


def test_a_slot_is_free_again_when_its_answer_has_ended_or_failed() -> None:
    slots = Slots(1)
    with contextlib.suppress(OSError), slots.take("a"):
        raise OSError
    with slots.take("a") as has_one:
        assert has_one


def test_without_a_limit_for_all_one_client_never_takes_the_slots_of_another() -> None:
    slots = Slots(1)
    assert [slots.enter(str(client)) for client in range(1000)] == [True] * 1000
    assert not slots.enter("0")


STEPS = st.lists(st.tuples(st.sampled_from(["enter", "leave"]), st.sampled_from("abc")))


@given(st.integers(0, 3), st.none() | st.integers(0, 6), STEPS)
def test_a_slot_is_refused_exactly_while_a_limit_is_reached(
    each: int, in_all: int | None, steps: list[tuple[str, str]]
) -> None:
    slots, held = Slots(each, in_all), Counter[str]()
    for step, client in steps:
        if step == "enter":
            is_free = held[client] < each and (in_all is None or held.total() < in_all)
            assert slots.enter(client) is is_free
            held[client] += is_free
        elif held[client]:
            slots.leave(client)
            held[client] -= 1
