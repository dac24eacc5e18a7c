"""Foreign text, made safe for a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.display.terminal import Cleaner, one_line

_PARTS = ["a", "é", "\n", "\r", "\t", "[", "31", ";", "m", "2J", "]0;", "P", "\\"]
_PARTS += ["\x07", "\x1b", "\x9b", "\x9c", "\x9d", "\u202e"]
PIECES = st.lists(st.sampled_from(_PARTS))
HOSTILE = (
    "\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3mrgb\x1b[0m"  # colours
    "\x1b[2J\x1b[3;1H\x1b[?1049h\x1b[8;1;1t"  # screen, cursor, window
    "\x1b]0;title\x07\x1b]52;c;eA==\x1b\\\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\"
    "\x1bP$q\x1b\\\x1b_G\x1b\\\x1bcplain\x9b2J\x08\n"
)


def test_a_cleaner_keeps_colours_if_wanted_and_drops_other_terminal_commands() -> None:
    colourful = "\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3mrgb\x1b[0mlinkplain\n"
    assert Cleaner(colours=True).clean(HOSTILE) == colourful
    assert Cleaner(colours=False).clean(HOSTILE) == "red rgblinkplain\n"


def test_marks_that_turn_the_direction_of_text_are_shown() -> None:
    text = "exe.\u202egpj \u2066x\u2069 \u200f"
    shown = "exe.<U+202E>gpj <U+2066>x<U+2069> <U+200F>"
    assert Cleaner(colours=True).clean(text) == one_line(text) == shown


def test_nothing_is_written_over_what_a_line_says() -> None:
    cleaner = Cleaner(colours=True)
    pieces = ("refused\rall is well\r", "\n", "10 %\r\r20 %\r", "\x1b[2K30 %\r\n")
    shown = "refused\nall is well\n10 %\n20 %\n30 %\n"
    assert "".join(map(cleaner.clean, pieces)) == shown


@given(PIECES, st.booleans())
def test_a_stream_is_cleaned_alike_in_any_pieces(pieces: list[str], colours: bool) -> None:
    whole = Cleaner(colours=colours).clean("".join(pieces))
    cleaner = Cleaner(colours=colours)
    assert "".join(cleaner.clean(piece) for piece in pieces) == whole


@given(st.text())
def test_one_line_is_one_line_without_commands(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert "\x1b" not in line


@pytest.mark.parametrize("begin", ["\x1b[", "\x9b", "\x1b]0;", "\x9d0;", "\x1b ", "\x1bP", ""])
def test_a_command_that_never_ends_is_not_kept(begin: str) -> None:
    cleaner = Cleaner(colours=True)
    sent = begin + "0" * 100_000
    printed = "".join(cleaner.clean(sent[at : at + 1000]) for at in range(0, len(sent), 1000))
    assert printed.endswith("0" * 90_000)
    assert "\x1b" not in printed
