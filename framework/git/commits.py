"""Commits as git tells of them, and the pages of a list of them. Pure.

What is in a commit is its author's: a name of a megabyte, a time of a million years.
"""

import re
from typing import NamedTuple

from framework.ports import Commit

FORMAT = "--format=%H %ct%n%an%n%s"
"""What `read_commits` reads, three lines each: neither a name nor a subject has a line break."""

LONGEST_AUTHOR, LONGEST_SUBJECT = 100, 300
LATEST = 253402300799.0
"""The last second of the year 9999: beyond it no calendar goes."""

_CURSOR = re.compile(r"([0-9a-f]{40})\.(\d{1,7})", re.ASCII)


class Cursor(NamedTuple):
    """A place in the list of what a commit reaches: after the first `skip` of them."""

    sha: str
    skip: int


def read_commits(output: str) -> list[Commit]:
    """Return the commits in what git wrote with FORMAT."""
    lines = output.split("\n")
    return [
        _read(head, author, subject)
        for head, author, subject in zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    ]


def write_cursor(cursor: Cursor) -> str:
    """Return a place as `read_cursor` reads it."""
    return f"{cursor.sha}.{cursor.skip}"


def read_cursor(text: str) -> Cursor | None:
    """Return a place, or None of any other text."""
    read = _CURSOR.fullmatch(text)
    return Cursor(read[1], int(read[2])) if read else None


def _read(head: str, author: str, subject: str) -> Commit:
    sha, _, committed = head.partition(" ")
    seconds = min(float(committed), LATEST) if committed.isdecimal() else 0.0
    return Commit(sha, _cut(author, LONGEST_AUTHOR), _cut(subject, LONGEST_SUBJECT), seconds)


def _cut(text: str, most: int) -> str:
    """Return a text that can be sent as UTF-8, of at most so many characters."""
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
