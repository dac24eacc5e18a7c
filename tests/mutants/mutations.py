"""The mutants of a module, and a sample of them. Pure."""

import ast
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from parso.tree import BaseNode

from tests.mutants.operators import NUMBERS, list_operators


class Mutation(NamedTuple):
    """The `occurrence`th place in a module where an operator may change something."""

    path: str
    line: int
    column: int
    operator: str
    occurrence: int


class _Span(NamedTuple):
    begin: tuple[int, int]
    end: tuple[int, int]

    def has(self, place: tuple[int, int]) -> bool:
        return self.begin <= place < self.end


def list_mutations(path: str, source: str) -> Sequence[Mutation]:
    """Return the mutations of a module, in the order of its lines.

    Annotations, the `*` of a signature and `frozen=True` stay as they are: no test can notice them,
    mypy does. So do numbers outside of functions: they are choices, and a test could only say them
    again.
    """
    tree, nodes = ast.parse(source), list(ast_nodes(get_ast(source)))
    annotations = list(_find_annotations(tree))
    functions = [_span(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = []
    for name, operator in list_operators().items():
        for occurrence, place in enumerate(_find_places(operator, nodes)):
            if any(span.has(place) for span in annotations):
                continue
            if name == NUMBERS and not any(span.has(place) for span in functions):
                continue
            found.append(Mutation(path, *place, name, occurrence))
    return sorted(found)


def _find_places(operator: Operator, nodes: Iterable[object]) -> Iterator[tuple[int, int]]:
    for node in nodes:
        if _is_for_mypy(node):
            continue
        for begin, _ in operator.mutation_positions(node):  # type: ignore[arg-type] # of parso
            yield begin


def _is_for_mypy(node: object) -> bool:
    parent = getattr(node, "parent", None)
    if not isinstance(parent, BaseNode):
        return False
    first = parent.get_first_leaf()  # type: ignore[no-untyped-call] # of parso
    return parent.type == "parameters" or (parent.type == "argument" and first.value == "frozen")


def _find_annotations(tree: ast.Module) -> Iterator[_Span]:
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr):
                yield _span(found)


def _span(node: ast.expr | ast.stmt) -> _Span:
    end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
    return _Span((node.lineno, node.col_offset), end)


def mutate(mutation: Mutation, source: str) -> str | None:
    """Return the text of the module with the mutation; None if it is no Python any more."""
    changed = mutate_code(source, list_operators()[mutation.operator], mutation.occurrence)
    if changed is None or changed == source:
        return None
    try:
        compile(changed, mutation.path, "exec")
    except SyntaxError:
        return None
    return changed


def choose(
    mutations: Iterable[Mutation], sources: Mapping[str, str], *, most: int, seed: int
) -> Sequence[tuple[Mutation, str]]:
    """Return at most that many mutations with the changed text, at different places if possible.

    The same seed chooses the same ones of the same text.
    """
    chance = random.Random(seed)
    shuffled = list(mutations)
    chance.shuffle(shuffled)
    places: set[tuple[str, int]] = set()
    first: list[Mutation] = []
    later: list[Mutation] = []
    for one in shuffled:
        (later if (one.path, one.line) in places else first).append(one)
        places.add((one.path, one.line))
    chosen: list[tuple[Mutation, str]] = []
    for one in (*first, *later):
        if len(chosen) == most:
            break
        if changed := mutate(one, sources[one.path]):
            chosen.append((one, changed))
    return chosen
