"""Docs are short lines, so that their diffs can be reviewed, and tables that say what they list."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MOST = 200
MOST_WORDS = 900
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])


def find_problems(text: str) -> list[str]:
    """Return what is wrong with the lines of a page, each with its number."""
    problems, is_code = [], False
    lines = text.splitlines()
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif is_code:
            continue
        elif not line.startswith("|"):
            if len(line) > MOST:
                problems.append(f"line {number} has {len(line)} characters")
        elif re.fullmatch(r"\|[-:| ]+\|", following) and not all(
            cell.strip() for cell in line.strip("|").split("|")
        ):
            problems.append(f"the table in line {number} has a column without a header")
    return problems


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_short_lines_and_tables_with_headers(page: Path) -> None:
    assert find_problems(page.read_text()) == []


def test_a_long_line_and_an_empty_header_are_found() -> None:
    table = "| | is |\n|---|---|\n| a | b |\n"
    row = f"| part | is |\n|---|---|\n| a | {'b' * MOST} |\n"
    code = f"```\n{'c' * 300}\n```\n"
    assert find_problems(f"{'x' * (MOST + 1)}\n\n{table}") == [
        "line 1 has 201 characters",
        "the table in line 3 has a column without a header",
    ]
    assert find_problems(row + code) == []


def test_the_readme_is_short() -> None:
    words = (ROOT / "README.md").read_text().replace("|", " ").split()
    assert len(words) <= MOST_WORDS
