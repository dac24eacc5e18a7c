import argparse
from pathlib import Path

import pytest

from bench.harness import command_line
from bench.harness.command_line import Bench, Found, check
from bench.harness.errors import BenchError


@pytest.mark.parametrize("found", [{}, {"a": 0.0}, {"a": float("nan")}, {"a": {"b": 0}}])
def test_a_bench_that_measures_nothing_has_failed(found: Found) -> None:
    with pytest.raises(BenchError, match="nothing was measured"):
        check(found)


def test_another_commit_is_measured_with_the_same_options() -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--rivals", type=Path, default=Path("x"))

    bench = Bench("bench.x", "What it does.", lambda _: {}, add)
    given = command_line.parser(bench).parse_args(["--quick", "--anyway", "--against", "HEAD"])
    assert command_line.passed_on(given) == ["--quick", "--rivals=x"]
