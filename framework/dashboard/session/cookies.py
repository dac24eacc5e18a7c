"""The session's cookie: setting, reading and deleting it.

Over https its name has the prefix __Host-, so no other host can set it: an application that runs as
a preview may have the same domain. Over plain http there is a cookie at loopback addresses only. A
name ends in the mark of the installation: browsers send cookies to every port of a host, and
another installation may use another port.
"""

import ipaddress

from starlette.requests import Request
from starlette.responses import Response

from framework.dashboard.session.sessions import LIFE_SECONDS

_PLAIN, _SECURE = "prevs-session-", "__Host-prevs-session-"


def read(request: Request, mark: str) -> list[str]:
    """Return the cookies that may be a session's."""
    plain = request.url.scheme != "https" and _is_loopback(request)
    names = (_SECURE, _PLAIN) if plain else (_SECURE,)
    found = (request.cookies.get(name + mark) for name in names)
    return [cookie for cookie in found if cookie]


def may_be_set(request: Request) -> bool:
    """Return whether a session is safe on the connection of `request`: nobody can exchange it."""
    return _is_secure(request) or _is_loopback(request)


def set_session(request: Request, response: Response, mark: str, cookie: str) -> None:
    """Make a browser keep the cookie of a session."""
    secure = _is_secure(request)
    response.set_cookie(
        (_SECURE if secure else _PLAIN) + mark,
        cookie,
        max_age=LIFE_SECONDS,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def delete_session(request: Request, response: Response, mark: str) -> None:
    """Make a browser delete the cookie of its session."""
    for name, secure in ((_SECURE, True), (_PLAIN, _is_secure(request))):
        response.delete_cookie(name + mark, secure=secure, httponly=True, samesite="strict")


def _is_loopback(request: Request) -> bool:
    host = (request.url.hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_secure(request: Request) -> bool:
    """Return whether the browser's page came over https, also if TLS ends before us.

    The Origin of each form shows it, and was compared with the host.
    """
    origin = request.headers.get("origin", "")
    return request.url.scheme == "https" or origin.lower().startswith("https://")
