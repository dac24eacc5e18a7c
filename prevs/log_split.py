"""The two parts of a job's log: the command's output, and what the executor does around it.

The executor announces the command with a line of its own, and its lines after the command's end
have fixed beginnings (tests/contract/test_job_logs.py). If a command prints such a line itself, the
line counts to the other part. Pure.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BEGINNING = re.compile(r"^== running [^\n]* ==\n", re.MULTILINE)
_AFTERWARDS = re.compile(
    r"^== (?:it has run for [\d.e+]+ s, which is its timeout|kept [\d,]+ files? of|"
    r"left out [\d,]+ entries of)[^\n]* ==\n",
    re.MULTILINE,
)
_OURS = "== "
_LONGEST = 300
"""Characters of such a line at most."""


class Parts(NamedTuple):
    """What a piece of the log has of each part."""

    around: str = ""
    output: str = ""


class LogSplit:
    """Splits the log of one attempt, piece by piece."""

    def __init__(self) -> None:
        self._has_begun = False
        self._is_cut = False
        self._is_in_line = False
        self._end = 0
        self._held = ""

    def feed(self, text: str, end: int | None, *, runs: bool) -> Parts:
        """Return the parts of the next piece, which ends at the byte `end`.

        `runs` is whether the command has begun by now. If a part of a long log is missing, its
        beginning was there, so that what follows is its output.
        """
        if end is not None:
            self._is_cut |= end - len(text.encode("utf-8", "replace")) > self._end
            self._end = end
        if self._has_begun:
            return self._take_output(text)
        text, self._held = self._held + text, ""
        if found := _BEGINNING.search(text):
            self._has_begun = True
            rest = self._take_output(text[found.end() :])
            return Parts(text[: found.start()] + rest.around, rest.output)
        if self._is_cut and runs:
            self._has_begun = True
            return self._take_output(text)
        whole = text.rfind("\n") + 1
        self._held = text[whole:]
        return Parts(around=text[:whole])

    def finish(self) -> Parts:
        """Return what is left once the log has ended: its last line, if that has no end."""
        left, self._held = self._held, ""
        return Parts(output=left) if self._has_begun else Parts(around=left)

    def _take_output(self, text: str) -> Parts:
        """Return the parts of what comes after the beginning."""
        text, self._held = self._held + text, ""
        first = text.find("\n") + 1 if self._is_in_line else 0
        if self._is_in_line and not first:
            return Parts(output=text)
        last = max(first, text.rfind("\n") + 1)
        line = text[last:]
        if len(line) <= _LONGEST and (line[:3] or "-") == _OURS[: len(line)]:
            text, self._held = text[:last], line
        self._is_in_line = bool(text) and not text.endswith("\n")
        around = "".join(found.group() for found in _AFTERWARDS.finditer(text, first))
        output = text[:first] + _AFTERWARDS.sub("", text[first:]) if around else text
        return Parts(around, output)
