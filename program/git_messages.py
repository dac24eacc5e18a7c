"""What git's messages come down to, without what nobody else may read. Pure.

The executor runs it too, on Python 3.9.
"""

from __future__ import annotations

import re

_USER = re.compile(r"([a-z][a-z0-9+.-]*)://([^/\s]*)@", re.I)
_NAMED = re.compile(r"ssh|git\+ssh|ssh\+git", re.I)
"""Schemes in which a name alone is no secret: it says at what account keys are asked for."""

_BOILERPLATE = (
    "Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
"""What git says of every server that does not serve: before it stands why."""

_BLAME = re.compile(r"\A(?:fatal|error|ERROR): ")


def redact(text: str) -> str:
    """Return `text` with *** for the names and passwords in its URLs; ssh's user names stay.

    All up to the last @ before a slash is taken for them: a password may have an @ in it.
    """
    return _USER.sub(_redact, text)


def _redact(found: re.Match[str]) -> str:
    scheme, user = found.groups()
    if _NAMED.fullmatch(scheme) and not re.search("[:@]", user):
        return found[0]
    return f"{scheme}://***@"


def find_reason(said: str) -> str:
    """Return why git failed, by what it wrote to stderr: one line without a stop at its end.

    That is the first one in which git itself says so, with the next one where that goes on there;
    or the last one of another program, ssh for one. What follows tells what came of it.
    """
    lines = [line.strip() for line in said.splitlines()]
    told = [line for line in lines if line and _BLAME.sub("", line) not in _BOILERPLATE]
    if not told:
        return "git failed and said nothing"
    at = next((at for at, line in enumerate(told) if _BLAME.match(line)), len(told) - 1)
    why = _BLAME.sub("", told[at])
    if why.endswith(":"):
        why = " ".join([why, *told[at + 1 : at + 2]])
    return redact(why).rstrip(".")
