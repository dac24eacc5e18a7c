"""Where a server of git sends on to, and whether that is still the repository's own. Pure.

git is told to follow no redirect (program/git_safety.py). It does not say where it was sent, so it
is asked again with a trace, which is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urljoin

from program.git_addresses import PORTS, Origin, read_address
from program.git_messages import redact

T = TypeVar("T")

_MOST = 5
"""Redirects on the way to one repository."""

TRACE: Mapping[str, str] = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
"""The environment in which git writes what it is answered to stderr, without credentials."""

QUESTION = ("ls-remote", "--quiet", "--heads", "--end-of-options")
"""What git is asked with a trace; the address follows."""

_ENDLESS = "its server sends on from one address to the next, without an end"
_ADVICE = (
    "It is not followed there, where other credentials might be used. If that is the repository, "
    "give the app that address"
)

_TAIL = "/info/refs?service=git-upload-pack"
_REDIRECTED = re.compile(r"The requested URL returned error: 30[12378]\b")
_LOCATION = re.compile(r"<= Recv header: location: *(\S+)", re.I)
_LONGEST = 200


class Redirected(Exception):
    """git was sent on."""


class RedirectRefused(ValueError):
    """A server sends on to where git may not follow: `why`, and what to do.

    Both are fit to be shown, and begin a sentence or go on with one; they have no stop.
    """

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(f"{why}. {advice}")
        self.why = why
        self.advice = advice


def follow(address: str, ask: Callable[[str], T], trace: Callable[[str], str]) -> T:
    """Return what `ask` does at `address`, or wherever on its own server that has moved to.

    `ask` raises Redirected where git was sent on; `trace` asks git QUESTION in the environment
    TRACE, and returns its stderr. Raises RedirectRefused, and what both raise.
    """
    for _ in range(_MOST):
        try:
            return ask(address)
        except Redirected:
            address = find_moved(address, trace(address))
    raise RedirectRefused(_ENDLESS, "Give the app the address where the repository is")


def is_redirected(said: str) -> bool:
    """Tell whether git failed because it was sent on."""
    return _REDIRECTED.search(said) is not None


def find_moved(address: str, traced: str) -> str:
    """Return where the repository at `address` is, as its server says in what was traced.

    That is at the same origin, or at https where it was http. Raises RedirectRefused.
    """
    locations = _LOCATION.findall(traced)
    where = urljoin(address.rstrip("/") + _TAIL, locations[-1]) if locations else ""
    moved, own = read_address(where.removesuffix(_TAIL)), read_address(address)
    known = moved is not None and own is not None and where.endswith(_TAIL) and not moved.user
    if known and moved and own and _is_own(moved.origin, own.origin):
        return where.removesuffix(_TAIL)
    raise RedirectRefused(f"its server sends on to {_show(where)}", _ADVICE)


def _is_own(moved: Origin, own: Origin) -> bool:
    upgraded = Origin("https", own.host, PORTS["https"])
    return moved == own or (own == Origin("http", own.host, PORTS["http"]) and moved == upgraded)


def _show(where: str) -> str:
    """Return an address without names, passwords and queries: those may be secrets."""
    shown = redact(re.split("[?#]", where.removesuffix(_TAIL), maxsplit=1)[0])
    return "".join(sign for sign in shown if sign.isprintable())[:_LONGEST] or "nowhere"
