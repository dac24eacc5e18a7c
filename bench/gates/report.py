"""The results of the bench: tables for people, and a line for programs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.gates.changes import Changes
from bench.gates.rivals import RIVALS
from bench.gates.rounds import NAMES, ORDINARY, OURS, Case, Found, find_median
from bench.gates.rules import Kind
from bench.gates.switches import PROXIES, Switches
from bench.harness import page
from bench.harness.machine import Load
from bench.harness.page import milliseconds
from bench.proxy.load import Answered
from bench.proxy.report import read_versions

_ORDER = (ORDINARY, *NAMES)
_TITLES = {
    Kind.PATH: "Rules by path",
    Kind.HEADER: "Rules by a header",
    Kind.WEIGHT: "Rules by path, with weights of 90 and 10",
}
_SPEEDS = {Kind.PATH: 0.9, Kind.HEADER: 0.8, Kind.WEIGHT: 0.8}
"""The aims: how fast a gate is, when an ordinary address is 1."""
_FLAT, _CHANGE_MS = 1.1, 10.0
"""The aim for the growth of a gate's CPU time beyond that of an ordinary address: with the rules,
the previews grow from 10 to 1,000."""
_WAY = "its record in ZooKeeper"


class Outcome(NamedTuple):
    """The turns of all rounds by case, changes by proxy and number of rules, and switches.

    `missing` says why proxies were left out.
    """

    found: Found
    changes: Mapping[tuple[str, int], Changes]
    switches: Switches
    missing: Mapping[str, str]
    rounds: int

    @property
    def counts(self) -> Sequence[int]:
        """The numbers of rules."""
        return sorted({case.size for case in self.found})


def lines(outcome: Outcome) -> list[str]:
    """Return everything as Markdown tables."""
    shown = []
    for kind in Kind:
        if rows := _requests(outcome, kind):
            shown += [f"{_TITLES[kind]}:", "", *rows, ""]
    shown += ["From a change to the first answer by it:", "", *_changes(outcome), ""]
    shown += [_switches(outcome.switches), ""]
    return [*shown, *page.table(("aim", "", "found", ""), _aims(outcome))]


def figures(outcome: Outcome) -> dict[str, object]:
    """Return the figures to compare runs."""
    changes = {f"{name}, {count}": one for (name, count), one in outcome.changes.items()}
    cases = {
        f"{case.kind.value}, {case.size}, {case.name}": find_median(turns)
        for case, turns in outcome.found.items()
    }
    return {
        "rps": {name: round(answered.rate) for name, answered in cases.items()},
        "cpu_us": {name: round(answered.cpu_us, 2) for name, answered in cases.items()},
        "change_ms_p50": {name: milliseconds(one.seconds, 50) for name, one in changes.items()},
        "change_ms_p99": {name: milliseconds(one.seconds, 99) for name, one in changes.items()},
        "switches": {
            "count": len(outcome.switches.seconds),
            "in_force_ms_p50": milliseconds(outcome.switches.seconds, 50),
            "in_force_ms_p99": milliseconds(outcome.switches.seconds, 99),
            "requests": outcome.switches.requests,
            "errors": outcome.switches.errors,
            "wrong": outcome.switches.wrong,
        },
    }


def machine(load: Load, outcome: Outcome, search: str) -> list[str]:
    """Return lines about the machine, the versions, and what was left out."""
    there = {case.name for case in outcome.found}
    commands = {name: rival.version for name, rival in RIVALS.items() if name in there}
    versions = read_versions(commands, search)
    left_out = [f"{name} is left out: {why}." for name, why in outcome.missing.items()]
    rounds = f"{outcome.rounds} round{'s' if outcome.rounds > 1 else ''}"
    return [f"{page.describe_machine(load)}, {rounds}:", " ".join((versions, *left_out))]


def _requests(outcome: Outcome, kind: Kind) -> list[str]:
    rows = []
    for name in _ORDER:
        found = [outcome.found.get(Case(kind, count, name)) for count in outcome.counts]
        if any(found):
            rows.append((_bold(name), *(cell for one in found for cell in _cells(one))))
    if not rows:
        return []
    head = [title for count in outcome.counts for title in (f"{count:,}: requests/s", "CPU us")]
    return page.table(("", *head), rows)


def _cells(turns: Sequence[Answered] | None) -> tuple[str, str]:
    found = find_median(turns) if turns else None
    return (f"{found.rate:,.0f}", f"{found.cpu_us:.1f}") if found else ("-", "-")


def _changes(outcome: Outcome) -> list[str]:
    rows = [
        (
            f"{_bold(name)}: {_WAY if name == OURS else RIVALS[name].way}",
            f"{count:,}",
            f"{len(one.seconds)}",
            f"{milliseconds(one.seconds, 50):,.1f}",
            f"{milliseconds(one.seconds, 99):,.1f}",
            f"{one.closed}",
        )
        for (name, count), one in outcome.changes.items()
    ]
    return page.table(("by", "rules", "changes", "p50 ms", "p99 ms", "connections lost"), rows)


def _switches(found: Switches) -> str:
    return (
        f"{len(found.seconds):,} switches of one rule at {PROXIES} proxies with {found.requests:,}"
        f" requests meanwhile: **{found.errors:,} errors, {found.wrong:,} wrong answers**. Each was"
        f" in force at all of them after {milliseconds(found.seconds, 50):.1f} ms (p50) and"
        f" {milliseconds(found.seconds, 99):.1f} ms (p99)."
    )


def _aims(outcome: Outcome) -> list[tuple[str, str, str, str]]:
    rows = []
    for kind, aim in _SPEEDS.items():
        speeds = [_speed(outcome, kind, count) for count in outcome.counts]
        for count, speed in zip(outcome.counts, speeds, strict=True):
            if speed:
                title = f"speed by {kind.value} with {count:,} rules, of an ordinary address"
                rows.append(_row(title, f"at least {aim:g}", speed, is_met=speed >= aim))
        if len(speeds) > 1 and speeds[0] and speeds[-1]:
            times = speeds[0] / speeds[-1]
            sizes = f"{outcome.counts[0]} rules against {outcome.counts[-1]:,}"
            title = f"speed by {kind.value}, {sizes}"
            rows.append(_row(title, f"at most {_FLAT:g}", times, is_met=times <= _FLAT))
    for (name, count), one in outcome.changes.items():
        if name == OURS:
            ms = milliseconds(one.seconds, 50)
            title = f"median change of {count:,} rules"
            rows.append(
                _row(title, f"at most {_CHANGE_MS:g} ms", ms, " ms", is_met=ms <= _CHANGE_MS)
            )
    bad = outcome.switches.errors + outcome.switches.wrong
    rows.append(("errors and wrong answers", "0", f"{bad:,}", _verdict(bad == 0)))
    return rows


def _speed(outcome: Outcome, kind: Kind, count: int) -> float | None:
    """Return how fast a gate is by its CPU time, which other programs disturb less.

    The quickest turn counts: whatever else happens on the machine only makes one slower.
    """
    gate = outcome.found.get(Case(kind, count, OURS))
    ordinary = outcome.found.get(Case(kind, count, ORDINARY))
    if not gate or not ordinary:
        return None
    return min(turn.cpu_us for turn in ordinary) / min(turn.cpu_us for turn in gate)


def _row(
    name: str, aim: str, found: float, unit: str = "", *, is_met: bool
) -> tuple[str, str, str, str]:
    return name, aim, f"{found:.2f}{unit}", _verdict(is_met)


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"


def _bold(name: str) -> str:
    return f"**{name}**" if name in (OURS, ORDINARY) else name
