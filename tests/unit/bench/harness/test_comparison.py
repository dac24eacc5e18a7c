import pytest

from bench.harness.comparison import HERE, THERE, TURNS, medians, ratios, read, table
from bench.harness.errors import BenchError

OUTPUT = """\
round  cold_s
{"cold_s": 1.5, "rps": {"HAProxy, static": 900}, "machine": {"busy": 0.01}}
"""


def test_the_figures_are_those_of_the_last_line_and_not_of_the_machine() -> None:
    assert read(OUTPUT) == {"cold_s": 1.5, "rps: HAProxy, static": 900}


@pytest.mark.parametrize("output", ["", "no JSON", "[1, 2]"])
def test_a_bench_that_prints_no_figures_has_failed(output: str) -> None:
    with pytest.raises(BenchError, match="not a JSON object"):
        read(output)


def test_a_drift_of_the_machine_affects_both() -> None:
    turns = {who: [n for n, turn in enumerate(TURNS) if turn == who] for who in (HERE, THERE)}
    assert sum(turns[HERE]) == sum(turns[THERE])
    assert len(turns[HERE]) == len(turns[THERE])


def test_only_figures_of_both_are_compared() -> None:
    here = medians([{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 4.0, "new": 1.0}])
    there = {"a": 3.0, "b": 0.0, "old": 1.0}
    assert here == {"a": 1.5, "b": 3.0}
    assert ratios(here, there) == {"a": 0.5}
    head, *lines = table("0123456789abcdef", here, there)
    assert head.split() == ["here", "0123456789ab", "ratio"]
    assert [line.split() for line in lines] == [["a", "1.5", "3", "0.500"], ["b", "3", "0", "-"]]
