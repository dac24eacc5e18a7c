"""The results of bench/gates."""

import json
import os

from bench.gates import report, rivals
from bench.gates.changes import Changes
from bench.gates.report import Outcome
from bench.gates.rounds import NAMES, ORDINARY, OURS, Case, Found, join
from bench.gates.rules import Kind
from bench.gates.switches import Switches
from bench.harness.command_line import check
from bench.harness.machine import Load
from bench.proxy.load import Answered

PLAIN = Answered(rate=1000.0, p50_us=500.0, p99_us=2000.0, cpu_us=20.0, errors=0)
SIZES = (10, 10_000)
SWITCHES = Switches([0.002, 0.003, 0.008], 5000, 0, 0)


def round_with(**cpu: float) -> Found:
    """Return a round with equal values, except for our gates' CPU time by kind."""
    found = {
        Case(kind, size, name): [PLAIN]
        for kind in Kind
        for size in SIZES
        for name in (ORDINARY, *NAMES)
    }
    for kind, us in cpu.items():
        for size in SIZES:
            found[Case(Kind(kind), size, OURS)] = [PLAIN._replace(cpu_us=us)]
    return found


def outcome(found: Found, *, switches: Switches = SWITCHES, ms: float = 3.0) -> Outcome:
    changes = {(name, size): Changes([ms / 1000] * 9, 0) for name in NAMES for size in SIZES}
    return Outcome(found, changes, switches, {}, 2)


def verdicts(made: Outcome) -> dict[str, str]:
    lines = report.lines(made)
    first = next(place for place, line in enumerate(lines) if line.startswith("| aim"))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[first + 2 :]]
    return {row[0]: row[3] for row in rows}


def test_tables_have_the_middle_turn_and_aims_the_quickest() -> None:
    found = join([round_with(path=20.0), round_with(path=90.0), round_with(path=30.0)])
    made = outcome(found)
    assert json.loads(json.dumps(report.figures(made)))["cpu_us"][f"path, 10, {OURS}"] == 30.0
    assert verdicts(made)["speed by path with 10 rules, of an ordinary address"] == "met"


def test_every_proxy_is_in_the_tables_with_its_way_of_a_change() -> None:
    lines = report.lines(outcome(round_with()))
    for name, rival in rivals.RIVALS.items():
        assert len([line for line in lines if line.startswith(f"| {name} ")]) == 3
        assert any(line.startswith(f"| {name}: {rival.way}") for line in lines)
    assert "3 switches of one rule at 3 proxies with 5,000 requests" in "\n".join(lines)


def test_aims_are_met_from_their_limits_on() -> None:
    met = verdicts(outcome(round_with(path=22.0, header=25.0, weight=25.0), ms=10.0))
    assert set(met.values()) == {"met"}
    assert len(met) == 3 * len(SIZES) + 3 + 2 + 1
    slow = verdicts(outcome(round_with(path=23.0, header=26.0, weight=26.0), ms=10.1))
    missed = [name for name, verdict in slow.items() if verdict == "missed"]
    assert len([name for name in missed if name.startswith("speed")]) == 3 * len(SIZES)
    assert len([name for name in missed if name.startswith("median change")]) == 2


def test_rules_that_cost_more_the_more_there_are_miss_the_aim() -> None:
    found = {**round_with(), Case(Kind.PATH, 10_000, OURS): [PLAIN._replace(cpu_us=23.0)]}
    flat = "speed by path, 10 rules against 10,000"
    assert verdicts(outcome(found))[flat] == "missed"
    # With the rules grow the previews, which slow ordinary addresses down, too.
    found |= {Case(Kind.PATH, 10_000, ORDINARY): [PLAIN._replace(cpu_us=23.0)]}
    assert verdicts(outcome(found))[flat] == "met"


def test_one_error_or_one_wrong_answer_is_too_much() -> None:
    for bad in (SWITCHES._replace(errors=1), SWITCHES._replace(wrong=1)):
        made = verdicts(outcome(round_with(), switches=bad))
        assert made["errors and wrong answers"] == "missed"


def test_fewer_proxies_and_kinds_have_fewer_rows() -> None:
    few = {Case(Kind.PATH, 10, name): [PLAIN] for name in (ORDINARY, OURS, rivals.MAP)}
    made = Outcome(
        few, {(OURS, 10): Changes([0.003], 0)}, SWITCHES, {"Envoy": "there is no `envoy` here"}, 1
    )
    lines = report.lines(made)
    assert not any("header" in line or "Envoy" in line for line in lines)
    about = report.machine(Load(0.5, 1.0, 2), made, os.environ["PATH"])
    assert about[0].endswith(", 1 round:")
    assert about[1].endswith("Envoy is left out: there is no `envoy` here.")
    assert list(verdicts(made)) == [
        "speed by path with 10 rules, of an ordinary address",
        "median change of 10 rules",
        "errors and wrong answers",
    ]


def test_the_figures_are_numbers_by_name() -> None:
    found = report.figures(outcome(round_with()))
    check(found)
    read = json.loads(json.dumps(found))
    assert read["cpu_us"]["path, 10000, nginx"] == 20.0
    assert read["change_ms_p99"][f"{OURS}, 10"] == 3.0
    assert read["switches"]["errors"] == 0
