"""YAML documents as trees with lines, of any text that somebody commits."""

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from framework.apps.compose.yaml_tree import (
    DEEPEST,
    MOST_NODES,
    Listing,
    Node,
    NotYaml,
    Scalar,
    Table,
    read_tree,
)


def plain(node: Node) -> Any:
    """Return a tree without its lines."""
    match node:
        case Scalar(text=text):
            return text
        case Listing(entries=entries):
            return [plain(one) for one in entries]
        case Table(entries=named):
            return {name: plain(one) for name, (_, one) in named.items()}


def try_to_read(text: str) -> Node | NotYaml:
    """Return the tree of a document, or why it has none."""
    try:
        return read_tree(text)
    except NotYaml as error:
        return error


VALUES = st.recursive(
    st.text(max_size=8) | st.integers().map(str) | st.sampled_from(["null", "true", "~", "", "on"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_a_document_is_read_as_by_its_library(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    found = try_to_read(text)
    if isinstance(found, NotYaml):
        assert "nested" in found.why
    else:
        # The loader makes texts, lists and tables only.
        assert plain(found) == yaml.load(text, yaml.BaseLoader)


DEEP = "is nested too deeply; no setting needs that"


@given(st.text(max_size=200) | st.text("[]{}:,&*a-! \n\"'|>#?%", max_size=60))
@example("&a [*a]")
@example("%YAML 9.9\n---\na")
@example("? [a]\n: b")
@example("!!binary x")
@example("\ufeffa: b")
def test_any_text_is_read_or_refused_with_a_line_of_its_own(text: str) -> None:
    found = try_to_read(text)
    if isinstance(found, NotYaml):
        assert 1 <= found.line <= len(text.splitlines()) + 1
        assert found.why


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("a: 1\nb: [", 2, "is not YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\n b: 2", 2, "is not YAML: mapping values are not allowed here"),
        ("a: 1\nb: 2\na: 3", 3, "a is there twice"),
        ("a: 1\n---\nb: 2", 2, "begins a second document (---); there may be one"),
        ("a: &x 1\nb: *y", 2, "no value before it has the name &y"),
        ("a:\n  &x [1, *x]", 2, "no value before it has the name &x"),
        ("a: !!python/object/apply:os.system [x]", 1,
         "has the tag tag:yaml.org,2002:python/object/apply:os.system; write the value without it"),
        ("a: !other 1", 1, "has the tag !other; write the value without it"),
        ("? [a]\n: 1", 1, "a key must be text"),
        ("a: 1\n<<: [b]", 2, "<< must name a table, or a list of tables"),
        ("a\n\x07", 2, "has a character that YAML does not allow"),
        pytest.param("[" * 3000, 1, DEEP, id="deep"),
        pytest.param("a:\n" + "- " * 3000, 2, DEEP, id="deep in a table"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(NotYaml) as raised:
        read_tree(text)
    assert (raised.value.line, raised.value.why) == (line, why)


def test_aliases_are_values_of_their_own() -> None:
    tree = read_tree("a: &x [1, {b: 2}]\nc: *x\n")
    assert plain(tree) == {"a": ["1", {"b": "2"}], "c": ["1", {"b": "2"}]}


def test_a_few_lines_of_aliases_do_not_become_billions_of_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(NotYaml, match=f"more than {MOST_NODES:,} values"):
        read_tree("\n".join(lines))


def test_aliases_do_not_nest_values_deeper_than_a_document_may() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, DEEPEST + 3))]
    with pytest.raises(NotYaml, match="nested too deeply"):
        read_tree("\n".join(lines))


def test_a_table_has_what_it_is_merged_with_where_it_says_nothing_itself() -> None:
    tree = read_tree("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\nd: {<<: *b}")
    assert plain(tree)["c"] == {"x": "0", "y": "1", "z": "2"}
    assert plain(tree)["d"] == {"y": "2", "z": "2"}
