"""The result of a probe: every check by name, each with its reason."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

_ADDRESSES = re.compile(
    r"""
    [a-z][a-z0-9+.-]*://[^\s,;()]*[^\s,;().:]        # an URL
    | \[[0-9a-f:.]*:[0-9a-f:.]*\](:\d+)?            # IPv6 in brackets
    | (?<![\w:.])([0-9a-f]{0,4}:){2,7}[0-9a-f.]+      # and without
    | (?<![\w.])\d{1,3}(\.\d{1,3}){3}(:\d+)?
    | (?<![\w.-])[a-z0-9.-]*[a-z][a-z0-9.-]*:\d{2,5}(?!\d)  # a host with its port
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Check(NamedTuple):
    """One check. `detail` is a sentence, also if all is well.

    The probe fails if a `needed` check fails; the others are for information.
    """

    name: str
    ok: bool
    detail: str
    needed: bool = True


def why_not(checks: Sequence[Check]) -> str | None:
    """Return the reason why a probe fails, None if it passes."""
    failing = [check.detail for check in checks if check.needed and not check.ok]
    return " ".join(failing) or None


def without_addresses(checks: Sequence[Check]) -> list[Check]:
    """Return the checks without addresses, for readers without a token."""
    return [check._replace(detail=_ADDRESSES.sub("(an address)", check.detail)) for check in checks]


def as_json(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Return the checks as a probe's body lists them."""
    return [check._asdict() for check in checks]


def turns(name: str, seconds: float, limit: float) -> Check:
    """Return the check of a loop whose last turn was so many seconds ago."""
    detail = f"The {name}'s loop last ran {seconds:.1f} s ago."
    if seconds > limit:
        detail += f" It must run every {limit:.0f} s."
    return Check(name, seconds <= limit, detail)
