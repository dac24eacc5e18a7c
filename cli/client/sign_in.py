"""Sign-in of the command line: a code from the browser, and the token that it is exchanged for.

The code comes back to a port of this machine, which listens on loopback for one answer, or is typed
by the person. It is of use to nobody without the verifier, which does not leave this process.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from cli.client.connection import Connection
from cli.client.credentials import Credentials
from cli.errors import ApiConfused, NotDone

_ANSWER_S = 30.0
_DONE = (
    "<!doctype html><meta charset=utf-8><title>prevs</title><p>The command line has its answer. "
    "You can close this page."
)


class Given(NamedTuple):
    """A token for a person, and when it ends; the dashboard gives it, not the API."""

    token: str
    name: str
    until: float


class Question(NamedTuple):
    """What one sign-in is known by; `verifier` stays here."""

    verifier: str
    state: str

    def address(self, api: str, port: int | None = None) -> str:
        """Return the page of the dashboard where the person agrees."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {"challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}
        if port is not None:
            query |= {"port": str(port), "state": self.state}
        return f"{api}/command-line?{urlencode(query)}"


def ask() -> Question:
    """Return a new question."""
    return Question(secrets.token_urlsafe(32), secrets.token_urlsafe(16))


def exchange(api: str, question: Question, code: str) -> Given:
    """Return the token that a code is exchanged for. Raises as the calls of the API."""
    connection = Connection(Credentials((api,), ""))
    try:
        answer = connection.call(
            "POST",
            "/command-line/token",
            json={"code": code, "verifier": question.verifier},
            timeout=_ANSWER_S,
        )
        found = answer.json()
        return Given(*(found[name] for name in Given._fields))
    except (ValueError, KeyError, TypeError):
        raise ApiConfused(api, "the answer is not the JSON of this call") from None
    finally:
        connection.close()


class Listener:
    """Listens at a free port of 127.0.0.1 for the code of one question, until it is closed."""

    def __init__(self, question: Question) -> None:
        self.code = ""
        self._question = question
        self._server = HTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.timeout = 0.2

    @property
    def port(self) -> int:
        """The port."""
        return self._server.server_port

    def wait(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> str:
        """Return the code. Blocks; raises NotDone if none came within some seconds."""
        end = clock() + seconds
        while not self.code:
            if clock() >= end:
                raise NotDone(
                    "Nobody agreed in the browser.",
                    "Run `prevs login` again, or `prevs login --no-browser` if the browser is on "
                    "another machine.",
                )
            self._server.handle_request()
        return self.code

    def close(self) -> None:
        """End it."""
        self._server.server_close()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                status, text = listener._take(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Print nothing: a line of the log would have the code."""

        return Handler

    def _take(self, path: str) -> tuple[int, str]:
        query = parse_qs(urlsplit(path).query)
        [state], [code] = query.get("state", [""])[:1], query.get("code", [""])[:1]
        if not code or not secrets.compare_digest(state.encode(), self._question.state.encode()):
            return 404, ""
        self.code = code
        return 200, _DONE
