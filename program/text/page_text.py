"""Makes hostile text safe to show beside other text. Pure.

Pages escape markup themselves. This module handles the rest: the code points of
program/text/foreign_text.py, piles of accents, and endless words.
"""

import html
import re

from program.text.foreign_text import drop_sequences, drop_unseen, name_marks

_ACCENT = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILE = re.compile(f"({_ACCENT}{{3}}){_ACCENT}+")
_WIDEST = 1000
_DEAREST = 6
"""The most bytes of HTML that one character takes."""


def tame(text: str, most: int = 500) -> str:
    """Return a text on one line of at most `most` bytes of HTML, without harmful characters."""
    line = whole = " ".join(_bare(text[: most * 20]).split())
    while (over := _cost(line) - most) > 0:
        line = line[: -max(over // _DEAREST, 1)]
    return line if line == whole else f"{line}\u2026"


def end_of_log(text: str, most: int = 3000) -> str:
    """Return the last lines of a log as plain text, as a terminal would show them.

    Colours are removed; a mark that would reorder a line is shown as its number.
    """
    end = text[-4 * most :]
    if end != text:  # skip the cut first line, which may begin inside an escape sequence
        end = end.partition("\n")[2]
    end = name_marks(drop_sequences(end))
    kept = "\n".join(_bare(_overwrite(line)) for line in end.split("\n"))
    whole = len(kept)
    while (over := _cost(kept) - most) > 0:
        kept = kept[max(over // _DEAREST, 1) :]
    return kept if len(kept) == whole else kept.partition("\n")[2] or kept


def _overwrite(line: str) -> str:
    """Apply the carriage returns and backspaces of a line, and cut a very long one."""
    line = line.rstrip("\r").rpartition("\r")[2]
    if "\x08" in line:
        left: list[str] = []
        for character in line:
            if character != "\x08":
                left.append(character)
            elif left:
                left.pop()
        line = "".join(left)
    return line if len(line) <= _WIDEST else line[:_WIDEST] + "\u2026"


def _cost(text: str) -> int:
    return len(html.escape(text).encode("utf-8", "replace"))


def _bare(text: str) -> str:
    return _PILE.sub(r"\1", drop_unseen(text))
