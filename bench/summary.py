"""Summarizes the rounds of bench/start.py. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

COLUMNS = ("cold_raw_s", "cold_s", "warm_raw_s", "warm_s")
_AIMS = (("cold", "cold_s", "cold_raw_s", 0.6), ("warm", "warm_s", "warm_raw_s", 0.4))


class Mark(NamedTuple):
    """A state that began at a moment, in seconds since the start of the measurement."""

    seconds: float
    name: str


def order(number: int) -> tuple[str, str]:
    """Return the order in a round; it alternates, so that neither always gets the warmer cache."""
    return ("raw", "address") if number % 2 == 0 else ("address", "raw")


def column(kind: str, who: str) -> str:
    """Return the name of a measurement: of `cold` or `warm`, of `raw` or `address`."""
    return f"{kind}_raw_s" if who == "raw" else f"{kind}_s"


def medians(
    rounds: Sequence[Mapping[str, float]], columns: Sequence[str] = COLUMNS
) -> dict[str, float]:
    """Return the median of each column, in seconds, to the millisecond."""
    return {name: round(statistics.median(r[name] for r in rounds), 3) for name in columns}


def lines(rounds: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the table of the rounds, the medians, and how they compare with the aims."""
    middle = medians(rounds)
    rows: list[tuple[str, ...]] = [("round", *COLUMNS)]
    rows += [(str(n), *(f"{r[c]:.3f}" for c in COLUMNS)) for n, r in enumerate(rounds, 1)]
    rows.append(("median", *(f"{middle[c]:.3f}" for c in COLUMNS)))
    table = ["  ".join(cell.rjust(10) for cell in row) for row in rows]
    for name, ours, raw, aim in _AIMS:
        more = middle[ours] - middle[raw]
        verdict = "within" if more <= aim else "beyond"
        table.append(f"{name}: {more:+.3f} s against raw docker, {verdict} the aim of {aim} s")
    return table


def shares(marks: Iterable[Mark], end: float) -> list[str]:
    """Return how long each mark lasted, and the sum; names that repeat in a row are one."""
    merged: list[Mark] = []
    for mark in marks:
        if not merged or merged[-1].name != mark.name:
            merged.append(mark)
    ends = [mark.seconds for mark in merged[1:]] + [end]
    rows = [
        f"{until - mark.seconds:8.3f}  {mark.name}"
        for mark, until in zip(merged, ends, strict=True)
    ]
    return [*rows, f"{end:8.3f}  in all"]
