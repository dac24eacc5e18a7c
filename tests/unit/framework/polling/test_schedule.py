"""When repositories are read: by turns, after failures, and after webhooks."""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.git.branch_poller import NUDGED_SECONDS, SELDOM_SECONDS
from framework.polling.schedule import (
    HOOKED_SECONDS,
    HOOKS_LAST_SECONDS,
    LATE_SECONDS,
    Pace,
    PollSchedule,
)

OFTEN = 10.0
PACE = Pace(NUDGED_SECONDS, SELDOM_SECONDS)
FOLLOWED = {"one": OFTEN}


def run(
    table: PollSchedule,
    start: float,
    seconds: float,
    *changes: float,
    followed: Mapping[str, float] = FOLLOWED,
) -> list[float]:
    """Let a second pass at a time; return when the app was read. It changes at some moments."""
    turns = []
    left = list(changes)
    for second in range(int(seconds)):
        now = start + second
        if table.begin(followed, now):
            turns.append(now)
            changed = [one for one in left if one <= now]
            left = [one for one in left if one > now]
            table.end("one", now, failed=False, changed=bool(changed))
    return turns


def gaps(turns: list[float]) -> set[float]:
    return {later - sooner for sooner, later in itertools.pairwise(turns)}


@pytest.mark.parametrize(
    ("period", "ended", "failed", "next_period", "due"),
    [
        pytest.param(10.0, 1.0, False, 10.0, 10.0, id="after its period"),
        pytest.param(300.0, 1.0, False, 10.0, 10.0, id="sooner once it is active"),
        pytest.param(10.0, 99.0, False, 10.0, 99.0, id="not while it is under way"),
        pytest.param(10.0, 600.0, True, 10.0, 620.0, id="after a pause where it hung"),
    ],
)
def test_the_apps_take_turns(
    period: float, ended: float, failed: bool, next_period: float, due: float
) -> None:
    table = PollSchedule(PACE)
    assert table.begin({"one": period, "two": 1e6}, 0.0) == ["one", "two"]
    assert table.begin({"one": period, "two": 1e6}, ended - 0.1) == []
    table.end("one", ended, failed=failed)
    if due > ended:
        assert table.begin({"one": next_period, "two": 1e6}, due - 0.1) == []
    assert table.begin({"one": next_period, "two": 1e6}, due) == ["one"]


def test_an_unreadable_repository_is_tried_with_growing_pauses() -> None:
    table = PollSchedule(PACE)
    turns = []
    for second in range(2000):
        if table.begin({"one": 10.0}, float(second)):
            turns.append(second)
            table.end("one", float(second), failed=True)
    assert turns[:5] == [0, 20, 60, 140, 300]
    assert {later - sooner for sooner, later in itertools.pairwise(turns[4:])} == {300}
    table.begin({"one": 10.0}, 2400.0)
    table.end("one", 2400.0, failed=False)
    assert table.begin({"one": 10.0}, 2410.0) == ["one"]


def test_an_app_that_nobody_follows_is_forgotten() -> None:
    table = PollSchedule(PACE)
    table.begin({"one": 10.0}, 0.0)
    table.end("one", 0.5, failed=True)
    table.begin({}, 1.0)
    assert table.begin({"one": 10.0}, 2.0) == ["one"]


def test_a_webhook_has_the_repository_read_at_once_again_soon_and_then_seldom() -> None:
    table = PollSchedule(PACE)
    assert gaps(run(table, 0.0, 100.0)) == {OFTEN}
    table.nudge("one", 101.0)
    assert run(table, 101.0, 2000.0) == [101.0, 111.0, 711.0, 1311.0, 1911.0]
    assert table.polling("one", OFTEN, 2000.0) == (HOOKED_SECONDS, 1899.0)
    assert table.polling("one", None, 2000.0) == (None, 1899.0)


def test_what_is_read_seldom_is_read_again_soon_after_a_webhook() -> None:
    """Pagure sends a webhook before it has stored what it announces."""
    table, followed = PollSchedule(Pace(10.0, 600.0)), {"one": 60.0}
    assert run(table, 0.0, 100.0, followed=followed) == [0.0, 60.0]
    table.nudge("one", 101.0)
    assert run(table, 101.0, 700.0, followed=followed) == [101.0, 111.0, 171.0, 771.0]
    table.nudge("one", 801.0)
    assert run(table, 801.0, 20.0, 815.0, followed=followed) == [801.0, 811.0]
    table.nudge("one", 821.0)
    assert table.begin(followed, 821.0) == ["one"]
    table.end("one", 821.0, failed=True)
    assert run(table, 831.0, 50.0, followed=followed) == []


def test_many_webhooks_share_a_read_and_one_during_a_read_causes_one_more() -> None:
    table = PollSchedule(PACE)
    for _ in range(50):
        table.nudge("one", 0.0)
    assert table.begin(FOLLOWED, 0.0) == ["one"]
    table.nudge("one", 0.5)
    table.nudge("one", 0.6)
    assert table.begin(FOLLOWED, 30.0) == []  # it is still being read
    table.end("one", 30.0, failed=False)
    assert table.begin(FOLLOWED, 30.0) == ["one"]
    table.end("one", 30.1, failed=False)
    table.nudge("one", 30.2)
    assert table.begin(FOLLOWED, 30.3) == []
    assert table.begin(FOLLOWED, 30.0 + NUDGED_SECONDS) == ["one"]


