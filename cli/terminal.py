"""What of a foreign text a terminal may be given: words and line ends, and colours where wanted.

Terminals obey what they print: program/foreign_text.py has what they are not given.
"""

import re

from program.foreign_text import drop_commands, name_marks

# What is held back is bounded: a command may go on for ever.
_UNFINISHED = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}\x1b?"
    r"|\x1b[ -/]{0,16})\Z"
)

RESET = "\x1b[0m"


class Cleaner:
    """Leaves the text and line ends of a stream, with `colours` those too, and no other command.

    What turns the direction of text, or hides some, is shown by its number instead.
    """

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._held = ""

    def clean(self, piece: str) -> str:
        """Return what of `piece` may be printed; a command that is cut off waits for its rest."""
        text = self._held + piece
        cut = _UNFINISHED.search(text)
        self._held = cut.group() if cut else ""
        text = text[: cut.start()] if cut else text
        return name_marks(drop_commands(text, colours=self._colours))


def one_line(text: str) -> str:
    """Return `text` on one line and without any terminal command."""
    return " ".join(name_marks(drop_commands(text)).split())
