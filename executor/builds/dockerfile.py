"""Reads a Dockerfile: its instructions, what adds from an address, and its frontend. Pure.

BuildKit checks sources by a policy (executor/builds/build_policy.py), but does not report the line.
The classic builder has no policy, so we read its Dockerfile before the build. A source may be a
variable, whose value may come from a base image that is not here yet. So a source that begins with
a variable counts as an address.

One gap stays: a base image may have an ONBUILD that adds from an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

CLASSIC = ("http://", "https://")
"""The prefixes of sources that the classic builder fetches (moby, pkg/urlutil)."""

BUILDKIT = (*CLASSIC, "git://", "git@", "ssh://")
"""The same of BuildKit, whose ADD supports git."""

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_LONGEST_DIRECTIVE = 200
_ADD = re.compile(r"\s*(?:onbuild\s+)*add\s+(.*)", re.IGNORECASE | re.DOTALL)
_FLAG = re.compile(r"--\S*\s*")
_SPACE = re.compile(r"[\t\v\f\r ]+")
_HEREDOCS = ("RUN", "COPY", "ADD")
_HEREDOC = re.compile(r"\d*<<(-?)([^<\s]+)")
"""A word that begins a heredoc (moby/buildkit, frontend/dockerfile/parser, reHeredoc)."""


_FRONTEND = re.compile(r"^\s*(?:#|//)\s*syntax\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_OFFICIAL = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)

_BREAK = r"(?:[ \t]|\\\r?\n)+"
_RUN_FLAGS = re.compile(rf"^([ \t]*RUN{_BREAK})((?:--\S+?{_BREAK})+)", re.IGNORECASE | re.MULTILINE)
_ONE_FLAG = re.compile(rf"(--\S+?){_BREAK}")


class Line(NamedTuple):
    """An instruction: the number of its first line, and its text without continuations."""

    number: int
    text: str


def find_added(dockerfile: str, schemes: Sequence[str]) -> list[Line]:
    """Return the instructions that add, or may add, something from an address of these schemes."""
    lines = [line.rstrip("\r") for line in dockerfile.lstrip("\ufeff").split("\n")]
    escape = _find_escape(lines)
    found = []
    for line in _instructions(lines, escape):
        match = _ADD.fullmatch(line.text)
        if match and any(_may_begin(word, schemes, escape) for word in _sources(match[1])):
            found.append(Line(line.number, " ".join(line.text.split())))
    return found


def without_caches(dockerfile: str) -> str:
    """Return a Dockerfile without its cache mounts, which the classic builder does not know.

    A cache may always be empty, so that only takes time.
    """

    def keep(flag: re.Match[str]) -> str:
        kind, _, fields = flag[1].lower().partition("=")
        return "" if kind == "--mount" and "type=cache" in fields.split(",") else flag[0]

    return _RUN_FLAGS.sub(lambda match: match[1] + _ONE_FLAG.sub(keep, match[2]), dockerfile)


def read_instructions(dockerfile: str) -> Iterator[str]:
    """Yield each instruction on one line, with its keyword in upper case, as BuildKit shows it.

    A script that follows as the whole of a RUN (`RUN <<EOF`) is its first line in parentheses.
    """
    lines = [line.rstrip("\r") for line in dockerfile.lstrip("\ufeff").split("\n")]
    left = iter(lines)
    for line in _instructions(left, _find_escape(lines)):
        word, _, rest = " ".join(line.text.split()).partition(" ")
        text = f"{word.upper()} {rest}"
        more = ""
        if word.upper() in _HEREDOCS:
            for part in rest.split():
                if match := _HEREDOC.fullmatch(part):
                    script = _read_script(left, match)
                    more = f" ({script})" if _FLAG.sub("", rest) == part else ""
        yield text + (more if word.upper() == "RUN" else "")


def _read_script(left: Iterator[str], heredoc: re.Match[str]) -> str:
    """Take the lines of a heredoc; return the first one (dockerfile2llb, summarizeHeredoc)."""
    end = heredoc[2].strip("\"'")
    script = []
    for line in left:
        if (line.lstrip("\t") if heredoc[1] else line) == end:
            break
        script.append(line)
    said = "\n".join(script).strip().split("\n")
    return said[0] + ("..." if len(said) > 1 else "")


def find_own_frontend(dockerfile: str) -> str | None:
    """Return the frontend that a Dockerfile chooses, None if that is Docker's own.

    BuildKit looks for it in the first lines alone, and in JSON (parser.DetectSyntax).
    """
    text = dockerfile.lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return "one that is written in JSON"
    named = _FRONTEND.findall(text)
    return next((one for one in named if not _OFFICIAL.fullmatch(one)), None)


def _instructions(lines: Iterable[str], escape: str) -> Iterator[Line]:
    goes_on = re.compile(f"(.*[^{re.escape(escape)}]|){re.escape(escape)}[ \t]*")
    text, number = "", 0
    for at, line in enumerate(lines, 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        number = number or at
        if match := goes_on.fullmatch(line):
            text += match[1]
            continue
        yield Line(number, text + line)
        text, number = "", 0
    if text:
        yield Line(number, text)


def _find_escape(lines: Sequence[str]) -> str:
    """Return the character that continues a line. A directive at the top may set it."""
    for line in lines:
        match = _DIRECTIVE.fullmatch(line[:_LONGEST_DIRECTIVE].strip())
        if match is None:
            break
        if match[1].lower() == "escape" and match[2] in ("\\", "`"):
            return match[2]
    return "\\"


def _sources(rest: str) -> Sequence[str]:
    """Return the sources: all words but the last one, which is the target."""
    while flag := _FLAG.match(rest):
        rest = rest[flag.end() :]
    rest = rest.strip()
    if rest.startswith("["):
        try:
            words = json.loads(rest)
        except ValueError:
            words = None
        if isinstance(words, list):
            return [str(word) for word in words[:-1]]
    return [word for word in _SPACE.split(rest) if word][:-1]


def _may_begin(word: str, schemes: Sequence[str], escape: str) -> bool:
    # Quotes and escapes must not hide an address.
    source = word.strip().translate(str.maketrans("", "", f"\"'{escape}")).lower()
    known, variable, _ = source.partition("$")
    if not variable:
        return known.startswith(tuple(schemes))
    return any(known.startswith(scheme) or scheme.startswith(known) for scheme in schemes)
