"""The session's cookie: how it is set, read and taken away.

Where the page came by https its name has the prefix __Host-, which no other host can set: an
application that runs as a preview may live under the same domain. By plain http there is none but
at a loopback address. A name ends in the mark of the installation: browsers send cookies to each
port of a host, and another one may be at the next.
"""

import ipaddress

from starlette.requests import Request
from starlette.responses import Response

from framework.dashboard.session.sessions import LIFE_SECONDS

_PLAIN, _SECURE = "prevs-session-", "__Host-prevs-session-"


def read(request: Request, mark: str) -> list[str]:
    """Return what may be a session's cookie."""
    plain = request.url.scheme != "https" and _is_loopback(request)
    names = (_SECURE, _PLAIN) if plain else (_SECURE,)
    found = (request.cookies.get(name + mark) for name in names)
    return [cookie for cookie in found if cookie]


def may_be_set(request: Request) -> bool:
    """Tell whether nobody else can exchange a session of a page that came as this one."""
    return _is_secure(request) or _is_loopback(request)


def set_session(request: Request, response: Response, mark: str, cookie: str) -> None:
    """Have a browser keep a session."""
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
    """Have a browser forget its session."""
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
    """Tell whether the browser's page came by https, also where TLS ends before us.

    A browser says so in the Origin of each form, which was compared with the host.
    """
    origin = request.headers.get("origin", "")
    return request.url.scheme == "https" or origin.lower().startswith("https://")
