"""The command line has by hand neither a type of an answer nor a list of what the API offers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generated.http_api import describe
from generator.choices import find_words

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "cli/client/generated"


def find_lists(text: str) -> Iterator[frozenset[str]]:
    """Yield the words of each list, tuple and set of a module that has nothing else."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            words = [one.value for one in node.elts if isinstance(one, ast.Constant)]
            if len(words) == len(node.elts):
                yield frozenset(word for word in words if isinstance(word, str))


def find_types(text: str) -> Iterator[str]:
    """Yield the names of the classes of a module that are TypedDicts."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and "TypedDict" in map(ast.unparse, node.bases):
            yield node.name


def read_modules() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "cli").rglob("*.py")):
        if path.parent != GENERATED:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_no_list_of_choices_is_written_by_hand() -> None:
    schemas = describe()["components"]["schemas"]
    offered = {
        frozenset(find_words(schema, schemas))
        for model in schemas.values()
        for schema in (model, *model.get("properties", {}).values())
    }
    offered = {words for words in offered if len(words) > 1}
    assert frozenset({"read", "use", "admin"}) in offered
    by_hand = [(name, words) for name, text in read_modules() for words in find_lists(text)]
    assert [(name, words) for name, words in by_hand if words in offered] == []


def test_no_answer_is_a_type_written_by_hand() -> None:
    assert [(name, kind) for name, text in read_modules() for kind in find_types(text)] == []


def test_what_is_written_by_hand_is_found() -> None:
    assert [*find_lists('A = ("read", "use")\nB = ["x", A]')] == [frozenset({"read", "use"})]
    assert [*find_types("class Given(TypedDict):\n    name: str")] == ["Given"]
