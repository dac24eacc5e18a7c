"""program/text/foreign_text.py: what no screen gets as it is."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program import web
from program.text import foreign_text
from program.text.foreign_text import (
    drop_commands,
    drop_sequences,
    drop_unseen,
    name_marks,
    name_unseen,
)

WHITE = "\t\n\r"
COMMANDS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - set(WHITE)
TURNS = {"\u061c", "\u200e", "\u200f", *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))}
HIDES = {"\ufeff", "\ufff9", "\ufffa", "\ufffb"}
ODD = st.text(st.sampled_from(sorted(COMMANDS | TURNS | HIDES | set("[]0;1m\\PX^_ ab\n\r\t"))))


def test_marks_are_all_that_turn_the_direction_of_text_and_some_that_hide() -> None:
    """Unicode's own classes say which turn it: a new version may have more."""
    kinds = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    turn = {sign for sign in map(chr, range(0x110000)) if unicodedata.bidirectional(sign) in kinds}
    assert turn <= TURNS
    found = re.compile(f"[{foreign_text.MARKS}]")
    assert {sign for sign in map(chr, range(0x110000)) if found.match(sign)} == TURNS | HIDES


def test_the_pages_that_show_logs_have_the_same_marks() -> None:
    assert f"const MARKS = /[{foreign_text.MARKS}]/;" in web.read("terminal.js")


@given(ODD)
def test_nothing_harmful_is_left(text: str) -> None:
    assert not COMMANDS & set(drop_commands(text))
    assert not (COMMANDS | TURNS | HIDES) & set(drop_unseen(text))
    assert not (TURNS | HIDES) & set(name_marks(text))
    assert not (COMMANDS | TURNS | HIDES) & set(name_unseen(text))
    assert "\x1b" not in drop_sequences(text)


@given(ODD)
def test_only_colours_stay_if_they_are_wanted(text: str) -> None:
    left = re.sub(r"\x1b\[[0-9;:]*m", "", drop_commands(text, colours=True))
    assert not COMMANDS & set(left)


@pytest.mark.parametrize("clean", [drop_sequences, drop_commands, drop_unseen, name_unseen])
@pytest.mark.parametrize(
    "text",
    [
        "Grüße, 世界 \U0001f469\u200d\U0001f680 \u2764\ufe0f",
        "\u0645\u06cc\u200c\u062e",
        "a\r\n\tb\u2028",
    ],
)
def test_words_of_any_script_stay(clean: Callable[[str], str], text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31mred\x1b[0m \x9b2Jx", "red x"),
        ("\x1b]0;a title\x07a \x1b]8;;http://x/\x1b\\link\x9d8;;\x9c", "a link"),
        ("\x1b]0;never ended\nb", "\nb"),
        ("a\x1bPq\x1b\\\x1b(Bb\x08\x00", "ab"),
    ],
)
def test_a_command_is_removed_whole(text: str, left: str) -> None:
    assert drop_commands(text) == left


def test_named_code_points_are_visible() -> None:
    text = "\u202egnp.\x1b[2J <b> \U0001f98a\n"
    assert name_unseen(text) == "<U+202E>gnp.<U+001B>[2J <b> \U0001f98a\n"
    assert name_marks(text) == "<U+202E>gnp.\x1b[2J <b> \U0001f98a\n"
