"""Finds the reason in git's messages, and removes secrets from them. Pure.

The executor runs it too, on Python 3.9.
"""

from __future__ import annotations

import re

_USER = re.compile(r"([a-z][a-z0-9+.-]*)://([^/\s]*)@", re.I)
_NAMED = re.compile(r"ssh|git\+ssh|ssh\+git", re.I)
"""Schemes in which a user name alone is no secret: it only names the account for the keys."""

_BOILERPLATE = (
    "Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
"""Lines that git prints for every server that refuses; the reason stands before them."""

_BLAME = re.compile(r"\A(?:fatal|error|ERROR): ")


def redact(text: str) -> str:
    """Return `text` with *** for the names and passwords in its URLs; ssh's user names stay.

    All text up to the last @ before a slash counts, as a password may contain an @.
    """
    return _USER.sub(_redact, text)


def _redact(found: re.Match[str]) -> str:
    scheme, user = found.groups()
    if _NAMED.fullmatch(scheme) and not re.search("[:@]", user):
        return found[0]
    return f"{scheme}://***@"


def find_reason(output: str) -> str:
    """Return why git failed, from its stderr: one line without a full stop.

    That is git's own first error line, joined with the next one if it ends with a colon. Without
    such a line it is the last line, for example of ssh. Later errors are only consequences.
    """
    lines = [line.strip() for line in output.splitlines()]
    kept = [line for line in lines if line and _BLAME.sub("", line) not in _BOILERPLATE]
    if not kept:
        return "git failed without a message"
    at = next((at for at, line in enumerate(kept) if _BLAME.match(line)), len(kept) - 1)
    why = _BLAME.sub("", kept[at])
    if why.endswith(":"):
        why = " ".join([why, *kept[at + 1 : at + 2]])
    return redact(why).rstrip(".")
