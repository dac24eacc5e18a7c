"""What of a foreign text a terminal may be given: words and line ends, and colours where wanted.

Terminals obey what they print. A log, a ref or a commit's subject comes from code that nobody
vetted: it could move the cursor, set the title, fill the clipboard, or show words in an order that
is not theirs.
"""

import re

_ALL = (
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, clipboard, links, device strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # cursor, screen, modes
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_COMMANDS = re.compile(_ALL)
_NO_COLOURS = re.compile(rf"(?!\x1b\[[0-9;:]*m)(?:{_ALL})")
# What is held back is bounded: a command may go on for ever.
_UNFINISHED = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,16}|[\]PX^_][^\x07\x1b]{0,4096}\x1b?|[ -/]{0,16})?\Z"
)
_DIRECTIONS = {
    number: f"<U+{number:04X}>"
    for number in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}

RESET = "\x1b[0m"


class Cleaner:
    """Leaves the text and line ends of a stream, with `colours` those too, and no other command.

    What turns the direction of text is shown by its number instead.
    """

    def __init__(self, *, colours: bool) -> None:
        self._removed = _NO_COLOURS if colours else _COMMANDS
        self._held = ""

    def clean(self, piece: str) -> str:
        """Return what of `piece` may be printed; a command that is cut off waits for its rest."""
        text = self._held + piece
        cut = _UNFINISHED.search(text)
        self._held = cut.group() if cut else ""
        text = text[: cut.start()] if cut else text
        return self._removed.sub("", text).translate(_DIRECTIONS)


def one_line(text: str) -> str:
    """Return `text` on one line and without any terminal command."""
    return " ".join(_COMMANDS.sub("", text).translate(_DIRECTIONS).split())
