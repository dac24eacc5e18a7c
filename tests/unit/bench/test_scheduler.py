import pytest

from bench import scheduler

STAMP = "timestamp=2026-11-25T10:00:{}Z level=info "
LOG = "\n".join(
    (
        STAMP.format("00.000000")
        + "event=subscribed framework=f-0000 logger=framework.service.service",
        STAMP.format("00.500000") + 'event="preview changed" app=a before=queued now=placed why=x',
        STAMP.format("02.000000") + 'event="preview changed" app=b before=queued now=placed why=x',
        STAMP.format("02.250000") + 'event="preview changed" app=a before=placed now=running',
        STAMP.format("04.000000") + 'event="preview changed" app=b before=placed now=running',
        STAMP.format("09.000000") + 'event="something else" now=running',
    )
)


def test_times_are_read_from_the_log_of_the_framework() -> None:
    times = scheduler.read_times(LOG)
    begun = times["subscribed"][0]
    assert [at - begun for at in times["placed"]] == [0.5, 2.0]
    assert [at - begun for at in times["running"]] == [2.25, 4.0]


def test_launches_are_counted_until_the_last_and_from_the_subscription_on() -> None:
    assert scheduler.judge(scheduler.read_times(LOG)) == {
        "launches_per_s": 1.0,
        "all_running_s": 4.0,
    }


@pytest.mark.parametrize(
    "line",
    [
        'level=warning event="the settings of a commit cannot be used" app=a why="No such thing"',
        'level=warning event="an attempt ended by itself" app=a why="No such thing"',
        'level=info event="preview changed" app=a before=placed now=failed why="No such thing"',
        'level=error event="secrets cannot be opened" app=a why="No such thing"',
    ],
)
def test_a_preview_that_does_not_start_is_found_with_its_reason(line: str) -> None:
    assert scheduler.find_problem(LOG) is None
    assert scheduler.find_problem(f"{LOG}\ntimestamp=x {line}\n{LOG}") == f"timestamp=x {line}"
