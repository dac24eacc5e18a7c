"""The results of the bench: tables for people, and a line for programs."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.harness import page
from bench.harness.machine import Load
from bench.harness.page import milliseconds
from bench.jobs.own_jobs import Once
from bench.jobs.queue_alone import Alone
from bench.jobs.small_job import PLACES

FLOOR, OURS = "docker run", "prevs"
_SHARE, _BEGINS, _ALONE = 0.8, 1.0, 200.0
"""The aims: of docker's rate; seconds to the command; jobs that the framework alone can place."""


class Outcome(NamedTuple):
    """Jobs a second by way, single jobs of ours, and the framework alone."""

    rates: Mapping[str, float]
    singles: Sequence[Once]
    alone: Alone

    @property
    def share(self) -> float:
        """How fast ours are; docker by hand is 1."""
        return self.rates[OURS] / self.rates[FLOOR]


def lines(outcome: Outcome) -> list[str]:
    """Return everything as Markdown tables."""
    floor = outcome.rates[FLOOR]
    rates = [
        (f"**{name}**" if name == OURS else name, f"{rate:.2f}", f"{rate / floor:.2f}")
        for name, rate in outcome.rates.items()
    ]
    begins, ended = _times(outcome.singles)
    times = [("its command begins", *_shown(begins)), ("its end is known", *_shown(ended))]
    return [
        *page.table(("", "jobs/s", "of docker run"), rates),
        *("", "One job at a time, from its request:", ""),
        *page.table(("until", "p50 ms", "p99 ms"), times),
        "",
        *page.table(("aim", "", "found", ""), _aims(outcome)),
    ]


def figures(outcome: Outcome) -> dict[str, object]:
    """Return the figures to compare runs."""
    begins, ended = _times(outcome.singles)
    return {
        "jobs_per_s": {name: round(rate, 2) for name, rate in outcome.rates.items()},
        "of_docker": round(outcome.share, 3),
        "begins_ms_p50": milliseconds(begins, 50),
        "begins_ms_p99": milliseconds(begins, 99),
        "ended_ms_p50": milliseconds(ended, 50),
        "ended_ms_p99": milliseconds(ended, 99),
        "alone_jobs_per_s": outcome.alone.jobs_per_s,
        "alone_cpu_ms": outcome.alone.cpu_ms,
    }


def machine(load: Load, versions: Mapping[str, str], jobs: int) -> list[str]:
    """Return a line about the measurement, the machine and the versions."""
    known = [f"{name} {version}" for name, version in versions.items()]
    return [f"{page.describe_machine(load)}, {jobs:,} jobs, {PLACES} at a time: {', '.join(known)}"]


def _aims(outcome: Outcome) -> list[tuple[str, str, str, str]]:
    begins = statistics.median(_times(outcome.singles)[0])
    could = 1000 / outcome.alone.cpu_ms
    return [
        ("jobs/s against docker run", f"at least {_SHARE:g}", f"{outcome.share:.2f}",
         _verdict(outcome.share >= _SHARE)),
        ("from the request to the command", f"at most {_BEGINS:g} s", f"{begins:.2f} s",
         _verdict(begins <= _BEGINS)),
        ("jobs/s for which the framework has the CPU time", f"at least {_ALONE:g}", f"{could:.0f}",
         _verdict(could >= _ALONE)),
    ]  # fmt: skip


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def _times(singles: Sequence[Once]) -> tuple[list[float], list[float]]:
    return [one.begins for one in singles], [one.ended for one in singles]


def _shown(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{milliseconds(seconds, 50):.0f}", f"{milliseconds(seconds, 99):.0f}"
