"""How the link's thread waits."""

import os
import time
from collections.abc import Iterator

import pytest

from driver.connection import wait


@pytest.fixture
def waker() -> Iterator[tuple[int, int]]:
    """The two ends of the pipe by which other threads end a wait."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_notification_ends_one_wait_at_once_and_not_the_next_p21(waker: tuple[int, int]) -> None:
    """P21: otherwise the thread would spin from then on."""
    read_end, write_end = waker
    os.write(write_end, b"some news")
    begun = time.monotonic()
    wait(read_end, None, 30.0)
    assert time.monotonic() - begun < 15
    begun = time.monotonic()
    wait(read_end, None, 0.05)
    assert time.monotonic() - begun >= 0.05
