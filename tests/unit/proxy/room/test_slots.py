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


def test_addresses_of_one_network_of_ip_6_are_one_client() -> None:
    slots = Slots(5, 1)
    assert slots.enter("2001:db8:1:2::3")
    assert not slots.enter("2001:db8:1:9::9")
    assert slots.enter("2001:db8:2::3")
    slots.leave("2001:db8:1:ffff::1")
    assert slots.enter("2001:db8:1:9::9")
