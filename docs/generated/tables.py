"""Markdown of values that may hold anything."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, with an empty line before and after it."""
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""]


def code(text: object) -> str:
    """Return a text as code, whatever is in it."""
    said = str(text)
    fence = "``" if "`" in said else "`"
    pad = " " if "`" in said else ""
    return f"{fence}{pad}{said}{pad}{fence}" if said else ""


def amount(value: float) -> str:
    """Return a number as people write it."""
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
