"""For which branches and tags a variable is, and whether for builds or at run time. Pure.

A ref is written as below git's refs/: heads/main is a branch, tags/v1 a tag. So a tag never counts
as a branch of the same name.
"""

import dataclasses
import enum
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from prevs import names

MOST_PATTERNS, LONGEST_PATTERN = 20, 200
_REST = "**"
_ODD = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff\ufeff"
"""Spaces and invisible characters."""
_PART = rf"(?:[^{_ODD},/*]|\*(?!\*))+"
PATTERN = rf"(?!refs(?:/|$))(?:{_PART}(?:/{_PART})*(?:/\*\*)?|\*\*)"
"""The form of a pattern, as a regular expression for both Python and ECMAScript."""
_SEEN = re.compile(rf"[^{_ODD},]+")


class GivenFor(enum.Enum):
    """Which part of an attempt gets a variable."""

    BUILD = "build"
    RUN = "run"
    BOTH = "both"


@dataclasses.dataclass(frozen=True)
class VariableScope:
    """Patterns for branches and for tags; without patterns, it covers every commit."""

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    given_for: GivenFor = GivenFor.BOTH

    @property
    def is_for_all(self) -> bool:
        """Whether every commit gets the variable."""
        return not self.branches and not self.tags

    def holds(self, refs: Iterable[str]) -> bool:
        """Return whether a commit gets the variable to which exactly these `refs` lead."""
        return self.is_for_all or any(self._names(ref) for ref in refs)

    def _names(self, ref: str) -> bool:
        for folder, patterns in ((names.BRANCHES, self.branches), (names.TAGS, self.tags)):
            if ref.startswith(folder):
                return any(matches(pattern, ref[len(folder) :]) for pattern in patterns)
        return False


def matches(pattern: str, name: str) -> bool:
    """Return whether a pattern matches the name of a branch or tag.

    `*` and `?` match no slash; `**` at the end matches everything that follows.
    """
    wanted, parts = pattern.split("/"), name.split("/")
    if wanted[-1] == _REST:
        wanted[-1] = "*"
        parts = [*parts[: len(wanted) - 1], *parts[len(wanted) - 1 :][:1]]
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))


def find_patterns_problem(patterns: Sequence[str]) -> str | None:
    """Return what is wrong with the patterns of a scope, or None."""
    if len(patterns) > MOST_PATTERNS:
        return f"are {len(patterns)} patterns; at most {MOST_PATTERNS} are allowed"
    return next((problem for problem in map(_find_problem, patterns) if problem), None)


def _find_problem(pattern: str) -> str | None:
    if len(pattern) > LONGEST_PATTERN:
        return f"has a pattern of more than {LONGEST_PATTERN} characters"
    if not _SEEN.fullmatch(pattern):
        return f"has {pattern!r}: a pattern must not contain spaces, commas or control characters"
    parts = pattern.split("/")
    if "" in parts:
        return f"has {pattern!r}: a slash must have something before and after it"
    if parts[0] == "refs":
        return f"has {pattern!r}: write main for refs/heads/main"
    if any(_REST in part for part in parts[:-1]) or (_REST in parts[-1] and parts[-1] != _REST):
        return f"has {pattern!r}: ** must be at the end, alone or after a slash"
    return None
