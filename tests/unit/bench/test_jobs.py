"""The results of bench/jobs."""

import json

from bench.harness.command_line import check
from bench.jobs import report, small_job
from bench.jobs.__main__ import Scale, measure_bursts
from bench.jobs.own_jobs import Once
from bench.jobs.queue_alone import FEW, Alone
from bench.jobs.report import FLOOR, OURS, Outcome

SINGLES = [Once(begins / 100, begins / 100 + 0.2) for begins in range(1, 101)]
RATES = {FLOOR: 4.0, OURS: 3.2, "Celery": 3.0, "RQ": 2.0}
OUTCOME = Outcome(RATES, SINGLES, Alone(50.0, 4.0))


def test_the_rate_is_that_of_all_rounds_and_every_other_round_goes_the_other_way_round() -> None:
    took = {FLOOR: iter((1.0, 3.0)), OURS: iter((5.0, 5.0))}
    turns = []

    def burst(name: str, count: int) -> float:
        turns.append((name, count))
        return next(took[name])

    ways = {name: lambda count, name=name: burst(name, count) for name in took}
    found = measure_bursts(Scale(2, (FLOOR, OURS), 10, 0, FEW, quiet=0.0), ways)
    assert found == {FLOOR: 5.0, OURS: 2.0}
    assert turns == [(FLOOR, 10), (OURS, 10), (OURS, 10), (FLOOR, 10)]


def test_every_measurement_and_whether_each_aim_is_met_are_in_the_tables() -> None:
    lines = report.lines(OUTCOME)
    for name in RATES:
        assert any(name in line for line in lines)
    assert [line.split("|")[-2].strip() for line in lines[-3:]] == ["met", "met", "met"]
    slow = Outcome({**RATES, OURS: 3.0}, [Once(1.5, 2.0)], Alone(50.0, 6.0))
    assert [line.split("|")[-2].strip() for line in report.lines(slow)[-3:]] == ["missed"] * 3


def test_the_figures_are_numbers_by_name() -> None:
    found = report.figures(OUTCOME)
    check(found)
    assert json.loads(json.dumps(found))["of_docker"] == 0.8
    assert (found["begins_ms_p50"], found["begins_ms_p99"]) == (510.0, 1000.0)


def test_all_that_are_compared_run_the_same_container() -> None:
    words = small_job.docker_run("unix:///d.sock", "image", small_job.COMMAND)
    assert words[-2:] == ["image", "true"]
    assert "--rm" in words
