"""The lines of the keys in a TOML document, compared with tomllib's keys."""

import contextlib
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framework.apps.manifest.lines import DEEPEST, Path, TooDeep, find_lines

DOCUMENT = '''\
# A comment with = and [brackets]
port = 8000
command = ["a", "b # no comment",
  'c',  # one
  [ "d" ],
]

[health]
"path" = "/ready"
text = """
[not.a.table]
x = 1
"""

[a.b."c d"]
e.f = { g = 1, h = [2, 3] }

[[hooks]]
run = "x"
[[hooks]]
run = """y"""""
[hooks.more]
z = 1979-05-27 07:32:00
'''


def test_each_key_has_the_line_where_it_is_written() -> None:
    lines = find_lines(DOCUMENT)
    assert lines == {
        ("port",): 2,
        ("command",): 3,
        ("command", 0): 3,
        ("command", 1): 3,
        ("command", 2): 4,
        ("command", 3): 5,
        ("command", 3, 0): 5,
        ("health",): 8,
        ("health", "path"): 9,
        ("health", "text"): 10,
        ("a",): 15,
        ("a", "b"): 15,
        ("a", "b", "c d"): 15,
        ("a", "b", "c d", "e"): 16,
        ("a", "b", "c d", "e", "f"): 16,
        ("a", "b", "c d", "e", "f", "g"): 16,
        ("a", "b", "c d", "e", "f", "h"): 16,
        ("a", "b", "c d", "e", "f", "h", 0): 16,
        ("a", "b", "c d", "e", "f", "h", 1): 16,
        ("hooks",): 18,
        ("hooks", 0): 18,
        ("hooks", 0, "run"): 19,
        ("hooks", 1): 20,
        ("hooks", 1, "run"): 21,
        ("hooks", 1, "more"): 22,
        ("hooks", 1, "more", "z"): 23,
    }
    assert set(lines) == set(paths(tomllib.loads(DOCUMENT)))


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for part, one in inner:
        yield (*here, part)
        if isinstance(one, dict | list):
            yield from paths(one, (*here, part))


PIECES = [*"[]{}=.,#ab1-_ \"'\\\n\t\r", '"""', "'''", "[[", "]]", "\r\n", "\\u00e9", "é", "a = "]
KEYS = ["a", "b.c", '"d e"', "'f'", "a . b", '"\\u0061"', "1", '""']
VALUES = [
    "1",
    "true",
    '"x # y"',
    "'[z]'",
    '"""a\n[b]\nc = 1"""',
    "'''\n''x'''''",
    '""""quoted""""',
    "1979-05-27T07:32:00Z",
    "[]",
    "[1, [2], # c\n 3,\n]",
    "{}",
    "{a = 1, b.c = [{d = '}'}]}",
    '"\\"\\\\"',
    "-inf",
]
LINES = st.one_of(
    st.builds("{} = {}\n".format, st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.builds("[{}]\n".format, st.sampled_from(KEYS)),
    st.builds("[[{}]] # x\r\n".format, st.sampled_from(KEYS)),
    st.sampled_from(["\n", "# x = 1\n", "  \t\n"]),
)


@given(st.lists(LINES, max_size=8).map("".join))
def test_the_keys_are_those_that_tomllib_finds(text: str) -> None:
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        find_lines(text)
        return
    lines = find_lines(text)
    assert set(lines) == set(paths(parsed))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("a = 'x")
@example('"\\UFFFFFFFF" = 1')
def test_no_text_changes_the_lines_of_keys(text: str) -> None:
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with contextlib.suppress(TooDeep):
            find_lines(text)
        return
    assert set(find_lines(text)) == set(paths(parsed))


@pytest.mark.parametrize(
    "text",
    [
        "\n" + ".".join("a" * (DEEPEST + 1)) + " = 1",
        "\n[" + ".".join("a" * (DEEPEST + 1)) + "]",
        "\na = " + "[" * 10_000,
        "\na = " + "{a = " * 10_000,
        "[a.a.a.a.a.a]\na.a.a.a.a.a.a = 1",
    ],
)
def test_too_deep_a_nesting_is_reported_with_its_line(text: str) -> None:
    with pytest.raises(TooDeep) as raised:
        find_lines(text)
    assert raised.value.line == 2


def test_the_deepest_allowed_nesting_is_accepted() -> None:
    assert find_lines(".".join("a" * DEEPEST) + " = 1")
