"""tests/mutants: what is changed in a module, which of it is tried, and how a trial ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import rooms
from tests.mutants.mutations import choose, list_mutations, mutate
from tests.mutants.trial import Result

ROOT = Path(__file__).parents[3]
SOURCE = '''
MOST = 3

def decide(number: int | None, *, limit: int) -> bool:
    """Say whether it is few."""
    log.info("asked", number=number)
    if number is None and limit > 0:
        note(number)
    return number < limit + 1
'''


def changed() -> set[tuple[str, str]]:
    """Return each operator, and the line that it makes."""
    before = SOURCE.splitlines()
    found = set()
    for one in list_mutations("m.py", SOURCE):
        text = mutate(one, SOURCE)
        if text:
            now = next(a for a, b in zip(text.splitlines(), before, strict=True) if a != b)
            found.add((one.operator, " ".join(now.split())))
    return found


def test_decisions_limits_conditions_and_statements_are_changed() -> None:
    assert {
        ("ReplaceComparisonOperator_Lt_LtE", "return number <= limit + 1"),
        ("ReplaceComparisonOperator_Lt_GtE", "return number >= limit + 1"),
        ("ReplaceBinaryOperator_Add_Sub", "return number < limit - 1"),
        ("ReplaceAndWithOr", "if number is None or limit > 0:"),
        ("DropOperand", "if number is None:"),
        ("DropOperand", "if limit > 0:"),
        ("DropStatement", "pass"),
    } <= changed()


def test_annotations_constants_and_log_lines_stay() -> None:
    places = {one.line for one in list_mutations("m.py", SOURCE)}
    assert places == {7, 8, 9}


def test_what_mypy_notices_stays() -> None:
    source = "@dataclass(frozen=True)\nclass A:\n    a: int | None\n\ndef f(*, b: int | str): ..."
    assert list_mutations("m.py", source) == []
    assert list_mutations("m.py", source.replace("frozen", "sort"))


def test_the_same_seed_chooses_the_same_sample_and_each_line_before_one_twice() -> None:
    known = list_mutations("m.py", SOURCE)
    some = choose(known, {"m.py": SOURCE}, most=3, seed=5)
    assert some == choose(known, {"m.py": SOURCE}, most=3, seed=5)
    assert {one.line for one, _ in some} == {7, 8, 9}
    assert len(choose(known, {"m.py": SOURCE}, most=99, seed=5)) == len(changed())


@pytest.mark.parametrize("room", rooms.ROOMS)
def test_each_module_of_a_room_has_tests_the_nearest_first(room: str) -> None:
    for module in rooms.list_modules(ROOT, room):
        tests = rooms.list_tests(ROOT, room, module)
        assert tests
        assert len(set(tests)) == len(tests)
        assert all((ROOT / test).is_file() for test in tests)
    if room == "framework/matching":
        module = Path(room, "quotas.py")
        assert rooms.list_tests(ROOT, room, module)[0].endswith("matching/test_quotas.py")


@pytest.mark.parametrize(
    ("more", "result"),
    [("", Result.SURVIVED), ("\n\ndef hold(*_):\n    return True\n", Result.KILLED)],
    ids=["as it is", "changed"],
)
def test_a_trial_runs_tests_with_another_text_of_a_module(more: str, result: Result) -> None:
    path = "framework/matching/constraints.py"
    source = (ROOT / path).read_text(encoding="utf-8") + more
    tests = ["tests/unit/framework/matching/test_constraints.py"]
    call = f"trial.run({tests!r}, {path!r}, {source!r}, most_seconds=60, seed=1).result.name"
    code = f"from tests.mutants import trial; print({call})"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == result.name
