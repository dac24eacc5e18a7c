"""Requests to servers of others, over httpx: what their answers may be, and why there is none.

Nothing of others' text gets into an error.
"""

import ssl
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NamedTuple

import httpx


class Limits(NamedTuple):
    """Seconds without any answer, seconds for a whole answer, and bytes of an answer."""

    silence: float = 10.0
    whole: float = 60.0
    size: int = 16 * 1024 * 1024


class NoAnswer(Exception):
    """There is no usable answer; `why` ends a sentence that begins with the server."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def make_client() -> httpx.Client:
    """Return a client that follows no redirect and keeps no cookie. Thread safe.

    It accepts the certificates that git accepts: httpx would take its own list instead of the
    machine's.
    """
    return httpx.Client(
        verify=ssl.create_default_context(),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def read_body(
    response: httpx.Response, limits: Limits, clock: Callable[[], float], *, cut_at: int = 0
) -> bytes:
    """Return the body of a streamed answer. Raises NoAnswer if it is too long or too slow.

    With `cut_at` it returns the beginning of a longer one. `clock` gives monotonic seconds.
    """
    begun, data = clock(), bytearray()
    most = cut_at or limits.size
    for piece in response.iter_bytes():
        data += piece
        if len(data) > most and cut_at:
            break
        if len(data) > most:
            raise NoAnswer(f"sent an answer of more than {most} bytes")
        if clock() - begun > limits.whole:
            raise NoAnswer(f"has not sent a whole answer within {limits.whole:g} s")
    return bytes(data)


def explain(error: httpx.HTTPError | httpx.InvalidURL, limits: Limits) -> str:
    """Return why a request has no answer, as the end of a sentence."""
    match error:
        case httpx.TimeoutException():
            return f"has not answered within {limits.silence:g} s"
        case httpx.InvalidURL():
            return "has an address that HTTP cannot use"
        case httpx.ConnectError():
            return f"cannot be reached ({error})"
    # The text of others may have parts of an answer.
    return "broke off its answer, or does not speak HTTP"
