import asyncio

import pytest

from proxy.framework.usage_report import MOST, UsageReporter
from proxy.model.usage import Count, Source
from tests.fakes.answers import Json
from tests.fakes.router import FakeRouter
from tests.fakes.world import FakeFramework


class Bench:
    """A reporter on a clock that moves two seconds with each turn."""

    def __init__(self) -> None:
        self.now = 0.0
        self.router = FakeRouter()
        self.framework = FakeFramework()
        self.source = Source(("10.0.0.7",), 998)
        self.reporter = UsageReporter(
            self.router,
            self.framework,
            "the-proxy",
            find_source=lambda: self.source,
            clock=lambda: self.now,
            pause=asyncio.sleep,
        )

    def turn(self, times: int = 1) -> list[Json]:
        """Take turns; return the reports in them."""
        before = len(self.framework.world.uses)
        for _ in range(times):
            asyncio.run(self.reporter.turn())
            self.now += 2.0
        return self.framework.world.uses[before:]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_counters_are_reported_with_the_proxys_name(bench: Bench) -> None:
    bench.router.counted = {"a": Count(1, 3)}
    usage = {"task_id": "a", "open": 1, "requests": 3}
    assert bench.turn() == [{"proxy": "the-proxy", "uses": [usage]}]


def test_an_empty_report_is_a_sign_of_life_every_six_seconds_at_least(bench: Bench) -> None:
    assert bench.turn(7) == [{"proxy": "the-proxy", "uses": []}] * 4


def test_a_framework_that_was_away_gets_the_missed_usage(bench: Bench) -> None:
    bench.framework.away = True
    for requests in (2, 3, 7):
        bench.router.counted = {"a": Count(0, requests)}
        assert bench.turn() == []
    bench.framework.away = False
    [report] = bench.turn()
    assert report["uses"] == [{"task_id": "a", "open": 0, "requests": 7}]


def test_signs_of_life_go_on_while_haproxy_is_away(bench: Bench) -> None:
    bench.router.away = True
    assert bench.turn() == [{"proxy": "the-proxy", "uses": []}]


def test_long_reports_are_split_into_several_calls(bench: Bench) -> None:
    bench.router.counted = {f"t{n}": Count(0, 1) for n in range(MOST + 1)}
    reports = bench.turn()
    assert [len(report["uses"]) for report in reports] == [MOST, 1]
    assert len({usage["task_id"] for report in reports for usage in report["uses"]}) == MOST + 1


def test_another_source_is_reported_at_once(bench: Bench) -> None:
    bench.turn()
    bench.source = Source(("10.0.0.7", "10.1.0.7"), 998)
    assert bench.turn() == [{"proxy": "the-proxy", "uses": []}]
    assert bench.turn() == []
    reported = bench.framework.world.known.sources
    assert reported == [(("10.0.0.7",), 998), (("10.0.0.7", "10.1.0.7"), 998)]
