"""The cookies of sessions and of tries to sign in: setting, reading and deleting them.

Over https its name has the prefix __Host-, so no other host can set it: an application that runs as
a preview may have the same domain. Over plain http there is a cookie at loopback addresses only. A
name ends in the mark of the installation: browsers send cookies to every port of a host, and
another installation may use another port.
"""

import ipaddress

from starlette.requests import Request
from starlette.responses import Response

from framework.dashboard.session.sessions import LIFE_SECONDS
from framework.people import attempts

_PLAIN, _SECURE = "prevs-session-", "__Host-prevs-session-"
_PLAIN_ATTEMPT, _SECURE_ATTEMPT = "prevs-sign-in-", "__Host-prevs-sign-in-"


def read(request: Request, mark: str) -> list[str]:
    """Return the cookies that may be a session's."""
    plain = request.url.scheme != "https" and _is_loopback(request)
    names = (_SECURE, _PLAIN) if plain else (_SECURE,)
    found = (request.cookies.get(name + mark) for name in names)
    return [cookie for cookie in found if cookie]


def may_be_set(request: Request) -> bool:
    """Return whether a session is safe on the connection of `request`: nobody can exchange it."""
    return is_secure(request) or _is_loopback(request)


def set_session(
    response: Response, mark: str, cookie: str, *, secure: bool, seconds: int = LIFE_SECONDS
) -> None:
    """Make a browser keep the cookie of a session; `secure` if it reached us over https."""
    response.set_cookie(
        (_SECURE if secure else _PLAIN) + mark,
        cookie,
        max_age=seconds,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def read_attempts(request: Request, mark: str) -> dict[str, str]:
    """Return the cookies of tries to sign in, by the ends of their names."""
    found: dict[str, str] = {}
    for prefix in (_SECURE_ATTEMPT, _PLAIN_ATTEMPT):
        if prefix == _SECURE_ATTEMPT or _is_loopback(request):
            beginning = f"{prefix}{mark}-"
            found |= {
                name.removeprefix(beginning): value
                for name, value in request.cookies.items()
                if name.startswith(beginning)
            }
    return found


def set_attempt(response: Response, mark: str, name: str, cookie: str, *, secure: bool) -> None:
    """Make a browser keep a try to sign in, and send it along when the provider sends it back."""
    response.set_cookie(
        f"{_SECURE_ATTEMPT if secure else _PLAIN_ATTEMPT}{mark}-{name}",
        cookie,
        max_age=attempts.LIFE_S,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def delete_attempt(response: Response, mark: str, name: str) -> None:
    """Make a browser delete a try to sign in."""
    for prefix, secure in ((_SECURE_ATTEMPT, True), (_PLAIN_ATTEMPT, False)):
        response.delete_cookie(
            f"{prefix}{mark}-{name}", secure=secure, httponly=True, samesite="lax"
        )


def delete_session(request: Request, response: Response, mark: str) -> None:
    """Make a browser delete the cookie of its session."""
    for name, secure in ((_SECURE, True), (_PLAIN, is_secure(request))):
        response.delete_cookie(name + mark, secure=secure, httponly=True, samesite="strict")


def _is_loopback(request: Request) -> bool:
    host = (request.url.hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure(request: Request) -> bool:
    """Return whether the browser's page came over https, also if TLS ends before us.

    The Origin of each form shows it, and was compared with the host.
    """
    origin = request.headers.get("origin", "")
    return request.url.scheme == "https" or origin.lower().startswith("https://")
