"""The cookies of visitors of guarded apps. HAProxy reads that of the pass.

With TLS their names have the prefix __Host-, so no other host can set them: another preview may
have the same domain.
"""

from starlette.requests import Request
from starlette.responses import Response

ACCESS = "prevs-access"
NONCE = "prevs-nonce"
PERSON = "prevs-person"
"""Of the sign-in host: the session of somebody who has signed in."""
ATTEMPT = "prevs-attempt-"
"""How the names of cookies with sign-ins begin that are under way."""


def session_of(app: str) -> str:
    """Return the name of the cookie of the sign-in host for who has signed in to an app."""
    return f"prevs-session-{app}"


def read(request: Request, name: str) -> str:
    """Return a cookie; "" if there is none."""
    return request.cookies.get(_prefix(request) + name, "")


def list_names(request: Request, beginning: str) -> list[str]:
    """Return the names of the cookies that begin so, as `read` takes them."""
    prefix = _prefix(request)
    found = (name.removeprefix(prefix) for name in request.cookies if name.startswith(prefix))
    return [name for name in found if name.startswith(beginning)]


def put(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    """Make a browser keep a cookie for so long, for this host alone."""
    secure = is_secure(request)
    response.set_cookie(
        _prefix(request) + name,
        value,
        max_age=seconds,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def remove(request: Request, response: Response, name: str) -> None:
    """Make a browser forget a cookie."""
    secure = is_secure(request)
    response.delete_cookie(_prefix(request) + name, secure=secure, httponly=True, samesite="lax")


def is_secure(request: Request) -> bool:
    """Return whether the visitor uses https. HAProxy's header; clients cannot send it."""
    return request.headers.get("x-forwarded-proto") == "https"


def _prefix(request: Request) -> str:
    return "__Host-" if is_secure(request) else ""
