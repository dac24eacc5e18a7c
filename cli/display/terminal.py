"""Makes foreign text safe for a terminal: it keeps words, line ends and, if wanted, colours.

A terminal obeys commands in what it prints; program/text/foreign_text.py names those to remove.
"""

import re

from program.text.foreign_text import drop_commands, name_marks

# The held text is bounded: a command may never end.
_UNFINISHED = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}\x1b?"
    r"|\x1b[ -/]{0,16})\Z"
)

_RETURNS = re.compile(r"\r+\n?")

RESET = "\x1b[0m"


class Cleaner:
    """Keeps the text and line ends of a stream, and colours if `colours`; drops all other commands.

    A mark that turns or hides text is shown as its number. A carriage return ends its line: what
    comes behind it would be written over what is there.
    """

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._held = ""
        self._returned = ""

    def clean(self, piece: str) -> str:
        """Return the safe text of `piece`; a command that is cut off waits for its rest."""
        text = self._held + piece
        cut = _UNFINISHED.search(text)
        self._held = cut.group() if cut else ""
        text = text[: cut.start()] if cut else text
        text = self._returned + drop_commands(text, colours=self._colours)
        shown = text.rstrip("\r")
        self._returned = text[len(shown) :][:1]  # it may be the first half of a line's end
        return name_marks(_RETURNS.sub("\n", shown))


def one_line(text: str) -> str:
    """Return `text` on one line and without any terminal command."""
    return " ".join(name_marks(drop_commands(text)).split())
