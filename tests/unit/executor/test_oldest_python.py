"""The code on agents runs on Python 3.9 or later: checked even without such a Python here.

`make check` has a mypy for 3.9, and ruff checks its syntax (ruff.toml). This finds common mistakes
that mypy does not know, with their lines. tests/integration/mesos/test_executor_python.py runs the
code.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import pythons

ROOT = Path(__file__).parents[3]
FOLDERS = ("executor", "driver", "prevs", "third_party/http-parser")


def _sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    sources = (path.read_text() for path in found)
    shared = {file for source in sources if "from program." in source for file in _imported(source)}
    return [*found, *sorted(shared)]


def _imported(source: str) -> Iterator[Path]:
    """Yield the files of program/ that a source imports, with those of their rooms."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("program."):
            module = ROOT.joinpath(*str(node.module).split("."))
            inside = (f"{name}.py" for name in ("__init__", *(one.name for one in node.names)))
            files = (module.parent / "__init__.py", module.with_suffix(".py"))
            yield from filter(Path.exists, (*files, *map(module.joinpath, inside)))


SOURCES = [path for path in _sources() if "build" not in path.relative_to(ROOT).parts]


def _annotations(tree: ast.AST) -> set[int]:
    """Return the nodes that no Python evaluates, by id."""
    found: set[int] = set()
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            given = getattr(node, name, None)
            if isinstance(given, ast.AST):
                found.update(map(id, ast.walk(given)))
    return found


def _is_type(node: ast.expr) -> bool:
    """Return whether this names a class, judged by its spelling."""
    if isinstance(node, ast.Subscript):
        return _is_type(node.value)
    if isinstance(node, ast.Constant):
        return node.value is None
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in {"int", "str", "float", "bool", "bytes", "dict", "list", "tuple"} or bool(
        re.match(r"_*[A-Z]\w*[a-z]", name)
    )


def newer(source: str) -> Iterator[str]:
    """Yield common constructs that older Pythons lack."""
    tree = ast.parse(source, feature_version=pythons.OLDEST)
    unread = _annotations(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.BitOr)
            and id(node) not in unread
        ):
            if _is_type(node.left) or _is_type(node.right):
                yield f"{node.lineno}: a union that is made at run time: {ast.unparse(node)}"
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = ast.unparse(node.type)
            if re.search(r"\bTimeoutError", caught) and "socket.timeout" not in caught:
                yield f"{node.lineno}: sockets raise socket.timeout too: except {caught}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_code_that_agents_run_is_written_for_the_oldest_python(path: Path) -> None:
    assert list(newer(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "is_newer"),
    [
        ("Event = Launched | Killed", True),
        ("isinstance(event, Lost | ShutDown)", True),
        ("Reader = Callable[[str], int] | None", True),
        ("try:\n    pass\nexcept TimeoutError:\n    pass", True),
        ("def request(limit: float | None) -> str | None: ...", False),
        ("flags = os.O_RDWR | os.O_CREAT", False),
        ("both = first | {second}", False),
        ("try:\n    pass\nexcept (TimeoutError, socket.timeout):\n    pass", False),
    ],
)
def test_newer_syntax_is_found_and_older_syntax_passes(source: str, is_newer: bool) -> None:
    assert bool(list(newer(source))) is is_newer
