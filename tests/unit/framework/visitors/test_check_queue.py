"""framework/visitors/check_queue.py: whose password is checked next."""

from hypothesis import given
from hypothesis import strategies as st

from framework.visitors.check_queue import AT_A_TIME, MOST_WAITING, REMEMBERED_S, CheckQueue, Ticket
from tests.fakes.clock import FakeClock

_CROWD = tuple(f"203.0.113.{number}" for number in range(20))


def end(queue: CheckQueue, started: list[Ticket]) -> list[Ticket]:
    """End the oldest check as wrong; return those under way."""
    queue.leave(started[0], is_wrong=True)
    return [*started[1:], *queue.start()]


def test_who_has_not_failed_is_checked_next_while_20_addresses_send_60_wrong_passwords() -> None:
    queue = CheckQueue(FakeClock().read)
    started = []
    for number in range(60):
        queue.join(_CROWD[number % len(_CROWD)])
        started += queue.start()
    mine, lost = queue.join("198.51.100.1")
    assert lost is not None
    assert (lost.client in _CROWD, queue.is_running(mine)) == (True, False)
    assert mine in end(queue, started)


def test_clients_take_turns() -> None:
    queue = CheckQueue(FakeClock().read)
    for client in "aaabbbccc":
        queue.join(client)
    started = queue.start()
    order = [one.client for one in started]
    while started:
        before = set(started)
        started = end(queue, started)
        order += [one.client for one in started if one not in before]
    assert [sorted(order[at : at + 3]) for at in (0, 3, 6)] == [["a", "b", "c"]] * 3


def test_a_wrong_password_counts_for_minutes() -> None:
    clock = FakeClock()
    queue = CheckQueue(clock.read)
    queue.leave(queue.join("a")[0], is_wrong=True)
    held = [queue.join(client)[0] for client in ("x", "y")]
    assert queue.start() == held
    first, second = queue.join("a")[0], queue.join("b")[0]
    queue.leave(held[0], is_wrong=False)
    assert queue.start() == [second]
    queue.leave(second, is_wrong=False)
    queue.join("b")
    clock.pass_seconds(REMEMBERED_S)
    assert queue.start() == [first]


def test_a_full_queue_loses_the_newest_of_who_has_most() -> None:
    queue = CheckQueue(FakeClock().read)
    for client in ("x", "y"):
        queue.join(client)
    queue.start()
    crowd = [queue.join("a")[0] for _ in range(MOST_WAITING)]
    assert queue.join("b")[1] == crowd[-1]
    assert queue.join("c")[1] == crowd[-2]
    again, lost = queue.join("a")
    assert lost == again


def test_a_full_queue_of_clients_that_have_not_failed_refuses_the_next() -> None:
    queue = CheckQueue(FakeClock().read)
    for number in range(AT_A_TIME + MOST_WAITING):
        queue.join(str(number))
        queue.start()
    mine, lost = queue.join("one more")
    assert lost == mine


@given(
    st.lists(st.one_of(st.sampled_from(_CROWD), st.integers(0, 90), st.just("ends")), max_size=150),
    st.integers(0, 4),
)
def test_whatever_those_do_who_failed_another_waits_for_the_checks_under_way(
    events: list[str | int], others: int
) -> None:
    """Of other clients, only those count who have not failed and wait as well."""
    clock = FakeClock()
    queue = CheckQueue(clock.read)
    for client in _CROWD:
        queue.leave(queue.join(client)[0], is_wrong=True)
    started: list[Ticket] = []
    for event in events:
        if isinstance(event, int):
            clock.pass_seconds(event / 90)
        elif event != "ends":
            queue.join(event)
        elif started:
            started = end(queue, started)
        started += queue.start()
    ahead = [queue.join(f"198.51.100.{number}")[0] for number in range(others)]
    mine, lost = queue.join("192.0.2.1")
    started += queue.start()
    assert lost != mine
    ended = 0
    while not queue.is_running(mine):
        queue.join(_CROWD[ended % len(_CROWD)])
        started = end(queue, started)
        ended += 1
    assert ended <= 1 + len(ahead)
    assert len(started) <= AT_A_TIME
