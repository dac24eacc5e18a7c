"""A client does its work again and again, except while somebody keeps it still."""

import threading

from tests.chaos.clients import Client
from tests.waits import wait_until


def test_who_has_its_turn_keeps_a_client_still() -> None:
    count = 0
    done = threading.Event()

    def once() -> None:
        nonlocal count
        count += 1
        done.set()

    client = Client("one", 0.001, once)
    client.start()
    try:
        assert done.wait(10)
        with client.turn:
            before = count
            assert not threading.Event().wait(0.05)
            assert count == before
        wait_until(lambda: count > before, "it goes on")
    finally:
        client.stop()
        client.join(10)
    assert client.failure is None
