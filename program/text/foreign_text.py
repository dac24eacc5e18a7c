"""Makes foreign text safe to show: removes or names harmful code points. Pure.

Anybody may have written a log, a ref, a commit's subject or the message of a build. Two kinds of
code points are harmful on every screen. Each edge also escapes its own markup, such as HTML.

A terminal obeys commands: escape sequences, also those that begin with one 8-bit character
(U+0080 to U+009F), and every other control character (U+0000 to U+001F, U+007F). They move
the cursor, set the title, fill the clipboard. Tab, line feed and carriage return are white space.

Marks are invisible, but change how the text beside them looks: U+061C, U+200E, U+200F, U+202A to
U+202E and U+2066 to U+2069 turn the direction of text (CVE-2021-42574), U+FFF9 to U+FFFB hide an
annotation, U+FEFF makes two names look alike. The joiners U+200C and U+200D and the variation
selectors do not count as marks: scripts and emoji need them.
"""

import re

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
MARKS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
"""The marks, for the brackets of a regular expression; terminal.js has the same list."""

_SEQUENCE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor, screen, modes
    # Titles, clipboard, links, device strings. One without an end ends at the end of its line.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_SEQUENCES = re.compile(_SEQUENCE)
_COMMANDS = re.compile(rf"{_SEQUENCE}|[{_CONTROLS}]")
_NO_COLOURS = re.compile(rf"(?!\x1b\[[0-9;:]*m)(?:{_SEQUENCE}|[{_CONTROLS}])")
_MARKS = re.compile(f"[{MARKS}]")
_UNSEEN = re.compile(f"[{_CONTROLS}{MARKS}]")


def drop_sequences(text: str) -> str:
    """Return a text without escape sequences; control characters such as backspaces stay."""
    return _SEQUENCES.sub("", text)


def drop_commands(text: str, *, colours: bool = False) -> str:
    """Return a text without terminal commands, except with `colours` the ones for colours."""
    return (_NO_COLOURS if colours else _COMMANDS).sub("", text)


def drop_unseen(text: str) -> str:
    """Return a text without commands and marks."""
    return _MARKS.sub("", drop_commands(text))


def name_marks(text: str) -> str:
    """Return a text with each mark replaced by its number: "<U+202E>"."""
    return _MARKS.sub(_name, text)


def name_unseen(text: str) -> str:
    """Return a text with each control character and mark replaced by its number."""
    return _UNSEEN.sub(_name, text)


def _name(found: re.Match[str]) -> str:
    return f"<U+{ord(found[0]):04X}>"