@pytest.mark.parametrize(
    ("hook", "interval"),
    [
        pytest.param(None, OFTEN, id="no webhook announced it"),
        pytest.param(LATE_SECONDS - 1, HOOKED_SECONDS, id="its webhook came a little later"),
        pytest.param(LATE_SECONDS + 1, OFTEN, id="a webhook came much later"),
    ],
)
def test_a_change_without_a_webhook_ends_the_long_interval(
    hook: float | None, interval: float
) -> None:
    table = PollSchedule(PACE)
    table.nudge("one", 0.0)
    found = run(table, 0.0, 611.0, 300.0)[-1]
    assert found == 610.0
    if hook is not None:
        run(table, found + 1, hook - 1)
        table.nudge("one", found + hook)
    assert gaps(run(table, 1000.0, 4000.0)[2:]) == {interval}
    # A webhook that announces a change shows that they arrive again.
    table.nudge("one", 5001.0)
    run(table, 5001.0, 20.0, 5001.0)
    assert gaps(run(table, 5021.0, 4000.0)[1:]) == {HOOKED_SECONDS}


def test_a_change_that_is_seen_only_some_seconds_after_its_webhook_is_announced() -> None:
    table = PollSchedule(PACE)
    run(table, 0.0, 20.0)
    table.nudge("one", 20.0)
    assert run(table, 20.0, 700.0, 25.0) == [20.0, 30.0, 630.0]


def test_a_day_without_a_webhook_or_a_failure_ends_the_long_interval() -> None:
    table = PollSchedule(PACE)
    table.nudge("one", 0.0)
    run(table, 0.0, 20.0)
    assert table.polling("one", OFTEN, HOOKS_LAST_SECONDS - 1).every == HOOKED_SECONDS
    assert table.polling("one", OFTEN, HOOKS_LAST_SECONDS).every == OFTEN
    assert table.begin(FOLLOWED, 700.0) == ["one"]
    table.end("one", 701.0, failed=True)
    assert table.polling("one", OFTEN, 701.0).every == OFTEN


def test_webhooks_do_not_hasten_the_reads_of_a_repository_that_fails() -> None:
    table = PollSchedule(PACE)
    turns = []
    for second in range(1000):
        table.nudge("one", float(second))
        if table.begin(FOLLOWED, float(second)):
            turns.append(second)
            table.end("one", float(second), failed=True)
    assert turns[:8] == [0, 4, 12, 28, 60, 124, 252, 508]


def test_ten_thousand_resting_repositories_with_webhooks_are_read_six_times_an_hour() -> None:
    names = dict.fromkeys((f"app-{number}" for number in range(10_000)), OFTEN)
    table = PollSchedule(PACE)
    for name in names:
        table.nudge(name, 0.0)
    reads = 0
    for now in range(0, 3700, 50):
        for name in table.begin(names, float(now)):
            reads += now >= 100
            table.end(name, float(now), failed=False)
    assert reads == 6 * len(names)


class Happening(NamedTuple):
    """What happens after some seconds: a push, with the delays of its webhooks, or a failure."""

    after: float
    webhooks: tuple[float, ...]
    is_push: bool
    fails: bool


happenings = st.lists(
    st.builds(
        Happening,
        st.floats(0.0, 900.0),
        st.lists(st.floats(0.0, 900.0), max_size=3).map(tuple),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(happenings)
def test_any_order_loss_and_doubling_of_webhooks_ends_where_polls_alone_end(
    story: list[Happening],
) -> None:
    moments = list(itertools.accumulate(one.after for one in story))
    pushes = [at for at, one in zip(moments, story, strict=True) if one.is_push]
    failures = {int(at) for at, one in zip(moments, story, strict=True) if one.fails}
    sent = sorted(
        at + delay for at, one in zip(moments, story, strict=True) for delay in one.webhooks
    )

    def follow(webhooks: list[float]) -> int:
        """Return the last push that was seen, by number."""
        table, seen = PollSchedule(PACE), 0
        end = int(max([*moments, *sent, 0.0]) + SELDOM_SECONDS + HOOKED_SECONDS + 2)
        last = float("-inf")
        for now in range(end):
            while webhooks and webhooks[0] <= now:
                table.nudge("one", webhooks.pop(0))
            if table.begin(FOLLOWED, float(now)):
                assert now - last >= NUDGED_SECONDS
                last = now
                head = sum(at <= now for at in pushes)
                failed = now in failures
                table.end("one", float(now), failed=failed, changed=not failed and head != seen)
                seen = seen if failed else head
            assert now - last <= HOOKED_SECONDS
        return seen

    assert follow(sent) == follow([]) == len(pushes)
