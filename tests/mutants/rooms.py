"""The rooms whose mutants are tried, and the tests that try them."""

import ast
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

_UNIT = Path("tests/unit/framework")

ROOMS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "framework/matching": ("scheduling",),
        "framework/scheduling": ("attempts", "service", "matching"),
        "framework/gates": ("service", "http_api/gates", "dashboard/gates", "stacks"),
        "framework/preview": ("state", "attempts", "scheduling", "service"),
        "framework/units": ("state", "attempts", "service"),
        "framework/attempts": ("state", "scheduling", "service"),
    }
)
"""The folders of unit tests that try a room too, beside its own and those that import a module."""


def list_modules(root: Path, room: str) -> Sequence[Path]:
    """Return the modules of a room, relative to the root."""
    return sorted(
        path.relative_to(root) for path in (root / room).rglob("*.py") if path.name != "__init__.py"
    )


def list_tests(root: Path, room: str, module: Path) -> Sequence[str]:
    """Return the files with tests of a module: first those that most likely notice a change.

    These are the files with its name, then those that import it, then those of its room, then
    others.
    """
    own = Path(room).relative_to("framework")
    near = [path for path in _list_files(root, _UNIT / own) if module.stem in path.name]
    users = [path for path in _list_files(root, Path("tests/unit")) if _uses(root / path, module)]
    rest = [path for name in (str(own), *ROOMS[room]) for path in _list_files(root, _UNIT / name)]
    of_gates = [path for path in rest if room != "framework/gates" or _is_of_gates(path)]
    return list(dict.fromkeys(map(str, (*near, *users, *of_gates))))


def _is_of_gates(path: Path) -> bool:
    return any(word in str(path) for word in ("gate", "stack"))


@functools.cache
def _list_files(root: Path, folder: Path) -> Sequence[Path]:
    return sorted(path.relative_to(root) for path in (root / folder).rglob("test_*.py"))


def _uses(path: Path, module: Path) -> bool:
    package, name = ".".join(module.parts[:-1]), module.stem
    return (package, name) in _list_imports(path) or (f"{package}.{name}", "") in _list_imports(
        path
    )


@functools.cache
def _list_imports(path: Path) -> frozenset[tuple[str, str]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {(node.module, ""), *((node.module, alias.name) for alias in node.names)}
    return frozenset(found)
