"""The store of unacknowledged updates."""

import base64
import threading
from typing import Any

import pytest

from driver.updates import Updates


def update(number: int) -> dict[str, Any]:
    """Return an update with a uuid made of a number."""
    return {"n": number, "uuid": base64.b64encode(bytes([number] * 16)).decode()}


@pytest.fixture
def updates() -> Updates:
    return Updates()


def test_updates_are_handed_out_in_order_until_they_are_sent(updates: Updates) -> None:
    updates.set_linked(True)
    updates.add(update(1))
    updates.add(update(2))
    assert updates.next_unsent() == update(1)
    assert updates.next_unsent() == update(1)
    updates.mark_sent(update(1))
    assert updates.next_unsent() == update(2)


def test_a_subscription_carries_every_unacknowledged_update_e1(updates: Updates) -> None:
    """E1: whether or not it was sent before."""
    for number in (1, 2, 3):
        updates.add(update(number))
    updates.mark_sent(update(1))
    updates.acknowledge(update(2)["uuid"])
    assert updates.carry() == [update(1), update(3)]
    assert updates.carry() == [update(1), update(3)]


def test_updates_of_a_subscription_are_not_sent_a_second_time(updates: Updates) -> None:
    updates.set_linked(True)
    updates.add(update(1))
    updates.carry()
    updates.add(update(2))
    assert updates.next_unsent() == update(2)


def test_a_uuid_is_compared_by_its_bytes_not_by_its_text(updates: Updates) -> None:
    updates.add(update(1))
    updates.acknowledge(update(1)["uuid"] + "\n")
    assert updates.wait_empty(0)


def test_nothing_is_handed_out_without_a_link_and_closing_the_store_ends_the_wait() -> None:
    updates = Updates()
    updates.add(update(1))
    results: list[Any] = []
    reader = threading.Thread(target=lambda: results.append(updates.next_unsent()))
    reader.start()
    updates.close()
    reader.join(60)
    assert results == [None]
    updates.wait_closed(3600)


def test_an_unexpected_acknowledgement_is_not_an_error(updates: Updates) -> None:
    updates.acknowledge(update(9)["uuid"])
    updates.mark_sent(update(9))
    assert updates.wait_empty(0)


def test_the_store_is_empty_only_when_all_is_acknowledged(updates: Updates) -> None:
    updates.add(update(1))
    assert not updates.wait_empty(0)
    updates.mark_sent(update(1))
    assert not updates.wait_empty(0)
    updates.acknowledge(update(1)["uuid"])
    assert updates.wait_empty(0)
