"""The summary of the rounds."""

from bench.summary import COLUMNS, Mark, column, lines, medians, order, shares

ROUNDS = [
    {"cold_raw_s": 1.0, "cold_s": 1.5, "warm_raw_s": 0.5, "warm_s": 1.2},
    {"cold_raw_s": 3.0, "cold_s": 1.6, "warm_raw_s": 0.5, "warm_s": 1.0},
    {"cold_raw_s": 1.2, "cold_s": 9.0, "warm_raw_s": 0.6, "warm_s": 1.1},
]


def test_each_goes_first_in_every_other_round() -> None:
    assert [order(number)[0] for number in range(4)] == ["raw", "address", "raw", "address"]
    assert set(order(0)) == set(order(1)) == {"raw", "address"}


def test_every_measurement_has_its_column() -> None:
    named = [column(kind, who) for kind in ("cold", "warm") for who in ("raw", "address")]
    assert tuple(named) == COLUMNS


def test_one_slow_round_does_not_move_the_median() -> None:
    assert medians(ROUNDS) == {
        "cold_raw_s": 1.2, "cold_s": 1.6, "warm_raw_s": 0.5, "warm_s": 1.1
    }  # fmt: skip


def test_the_table_has_every_round_and_which_aims_were_met() -> None:
    table = lines(ROUNDS)
    assert len(table) == 1 + len(ROUNDS) + 1 + 2
    assert table[-2] == "cold: +0.400 s against raw docker, within the aim of 0.6 s"
    assert table[-1] == "warm: +0.600 s against raw docker, beyond the aim of 0.4 s"


def test_shares_are_how_long_each_state_lasted() -> None:
    marks = [Mark(0.0, "queued"), Mark(0.1, "queued"), Mark(0.5, "building"), Mark(1.5, "running")]
    assert shares(marks, 1.75) == [
        "   0.500  queued",
        "   1.000  building",
        "   0.250  running",
        "   1.750  in all",
    ]
