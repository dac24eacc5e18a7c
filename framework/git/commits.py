"""Reads commits from git's output, and the cursors of their lists. Pure.

The author chooses what is in a commit: a name may have a megabyte, a time may be a million years.
"""

import re
from typing import NamedTuple

from framework.ports import Commit

FORMAT = "--format=%H %ct %P%n%an%n%s"
"""The format for `read_commits`, three lines each: no name and no subject has a line break."""

LONGEST_AUTHOR, LONGEST_SUBJECT = 100, 300
MOST_PARENTS = 16
"""How many parents of a commit are told; a merge of more branches is somebody's joke."""
LATEST = 253402300799.0
"""The last second of the year 9999: Python's calendar ends there."""

_CURSOR = re.compile(r"([0-9a-f]{40})\.(\d{1,7})(?:\.([0-9a-f]{40}))?(\.first)?", re.ASCII)


class Cursor(NamedTuple):
    """A position in the list of commits that `sha` reaches: after the first `skip` of them.

    The list leaves out what `base` reaches, "" for nothing. With `first_parent` it follows only the
    first parent of a merge.
    """

    sha: str
    skip: int = 0
    base: str = ""
    first_parent: bool = False


def read_commits(output: str) -> list[Commit]:
    """Return the commits in git's output in FORMAT."""
    lines = output.split("\n")
    return [
        _read(head, author, subject)
        for head, author, subject in zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    ]


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as text, for `read_cursor`."""
    base = f".{cursor.base}" if cursor.base else ""
    return f"{cursor.sha}.{cursor.skip}{base}{'.first' if cursor.first_parent else ''}"


def read_cursor(text: str) -> Cursor | None:
    """Return the cursor in a text, None if there is none."""
    read = _CURSOR.fullmatch(text)
    return Cursor(read[1], int(read[2]), read[3] or "", bool(read[4])) if read else None


def _read(head: str, author: str, subject: str) -> Commit:
    sha, committed, *parents = head.split(" ")
    seconds = min(float(committed), LATEST) if committed.isdecimal() else 0.0
    return Commit(
        sha,
        _cut(author, LONGEST_AUTHOR),
        _cut(subject, LONGEST_SUBJECT),
        seconds,
        tuple(parents[:MOST_PARENTS] if parents != [""] else ()),
    )


def _cut(text: str, most: int) -> str:
    """Return a text that UTF-8 can encode, with at most `most` characters."""
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
