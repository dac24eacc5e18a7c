"""executor/container/oom.py"""

from collections.abc import Iterator, Mapping

import pytest

from executor.container.oom import was_oom_killed

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
    def events(*actions: str) -> Iterator[Event]:
        for seconds, action in enumerate(actions):
            yield event(action, seconds)
        pytest.fail("it waits for more")

    assert was_oom_killed(events("oom", "die"), late=True) is True
    assert was_oom_killed(events("die"), late=False) is False
