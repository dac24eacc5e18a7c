"""What of a foreign text a terminal may be given: words and line ends, and colours where wanted.

Terminals obey what they print. A log, a ref or a commit's subject comes from code that nobody
vetted: it could move the cursor, set the title, fill the clipboard, or show words in an order that
is not theirs.
"""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_COMMANDS = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, clipboard, links, device strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # cursor, screen, modes
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,4096}\x1b?|[ -/]*)?\Z")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

RESET = "\x1b[0m"


class Cleaner:
    """Leaves the text and line ends of a stream, with `colours` those too, and no other command.

    What turns the direction of text is shown by its number instead.
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
        return _show_directions(_COMMANDS.sub(self._judge, text))

    def _judge(self, command: re.Match[str]) -> str:
        return command[0] if self._colours and _COLOUR.fullmatch(command[0]) else ""


def one_line(text: str) -> str:
    """Return `text` on one line and without any terminal command."""
    return " ".join(_show_directions(_COMMANDS.sub("", text)).split())


def _show_directions(text: str) -> str:
    return _DIRECTIONS.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)
