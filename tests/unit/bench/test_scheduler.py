from bench import scheduler

STAMP = "timestamp=2026-11-25T10:00:{}Z level=info "
LOG = "\n".join(
    (
        STAMP.format("00.000000") + "event=subscribed framework=f-0000 logger=framework.service",
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
