"""What a bench writes for people: Markdown tables, a line about the machine, a part of a page."""

import datetime
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from bench.harness.machine import Load

_DOCS = Path(__file__).parents[2] / "docs"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table whose source is readable too, with numbers to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [
        f"| {row[0].ljust(widths[0])} | "
        + " | ".join(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        + " |"
        for row in (head, rule, *rows)
    ]


def milliseconds(seconds: Sequence[float], percent: int) -> float:
    """Return a percentile of durations; 50 is the median."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 2)


def describe_machine(load: Load) -> str:
    """Return the day, the machine, and how busy it was before the bench."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return (
        f"{datetime.datetime.now(datetime.UTC).date()}, {load.cores} cores"
        f" ({model[1] if model else platform.machine()}),"
        f" Linux {platform.release().split('-')[0]}, load {load.load:.1f} before the start"
    )


def write(name: str, part: str, new: Sequence[str]) -> None:
    """Write a part of a page of docs/; see `replace`."""
    file = _DOCS / name
    file.write_text(replace(file.read_text(), part, new))


def replace(page: str, part: str, new: Sequence[str]) -> str:
    """Return a page with the lines between `<!-- part -->` and `<!-- /part -->` replaced.

    Raises ValueError if it has no such part.
    """
    opening, closing = f"<!-- {part} -->", f"<!-- /{part} -->"
    before, begin, rest = page.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise ValueError(f"the page has no part between {opening} and {closing}")
    return "\n".join((before + opening, *new, closing + after))
