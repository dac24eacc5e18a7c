"""The sign-ins that a browser has begun, each in a cookie of the sign-in host.

Each tab has its own: the cookie's name follows from the state that the provider sends back.
"""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import Response

from proxy.entrance import cookies
from proxy.entrance.addresses import Aim
from proxy.model.sign_in import Begun

SECONDS = 600
"""How long a visitor may be at the provider."""
_MOST = 5
_LONGEST = 3500
"""Browsers keep no cookie of more than 4096 bytes with its name."""


class KeptAttempt(NamedTuple):
    """An attempt as the framework has sealed it, and the fields of the aim (addresses.read_aim)."""

    sealed: str
    fields: Mapping[str, str]


def keep(request: Request, response: Response, begun: Begun, aim: Aim) -> None:
    """Make the browser keep a sign-in, in place of older ones if many are unfinished."""
    older = cookies.list_names(request, cookies.ATTEMPT)
    if len(older) >= _MOST:
        for name in older:
            cookies.remove(request, response, name)
    value = _write(begun, aim)
    if len(value) > _LONGEST:
        value = _write(begun, aim._replace(path="/"))
    cookies.put(request, response, _name(begun.state), value, seconds=SECONDS)


def read(request: Request, state: str) -> KeptAttempt | None:
    """Return the sign-in that this browser has begun with a state; None if it has not."""
    found = parse_qs(cookies.read(request, _name(state)))
    fields = {name: values[0] for name, values in found.items()}
    sealed = fields.pop("attempt", "")
    return KeptAttempt(sealed, fields) if sealed else None


def forget(request: Request, response: Response, state: str) -> None:
    """Make the browser forget a sign-in: it counts once."""
    cookies.remove(request, response, _name(state))


def _write(begun: Begun, aim: Aim) -> str:
    return urlencode({**aim.fields(), "attempt": begun.attempt})


def _name(state: str) -> str:
    digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{cookies.ATTEMPT}{digest[:16]}"
