"""docs/reliability.md and security.md name tests; driver/__init__.py promises one for each row."""

import re
from pathlib import Path

import pytest

import driver

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "reliability.md"
ATTACKS = ROOT / "docs" / "security.md"
SOURCES = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
TESTS = {name for text in SOURCES.values() for name in _TEST.findall(text)}
DEFECTS = re.findall(r"^([PE]\d+) ", driver.__doc__ or "", re.M)


def test_every_test_in_the_table_exists() -> None:
    text = TABLE.read_text()
    files = set(re.findall(r"\btests/\S+?\.py", text.replace("test_driver_*.py", "")))
    assert files
    assert [file for file in sorted(files) if ROOT / file not in SOURCES] == []
    named = set(re.findall(r"(?<![/\w])test_\w+(?!\w|\.py)", text))
    assert len(named) > 100
    assert sorted(named - TESTS) == []


def test_every_test_against_an_attack_exists() -> None:
    rows = re.findall(r"^\| [^|]* \| [^|]* \| ([^|]*) \|$", ATTACKS.read_text(), re.M)
    found = [set(re.findall(r"test_\w+(?!\w|\.py)", tests)) for tests in rows if tests != "tests"]
    assert len(found) > 15
    assert all(found)
    assert sorted(set.union(*found) - TESTS) == []


def test_every_row_of_the_table_names_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", TABLE.read_text(), re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 34))
    assert [number for number, tests in rows if "test_" not in tests] == []


@pytest.mark.parametrize("row", DEFECTS)
def test_every_defect_of_pymesos_has_a_test_with_its_number(row: str) -> None:
    assert any(re.search(rf"_{row.lower()}(_|$)", name) for name in TESTS)


def test_no_number_of_a_defect_is_missing() -> None:
    assert len(DEFECTS) == len(set(DEFECTS)) == 35
