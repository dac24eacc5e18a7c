import itertools

import pytest

from framework.forges.turns import NUDGED_SECONDS, Schedule

LONGEST = 300.0


@pytest.mark.parametrize(
    ("ended", "failed", "due"),
    [
        pytest.param(1.0, False, 60.0, id="after its period"),
        pytest.param(99.0, False, 99.0, id="not while it is under way"),
        pytest.param(600.0, True, 720.0, id="after a pause where it hung"),
    ],
)
def test_the_apps_take_turns(ended: float, failed: bool, due: float) -> None:
    table, followed = Schedule(LONGEST), {"one": 60.0, "two": 1e6}
    assert table.begin(followed, 0.0) == ["one", "two"]
    assert table.begin(followed, ended - 0.1) == []
    table.end("one", ended, failed=failed)
    if due > ended:
        assert table.begin(followed, due - 0.1) == []
    assert table.begin(followed, due) == ["one"]


def test_pauses_grow_after_failures_and_nothing_shortens_them() -> None:
    table, turns = Schedule(LONGEST), []
    for second in range(2000):
        table.nudge("one")
        if table.begin({"one": 10.0}, float(second)):
            turns.append(second)
            table.end("one", float(second), failed=True)
    assert turns[:5] == [0, 20, 60, 140, 300]
    assert {later - sooner for sooner, later in itertools.pairwise(turns[4:])} == {300}


def test_a_webhook_brings_the_next_turn_forward_once() -> None:
    table, followed = Schedule(LONGEST), {"one": 60.0}
    table.begin(followed, 0.0)
    table.nudge("one")
    assert table.begin(followed, NUDGED_SECONDS) == []
    table.end("one", NUDGED_SECONDS, failed=False)
    assert table.begin(followed, NUDGED_SECONDS) == ["one"]
    table.end("one", NUDGED_SECONDS + 1, failed=False)
    assert table.begin(followed, NUDGED_SECONDS + 59) == []
    table.nudge("other")
    assert table.begin(followed, NUDGED_SECONDS + 60) == ["one"]
