"""The summary of the rounds with a database."""

from bench.database import lines

ROUNDS = [
    {"db_compose_s": 3.0, "db_s": 3.5},
    {"db_compose_s": 2.0, "db_s": 9.0},
    {"db_compose_s": 2.5, "db_s": 3.25},
]


def test_the_line_says_whether_the_aim_was_met() -> None:
    (line,) = lines(ROUNDS)
    assert line.endswith(
        "3.500 s by its address, 2.500 s by docker compose: +1.000 s, within the aim of 1.0 s"
    )
    (line,) = lines([{"db_compose_s": 1.0, "db_s": 3.0}])
    assert "+2.000 s, beyond the aim" in line
