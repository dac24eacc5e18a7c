"""Redirects of git servers: where they lead, and whether git may follow. Pure.

Our settings keep git from following redirects (program/git/safety.py). git does not report the
target, so it runs again with a trace, which this module reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urljoin

from program.git.addresses import PORTS, Origin, read_address
from program.git.messages import redact

T = TypeVar("T")

_MOST = 5
"""The most redirects on the way to one repository."""

TRACE: Mapping[str, str] = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
"""The environment in which git writes the answers of servers to stderr, without credentials."""

QUESTION = ("ls-remote", "--quiet", "--heads", "--end-of-options")
"""The arguments of git for a trace; the address follows."""

_ENDLESS = "its server redirects again and again"
_ADVICE = (
    "git does not follow it there, where other credentials might be used. If the repository is "
    "there, give the app that address"
)

_TAIL = "/info/refs?service=git-upload-pack"
_REDIRECTED = re.compile(r"The requested URL returned error: 30[12378]\b")
_LOCATION = re.compile(r"<= Recv header: location: *(\S+)", re.I)
_LONGEST = 200


class Redirected(Exception):
    """A server has redirected git."""


class RedirectRefused(ValueError):
    """A server redirects to where git may not follow; `why`, and the next step as `advice`.

    Both are safe to show. They are parts of sentences, without a full stop.
    """

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(f"{why}. {advice}")
        self.why = why
        self.advice = advice


def follow(address: str, run: Callable[[str], T], trace: Callable[[str], str]) -> T:
    """Return `run(address)`, following redirects within the address's own origin.

    `run` raises Redirected if a server redirects git; `trace` runs git with QUESTION in the
    environment TRACE, and returns its stderr. Raises RedirectRefused, and what both raise.
    """
    for _ in range(_MOST):
        try:
            return run(address)
        except Redirected:
            address = find_moved(address, trace(address))
    raise RedirectRefused(_ENDLESS, "Give the app the final address of the repository")


def is_redirected(output: str) -> bool:
    """Return whether git failed because of a redirect."""
    return _REDIRECTED.search(output) is not None


def find_moved(address: str, traced: str) -> str:
    """Return the address to which the server of `address` redirects, from git's trace.

    It is at the same origin, or at https if it was at http.
    """
    locations = _LOCATION.findall(traced)
    where = urljoin(address.rstrip("/") + _TAIL, locations[-1]) if locations else ""
    moved, own = read_address(where.removesuffix(_TAIL)), read_address(address)
    known = moved is not None and own is not None and where.endswith(_TAIL) and not moved.user
    if known and moved and own and _is_own(moved.origin, own.origin):
        return where.removesuffix(_TAIL)
    raise RedirectRefused(f"its server redirects to {_show(where)}", _ADVICE)


def _is_own(moved: Origin, own: Origin) -> bool:
    upgraded = Origin("https", own.host, PORTS["https"])
    return moved == own or (own == Origin("http", own.host, PORTS["http"]) and moved == upgraded)


def _show(where: str) -> str:
    """Return an address without users, passwords and queries, which may be secrets."""
    shown = redact(re.split("[?#]", where.removesuffix(_TAIL), maxsplit=1)[0])
    return "".join(sign for sign in shown if sign.isprintable())[:_LONGEST] or "nowhere"
