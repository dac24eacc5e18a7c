"""The queue of callbacks: each is tried until it is taken, refused or an hour old, and none waits
for another one's failures."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from framework.jobs.queued_jobs import JobKey
from framework.notifications.callback_queue import AT_ONCE, CallbackQueue, Target
from framework.notifications.outbox import LASTS_SECONDS, Fate

CI, CHAT = Target("shop", "ci"), Target("shop", "chat")
A, B, C = ("shop", "a"), ("shop", "b"), ("shop", "c")


def queue_of(*keys: JobKey, receiver: str = "ci") -> CallbackQueue:
    queue = CallbackQueue()
    queue.update(dict.fromkeys(keys, receiver), 0.0)
    return queue


def test_a_callback_that_is_taken_or_refused_does_not_come_again() -> None:
    queue = queue_of(A, B)
    assert queue.begin(0.0, 9) == [(A, CI), (B, CI)]
    assert queue.begin(0.0, 9) == []
    assert queue.end(A, 1.0, Fate.TAKEN, status=204)
    assert queue.end(B, 1.0, Fate.REFUSED, status=400)
    # Until the service has written that, the jobs are due as before.
    queue.update({A: "ci", B: "ci"}, 2.0)
    assert queue.begin(1e9, 9) == []
    assert queue.expire(1e9) == []
    queue.update({}, 3.0)
    queue.update({A: "ci"}, 4.0)
    assert queue.begin(4.0, 9) == [(A, CI)]


def test_a_callback_is_tried_for_an_hour_ever_more_rarely() -> None:
    queue, now, tries = queue_of(A), 0.0, []
    while not queue.expire(now):
        if queue.begin(now, 9):
            tries.append(now)
            assert not queue.end(A, now, Fate.FAILED, status=500)
        now += 1.0
    assert now == LASTS_SECONDS
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, *[600.0] * 4]
    assert queue.begin(now, 9) == []


def test_one_callback_that_fails_holds_up_no_other() -> None:
    queue = queue_of(A, B)
    queue.begin(0.0, 1)
    queue.end(A, 0.0, Fate.FAILED, status=500)
    assert queue.begin(0.0, 9) == [(B, CI)]
    queue.end(B, 3.0, Fate.FAILED, status=503)
    assert queue.find_next(A) == 8.0, "the receiver is left alone with it, too"


def test_a_receiver_that_is_away_is_left_alone_until_one_try_shows_that_it_is_back() -> None:
    queue = queue_of(A, B, C)
    queue.begin(0.0, 1)
    queue.end(A, 0.0, Fate.FAILED, status=None)
    queue.update({A: "ci", B: "ci", C: "ci", ("shop", "d"): "chat"}, 0.0)
    assert queue.begin(4.9, 9) == [(("shop", "d"), CHAT)], "another receiver has its own turn"
    assert queue.begin(5.0, 9) == [(B, CI)]
    queue.end(B, 5.0, Fate.FAILED, status=503)
    assert queue.begin(14.9, 9) == []
    assert queue.begin(15.0, 9) == [(C, CI)]
    queue.end(C, 15.0, Fate.TAKEN, status=200)
    assert queue.begin(15.0, 9) == [(A, CI), (B, CI)]


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    queue = queue_of(A, B)
    queue.begin(0.0, 1)
    queue.end(A, 0.0, Fate.FAILED, status=429, wait=30.0)
    assert queue.find_next(A) == 30.0
    assert queue.begin(29.9, 9) == []
    assert queue.begin(30.0, 9) == [(B, CI)]


def test_a_receiver_gets_only_so_many_at_a_time() -> None:
    keys = [("shop", f"{number:02}") for number in range(AT_ONCE + 5)]
    queue = queue_of(*keys)
    assert [key for key, _ in queue.begin(0.0, 99)] == keys[:AT_ONCE]
    queue.update({**dict.fromkeys(keys, "ci"), A: "chat"}, 1.0)
    assert queue.begin(1.0, 99) == [(A, CHAT)]
    queue.end(keys[0], 1.0, Fate.TAKEN, status=204)
    assert queue.begin(1.0, 99) == [(keys[AT_ONCE], CI)]


def test_a_job_that_is_gone_while_it_is_told_is_forgotten_afterwards() -> None:
    queue = queue_of(A)
    queue.begin(0.0, 9)
    queue.update({}, 0.0)
    queue.end(A, 0.0, Fate.FAILED, status=500)
    for _ in range(2):
        assert queue.begin(1e9, 9) == []
        assert queue.expire(1e9) == []
        queue.update({}, 0.0)


_ANSWERS = st.sampled_from(
    [(Fate.TAKEN, 204), (Fate.REFUSED, 400), (Fate.FAILED, 500), (Fate.FAILED, None)]
)


@given(
    answers=st.lists(_ANSWERS, max_size=40),
    jobs=st.integers(1, 12),
    pauses=st.lists(st.floats(0.0, 300.0), max_size=40),
)
def test_each_callback_ends_once(
    answers: list[tuple[Fate, int | None]], jobs: int, pauses: list[float]
) -> None:
    due = {("shop", str(number)): "ci" if number % 2 else "chat" for number in range(jobs)}
    queue, now = CallbackQueue(), 0.0
    ends: Counter[JobKey] = Counter()
    for pause in (*pauses, *itertools.repeat(30.0, 150)):
        queue.update(due, now)
        ends.update(key for key, _ in queue.expire(now))
        for key, to in queue.begin(now, 3):
            assert to == Target("shop", due[key])
            assert not ends[key], "told again after its end"
            fate, status = answers.pop() if answers else (Fate.FAILED, 503)
            ends.update([key] * queue.end(key, now, fate, status=status))
        now += pause
    assert ends == Counter(due.keys())
