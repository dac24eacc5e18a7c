"""executor/container/log_position.py: a log that is read in several reads has every piece once."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.container.log_position import LogPosition, is_stamped

DAY = "2024-05-17T10:20:"
SECOND = 1715941230
"""10:20:30 of that day."""


def piece(seconds: float, text: str) -> bytes:
    """Return a piece as docker sends it; `seconds` from 0 to below 60."""
    return f"{DAY}{seconds:012.9f}Z {text}".encode()


def stamp(written: bytes) -> float:
    return float(written[17:29])


def read(log: list[bytes], position: LogPosition, until: int) -> list[bytes]:
    """Read like docker: pieces from a time on, cut off after `until` in the log."""
    since = position.resume()
    begin = 0 if since is None else since - SECOND + 30
    sent = [written for written in log[:until] if stamp(written) >= begin]
    return [text for written in sent if (text := position.take(written))]


def test_messages_of_the_daemon_are_distinguished_from_the_log() -> None:
    assert is_stamped(piece(30.5, "Error grabbing logs: unexpected EOF\n"))
    assert is_stamped(piece(30.5, ""))
    assert not is_stamped(b"Error grabbing logs: unexpected EOF\n")
    assert not is_stamped(b"")


def test_a_log_that_was_rotated_meanwhile_loses_no_new_piece() -> None:
    position = LogPosition()
    for number in range(5):
        position.take(piece(30.1, f"{number}\n"))
    position.resume()
    assert position.take(piece(30.2, "new\n")) == b"new\n"


@given(
    st.lists(st.floats(0, 2.9), max_size=20).map(lambda gaps: list(itertools.accumulate(gaps))),
    st.lists(st.integers(0, 20), max_size=4),
)
def test_no_piece_is_doubled_or_lost_wherever_the_reads_break_off(
    times: list[float], breaks: list[int]
) -> None:
    log = [piece(time, f"{number}\n") for number, time in enumerate(times) if time < 59]
    position = LogPosition()
    got: list[bytes] = []
    for until in [*sorted(breaks), len(log)]:
        got += read(log, position, until)
    assert got == [f"{number}\n".encode() for number in range(len(log))]
    assert position.taken == len(log)


@pytest.mark.parametrize("early", [30.6, 30.0])
def test_a_piece_that_comes_out_of_order_is_kept(early: float) -> None:
    position = LogPosition()
    log = [piece(30.7, "a\n"), piece(early, "b\n"), piece(30.8, "c\n"), piece(30.75, "d\n")]
    assert read(log, position, 2) == [b"a\n", b"b\n"]
    assert read(log, position, 4) == [b"c\n", b"d\n"]
