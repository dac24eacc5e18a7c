"""The tables of folders in docs/architecture.md: each folder is above those that import it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROGRAMS = ("framework", "executor", "proxy", "cli", "local", "program")
_FOLDER = re.compile(r"(?<![\w/])([a-z_]+)/(?=['\s.,;]|$)")
"""A folder as another one names it; not a path."""


def list_folders(program: str) -> list[str]:
    """Return the folders of a program's table, from the first row to the last."""
    _, _, rest = PAGE.partition(f"| `{program}/` | what is in it |\n|---|---|\n")
    return re.findall(r"^\| `(\w+)/` \|", rest.partition("\n\n")[0], re.MULTILINE)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports names of."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_folder_has_a_row_and_describes_itself(program: str) -> None:
    there = {path.parent.name for path in (ROOT / program).glob("*/__init__.py")}
    assert sorted(list_folders(program)) == sorted(there)
    silent = [
        folder
        for folder in there
        if not ast.get_docstring(ast.parse((ROOT / program / folder / "__init__.py").read_text()))
    ]
    assert silent == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_folder_imports_none_below_it(program: str) -> None:
    order = list_folders(program)
    wrong = {
        (str(path.relative_to(ROOT)), other)
        for place, folder in enumerate(order)
        for path in (ROOT / program / folder).rglob("*.py")
        for module in imported(path)
        for other in order[place + 1 :]
        if f"{module}.".startswith(f"{program}.{other}.")
    }
    assert wrong == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_folder_has_at_most_a_dozen_files_and_names_others_correctly(program: str) -> None:
    for folder in {path.parent for path in (ROOT / program).rglob("__init__.py")}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= 14, folder
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
        near = {*folder.glob("*"), *folder.parent.glob("*"), *(ROOT / program).glob("*")}
        missing = set(_FOLDER.findall(docstring)) - {path.name for path in near}
        assert missing == set(), folder
