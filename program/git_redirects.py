"""Where a server of git sends on to, and whether that is still the repository's own. Pure.

git is told to follow no redirect: where one leads to another server, the netrc and the helpers of
this machine's user would answer. git does not say where it was sent, so it is asked again with a
trace, which is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from program.git_addresses import PORTS, Origin, read_address

FOLLOW_NONE = "http.followRedirects=false"
"""The setting without which git follows."""

MOST = 5
"""Redirects on the way to one repository."""

TRACE: Mapping[str, str] = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
"""The environment in which git writes what it is answered to stderr, without credentials."""

ADVICE = (
    "It is not followed there, where other credentials might be used. If that is the repository, "
    "give the app that address"
)

_TAIL = "/info/refs?service=git-upload-pack"
_REDIRECTED = re.compile(r"The requested URL returned error: 30[12378]\b")
_LOCATION = re.compile(r"<= Recv header: location: *(\S+)", re.I)
_LONGEST = 200


class LedElsewhere(ValueError):
    """A server sends on to what is not at its own address; str() is where, fit to be shown."""


def is_redirected(said: str) -> bool:
    """Tell whether git failed because it was sent on."""
    return _REDIRECTED.search(said) is not None


def find_moved(address: str, traced: str) -> str:
    """Return where the repository at `address` is, as its server says in what was traced.

    That is at the same origin, or at https where it was http. Raises LedElsewhere.
    """
    locations = _LOCATION.findall(traced)
    where = urljoin(address.rstrip("/") + _TAIL, locations[-1]) if locations else ""
    moved, own = read_address(where.removesuffix(_TAIL)), read_address(address)
    known = moved is not None and own is not None and where.endswith(_TAIL) and not moved.user
    if known and moved and own and _is_own(moved.origin, own.origin):
        return where.removesuffix(_TAIL)
    raise LedElsewhere(_show(where))


def _is_own(moved: Origin, own: Origin) -> bool:
    upgraded = Origin("https", own.host, PORTS["https"])
    return moved == own or (own == Origin("http", own.host, PORTS["http"]) and moved == upgraded)


def _show(where: str) -> str:
    """Return an address without names, passwords and queries: those may be secrets."""
    shown = re.sub(r"(?<=://)[^/?#]*@", "", where.removesuffix(_TAIL)).partition("?")[0]
    return "".join(sign for sign in shown if sign.isprintable())[:_LONGEST] or "nowhere"
