import contextlib

from proxy.room.slots import Slots


def test_one_client_has_so_many_and_all_have_so_many_together() -> None:
    slots = Slots(5, 2)
    with contextlib.ExitStack() as held:

        def take(client: str) -> bool:
            return held.enter_context(slots.take(client))

        assert [take("a"), take("a"), take("a")] == [True, True, False]
        assert [take("b"), take("b"), take("c"), take("d")] == [True, True, True, False]
    with slots.take("d") as has_one:
        assert has_one


def test_a_place_is_free_again_when_its_answer_has_ended_or_failed() -> None:
    slots = Slots(1, 1)
    with contextlib.suppress(OSError), slots.take("a"):
        raise OSError
    with slots.take("a") as has_one:
        assert has_one
