"""executor/container/oom.py"""

from collections.abc import Iterator, Mapping

import pytest

from executor.container.oom import was_killed_below, was_oom_killed

Event = Mapping[str, object]


def event(action: str, seconds: float) -> Event:
    return {"Action": action, "timeNano": int(seconds * 1e9)}


@pytest.mark.parametrize(
    ("events", "short"),
    [
        ([], None),
        ([event("oom", 1.0)], None),
        ([event("die", 1.0)], False),
        ([event("oom", 1.0), event("die", 1.1)], True),
        ([event("oom", 1.0), event("die", 12.0)], False),
        ([event("oom", 1.0), event("oom", 11.0), event("die", 12.0)], True),
        ([event("die", 1.0), event("oom", 1.1)], True),
    ],
)
def test_an_end_counts_as_out_of_memory_if_memory_was_short_just_before(
    events: list[Event], short: bool | None
) -> None:
    assert was_oom_killed(events, late=True) is short


def test_a_decisive_sign_ends_the_wait() -> None:
    def events(*actions: str, code: int = 1) -> Iterator[Event]:
        for seconds, action in enumerate(actions):
            yield {**event(action, seconds), "Actor": {"Attributes": {"exitCode": str(code)}}}
        pytest.fail("it waits for more")

    assert was_oom_killed(events("oom", "die"), late=True) is True
    assert was_oom_killed(events("die"), late=False) is False
    assert was_oom_killed(events("die", code=0), late=True) is False


V2 = "low 0\nhigh 0\nmax 41\noom 3\noom_kill {}\noom_group_kill 0\n"
V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"


@pytest.mark.parametrize(
    ("code", "before", "after", "killed"),
    [
        (137, V2.format(2), V2.format(3), True),
        (137, V2.format(2), V2.format(2), False),
        # Another container below that group may have been killed.
        (143, V2.format(2), V2.format(3), False),
        (1, V2.format(2), V2.format(3), False),
        # The count before is not known, or the group above is gone too.
        (137, "", V2.format(3), False),
        (137, V2.format(2), "", False),
        (137, V1, V1, False),
    ],
)
def test_with_v2_a_killed_container_is_found_by_the_count_of_the_group_above(
    code: int, before: str, after: str, killed: bool
) -> None:
    assert was_killed_below(code, before, after) is killed
