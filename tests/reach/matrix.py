"""The measured matrix beside the expected one, as text, as JSON and for the docs. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.reach.expected import WHO, Row, Way

_WORDS = {True: "yes", False: "-", None: ""}
_DIFFERS = "!"


class Findings(NamedTuple):
    """What was measured: whether each kind of container reached a thing, if it was there at all.

    `silent` are targets that the agent itself did not reach. If nobody reaches these, that shows
    nothing. `kept_by_rules` are the ways that a preview had once the agent's rules were gone, where
    that was tried.
    """

    reached: Mapping[Way, Mapping[str, bool]]
    silent: Sequence[str] = ()
    kept_by_rules: Sequence[Way] = ()


class Difference(NamedTuple):
    """A cell that is not as expected; `reached` is how it is."""

    way: Way
    who: str
    reached: bool

    def __str__(self) -> str:
        verb = "reaches" if self.reached else "does not reach"
        return f"a {self.who} {verb} {self.way.what} ({self.way.how})"


def find_differences(table: Sequence[Row], findings: Findings) -> list[Difference]:
    """Return the cells that are not as expected; what was not measured is no difference."""
    return [
        Difference(row.way, who, found)
        for row in table
        for who, found in findings.reached.get(row.way, {}).items()
        if found != (who in row.reached_by)
    ]


def describe(table: Sequence[Row], findings: Findings) -> list[str]:
    """Return the lines to print: the matrix, what was not measured, and what is wrong."""
    wrong = find_differences(table, findings)
    rows: list[Sequence[str]] = [("", "", *WHO)]
    for row in table:
        if (found := findings.reached.get(row.way)) is not None:
            marked = {one.who for one in wrong if one.way == row.way}
            words = (_WORDS[found.get(who)] + _DIFFERS * (who in marked) for who in WHO)
            rows.append((*row.way, *words))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (*rows[:1], *rows[1:])]
    missing = [row.way for row in table if row.way not in findings.reached]
    lines += [f"Not there, so not measured: {way.what} ({way.how})." for way in missing]
    lines += [f"Open without the rules: {way.what} ({way.how})." for way in findings.kept_by_rules]
    lines += [f"Shows nothing: the agent itself does not reach {one}." for one in findings.silent]
    lines += [f"Not as expected: {one}." for one in wrong]
    cells = sum(map(len, findings.reached.values()))
    return [*lines, "", f"{cells} cells measured, {len(wrong)} not as expected."]


def describe_for_programs(table: Sequence[Row], findings: Findings) -> Mapping[str, object]:
    """Return the same for JSON: `reached` is null where nothing was measured."""
    return {
        "rows": [
            {
                **row.way._asdict(),
                "expected": {who: who in row.reached_by for who in WHO},
                "reached": {who: findings.reached.get(row.way, {}).get(who) for who in WHO},
                "why": row.why,
            }
            for row in table
        ],
        "different": [str(one) for one in find_differences(table, findings)],
        "silent": list(findings.silent),
        "kept_by_rules": [way._asdict() for way in findings.kept_by_rules],
    }


def is_good(table: Sequence[Row], findings: Findings) -> bool:
    """Return whether all is as expected, and each target was there."""
    return bool(findings.reached) and not findings.silent and not find_differences(table, findings)


def write_page(table: Sequence[Row]) -> str:
    """Return the table as the documentation has it."""
    head = ["what", "how", *WHO, "why"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in table:
        cells = ["reached" if who in row.reached_by else "no" for who in WHO]
        lines.append(f"| {' | '.join([*row.way, *cells, row.why])} |")
    return "\n".join(lines)
