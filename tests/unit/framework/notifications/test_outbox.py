"""The outbox: order, pauses, limits, and that nobody waits for somebody else."""

import itertools
from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from framework.apps.receivers import Receiver
from framework.notifications import outbox
from framework.notifications.outbox import AppReceiver, Fate, Message, Outbox, find_pause

A, B, C = (
    AppReceiver("shop", Receiver(name, "https://a.example/", "whsec_", created=1.0))
    for name in "abc"
)


def message(number: int, at: float = 0.0) -> Message:
    return Message(str(number), at, {})


def test_a_receiver_gets_one_message_after_the_other() -> None:
    box = Outbox()
    for number in range(3):
        box.put(A, message(number))
    assert box.begin(0.0, 9) == [(A, message(0))]
    assert box.begin(0.0, 9) == []
    box.end(A, 0.0, Fate.TAKEN)
    assert box.begin(0.0, 9) == [(A, message(1))]
    box.end(A, 0.0, Fate.REFUSED)
    assert box.begin(0.0, 9) == [(A, message(2))]
    box.end(A, 0.0, Fate.TAKEN)
    assert (box.begin(0.0, 9), box.count(A)) == ([], 0)


def test_a_message_is_tried_for_an_hour_ever_more_rarely() -> None:
    box, now, tries = Outbox(), 0.0, []
    box.put(A, message(0))
    while box.count(A):
        if box.begin(now, 9):
            tries.append(now)
            box.end(A, now, Fate.FAILED)
        now += 1.0
        box.expire(now)
    assert now == outbox.LASTS_SECONDS
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, *[600.0] * 4]


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    box = Outbox()
    box.put(A, message(0))
    box.begin(0.0, 9)
    box.end(A, 0.0, Fate.FAILED, wait=30.0)
    assert box.begin(29.9, 9) == []
    assert box.begin(30.0, 9) == [(A, message(0))]


def test_of_too_many_the_oldest_is_dropped_but_never_the_one_that_is_sent() -> None:
    box = Outbox()
    dropped = [box.put(A, message(number)) for number in range(outbox.MOST + 1)]
    assert dropped == [*[False] * outbox.MOST, True]
    assert box.begin(0.0, 9) == [(A, message(1))]
    assert box.put(A, message(1000))
    box.end(A, 0.0, Fate.TAKEN)
    assert box.begin(0.0, 9) == [(A, message(3))]
    assert box.put(B, message(0)) is False


def test_what_waits_for_a_removed_receiver_is_forgotten_also_while_it_is_sent() -> None:
    box = Outbox()
    box.put(A, message(0))
    box.put(B, message(0))
    box.begin(0.0, 1)
    box.keep({B})
    box.end(A, 0.0, Fate.TAKEN)
    assert (box.count(A), box.count(B)) == (0, 1)


def test_those_that_have_waited_longest_come_first_when_there_is_no_room_for_all() -> None:
    box = Outbox()
    for to in (A, B, C):
        box.put(to, message(0))
        box.put(to, message(1))
    assert [to for to, _ in box.begin(1.0, 2)] == [A, B]
    box.end(A, 1.0, Fate.TAKEN)
    assert [to for to, _ in box.begin(1.0, 1)] == [C]


@given(failures=st.integers(1, 10_000))
def test_pauses_grow_to_a_limit(failures: int) -> None:
    assert outbox.FIRST_PAUSE <= find_pause(failures) <= find_pause(failures + 1)
    assert find_pause(failures + 1) <= outbox.LONGEST_PAUSE


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([A, B, C])),
        st.tuples(st.just("begin"), st.integers(0, 3)),
        st.tuples(st.just("end"), st.sampled_from([Fate.TAKEN, Fate.FAILED, Fate.REFUSED])),
        st.tuples(st.just("pass"), st.floats(0.1, 2000.0)),
    ),
    max_size=300,
)


@given(steps=_STEPS)
def test_each_message_has_one_fate_and_each_receiver_its_order(
    steps: list[tuple[str, object]],
) -> None:
    box, now, number = Outbox(), 0.0, 0
    put: Counter[AppReceiver] = Counter()
    gone: Counter[AppReceiver] = Counter()
    sent: dict[AppReceiver, list[Message]] = defaultdict(list)
    busy: dict[AppReceiver, Message] = {}
    for step, value in steps:
        if step == "put" and isinstance(value, AppReceiver):
            number += 1
            put[value] += 1
            gone[value] += box.put(value, message(number, now))
        elif step == "begin" and isinstance(value, int):
            gone.update(box.expire(now))
            for to, one in box.begin(now, value):
                assert to not in busy
                assert now - one.at < outbox.LASTS_SECONDS
                busy[to] = one
                sent[to].append(one)
        elif step == "end" and isinstance(value, Fate) and busy:
            to, _ = busy.popitem()
            gone[to] += value is not Fate.FAILED
            box.end(to, now, value)
        elif isinstance(value, float):
            now += value
    for to in (A, B, C):
        assert put[to] == gone[to] + box.count(to)
        order = [int(one.id) for one in sent[to]]
        assert order == sorted(order)


@given(failures=st.integers(0, 30), now=st.floats(0.0, 1e6))
def test_a_receiver_that_fails_delays_no_other(failures: int, now: float) -> None:
    box = Outbox()
    box.put(A, message(0, now))
    for _ in range(failures):
        if box.begin(now, 9):
            box.end(A, now, Fate.FAILED)
    box.begin(now, 9)
    box.put(B, message(1, now))
    assert (B, message(1, now)) in box.begin(now, 9)
