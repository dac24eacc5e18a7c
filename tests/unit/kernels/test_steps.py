"""tests/kernels/steps.py: which steps are done, and how they are reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernels import newcomer
from tests.kernels.steps import (
    FAILED,
    LEFT_OUT,
    PASSED,
    Outcome,
    Step,
    choose,
    merge,
    perform,
    read,
    table,
    write,
)


def step(name: str, machine: str = "master", *needs: str, do: Callable[[], str] = str) -> Step:
    return Step(name, machine, do, (machine,), needs)


def outcome(name: str, machine: str = "master", what: str = PASSED) -> Outcome:
    return Outcome(name, machine, what, 1.0, "")


def fail() -> str:
    raise ValueError("no such thing")


def done(steps: list[Step], known: list[Outcome] | None = None) -> list[tuple[str, str, str]]:
    outcomes = perform(steps, known or [], lambda _: None, lambda _: None)
    return [(one.step, one.machine, one.outcome) for one in outcomes]


ALL = [step("boot"), step("boot", "agent-1"), step("example", "master", "boot")]


def test_all_steps_are_chosen_or_those_that_are_named_or_have_not_passed() -> None:
    assert choose(ALL, [], []) == ALL
    assert choose(ALL, ["boot"], []) == ALL[:2]
    earlier = [outcome("boot"), outcome("boot", "agent-1", FAILED)]
    assert choose(ALL, [], earlier) == ALL[1:]
    assert choose(ALL, ["example"], earlier) == ALL[2:]


def test_a_step_that_fails_ends_nothing_but_what_needs_it() -> None:
    steps = [step("boot", do=fail), step("example", "master", "boot"), step("off")]
    assert done(steps) == [
        ("boot", "master", FAILED),
        ("example", "master", LEFT_OUT),
        ("off", "master", PASSED),
    ]


def test_a_step_that_was_left_out_is_missing_too() -> None:
    steps = [step("a", do=fail), step("b", "master", "a"), step("c", "master", "b")]
    assert [what for _, _, what in done(steps)] == [FAILED, LEFT_OUT, LEFT_OUT]


def test_a_step_that_failed_earlier_and_passes_now_is_not_missing() -> None:
    known = [outcome("boot", what=FAILED), outcome("boot", "agent-1")]
    assert done(ALL, known)[-1] == ("example", "master", PASSED)


def test_machines_are_started_before_the_step_that_uses_them_and_not_for_one_left_out() -> None:
    started: list[str] = []
    steps = [step("boot", do=fail), step("example", "agent-1", "boot"), step("off", "agent-2")]
    assert len(list(perform(steps, [], started.append, lambda _: None))) == 3
    assert started == ["master", "agent-2"]


def test_steps_with_one_name_are_reported_with_their_reasons() -> None:
    reported: list[str] = []
    list(perform([step("boot", do=fail)], [], lambda _: None, reported.append))
    assert reported[0] == "boot, master ..."
    assert reported[1].startswith("boot, master: FAILED after 0 s. no such thing")


def test_the_table_has_a_line_for_each_step_and_the_beginning_of_its_note() -> None:
    rows = [
        Outcome("boot", "master", PASSED, 61.4, "Linux\nand more"),
        Outcome("example", "agent-1", FAILED, 3.0, "x" * 200),
    ]
    assert table(rows) == [
        "step     machine  outcome  seconds",
        "boot     master   passed        61  Linux",
        "example  agent-1  FAILED         3  " + "x" * 110,
    ]


def test_outcomes_are_kept_for_the_same_commit_alone(tmp_path: Path) -> None:
    kept = [outcome("boot"), outcome("example", what=FAILED)]
    write(tmp_path / "outcomes", "a commit", kept)
    assert read(tmp_path / "outcomes", "a commit") == kept
    assert read(tmp_path / "outcomes", "another") == []
    assert read(tmp_path / "none", "a commit") == []


@pytest.mark.parametrize("again", [PASSED, FAILED])
def test_the_last_outcome_of_a_step_counts(again: str) -> None:
    assert merge([outcome("a"), outcome("b")], [outcome("a", what=again)]) == [
        outcome("b"),
        outcome("a", what=again),
    ]


def test_the_tests_that_a_machine_runs_exist() -> None:
    tests = Path(__file__).parents[2]
    assert [name for name in newcomer.TESTS if not (tests / name).exists()] == []
