"""How heavy the tests are, by room: all lines, and those in test functions.

A test function is a function or method whose name begins with `test`, from its first decorator to
its last line. The rest are builders, doubles, fixtures, tables, imports and what separates them.
"""

import argparse
import ast
import collections
import pathlib
import typing
from collections.abc import Mapping

TESTS = pathlib.Path(__file__).parent
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Weight(typing.NamedTuple):
    """Lines of some files: all of them, and those in test functions."""

    lines: int = 0
    in_tests: int = 0

    @property
    def share(self) -> int:
        """Percent of the lines that stand in test functions."""
        return round(100 * self.in_tests / self.lines) if self.lines else 0


def weigh(source: str) -> Weight:
    """The weight of one file. Raises SyntaxError."""
    inside: set[int] = set()
    for node in _functions(ast.parse(source)):
        if node.name.startswith("test"):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            inside.update(range(first, (node.end_lineno or node.lineno) + 1))
    return Weight(len(source.splitlines()), len(inside))


def by_room(sources: Mapping[pathlib.PurePath, str]) -> dict[str, Weight]:
    """The weight of each room: a folder of tests/; of unit and contract tests, a folder of theirs.

    The paths are relative to tests/. Files in no folder are in the room `.`.
    """
    rooms: dict[str, Weight] = {}
    for path, source in sources.items():
        depth = 2 if path.parts[0] in ("unit", "contract") else 1
        room = "/".join(path.parts[:-1][:depth]) or "."
        before, own = rooms.get(room, Weight()), weigh(source)
        rooms[room] = Weight(before.lines + own.lines, before.in_tests + own.in_tests)
    return rooms


def again(sources: Mapping[pathlib.PurePath, str], least: int = 3) -> list[list[str]]:
    """Functions of `least` lines or more that stand more than once, each as `file:line name`.

    Names and docstrings may differ, parameters and statements may not. Test functions do not
    count. Those with the most lines in all come first.
    """
    bodies: dict[str, list[str]] = collections.defaultdict(list)
    costs: collections.Counter[str] = collections.Counter()
    for path, source in sources.items():
        for node in _functions(ast.parse(source)):
            height = (node.end_lineno or node.lineno) - node.lineno + 1
            if height >= least and not node.name.startswith(("test", "__")):
                body = _body(node)
                bodies[body].append(f"{path}:{node.lineno} {node.name}")
                costs[body] += height
    return [bodies[body] for body, _ in costs.most_common() if len(bodies[body]) > 1]


def _body(node: FunctionNode) -> str:
    told = ast.get_docstring(node) is not None
    return "\n".join(
        [ast.dump(node.args), *(ast.dump(each) for each in node.body[1 if told else 0 :])]
    )


def _functions(tree: ast.AST) -> list[FunctionNode]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def _read() -> dict[pathlib.PurePath, str]:
    return {path.relative_to(TESTS): path.read_text() for path in sorted(TESTS.rglob("*.py"))}


def _report(rooms: Mapping[str, Weight]) -> str:
    lines = sum(each.lines for each in rooms.values())
    all_of = Weight(lines, sum(each.in_tests for each in rooms.values()))
    rows = [*sorted(rooms.items(), key=lambda each: -each[1].lines), ("tests/", all_of)]
    head = f"{'room':30} {'lines':>8} {'in test functions':>18} {'share':>7}"
    return "\n".join([head, *(_row(room, each) for room, each in rows)])


def _row(room: str, weight: Weight) -> str:
    return f"{room:30} {weight.lines:8,} {weight.in_tests:18,} {weight.share:5} %"


def main() -> None:
    """Print the table, or what stands more than once. Exits with 0: it is a report, not a rule."""
    parser = argparse.ArgumentParser(prog="python -m tests.weight", description=__doc__)
    more = "name the functions outside of tests that stand more than once"
    parser.add_argument("--again", action="store_true", help=more)
    chosen = parser.parse_args()
    if chosen.again:
        print("\n".join(" = ".join(each) for each in again(_read())))
    else:
        print(_report(by_room(_read())))


if __name__ == "__main__":
    main()
