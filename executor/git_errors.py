"""What git's messages come down to, without what nobody else may read. Pure."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/\s]+@")


def reason(said: str) -> str:
    """Return what git's messages come down to: its first line that tells of an error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
    if not lines:
        return "git failed and said nothing"
    # The first fatal line names the cause; those after it explain what to check.
    line = telling[0] if telling else lines[-1]
    return without_credentials(re.sub(r"^(fatal|error|ERROR): ", "", line)).rstrip(".")


def without_credentials(text: str) -> str:
    """Return `text` without the user names and passwords of the addresses in it."""
    return _CREDENTIALS.sub("", text)
