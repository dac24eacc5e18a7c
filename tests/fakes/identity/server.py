"""What the doubles of identity providers have in common: people, codes that count once."""

import base64
import contextlib
import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

CLIENT_ID, SECRET = "prevs", "the provider's secret/+ for us"


class Account(NamedTuple):
    """Somebody at the provider: the claims of OpenID Connect about them but for those of a token.

    `subject` is their id.
    """

    subject: str = "583231"
    login: str = "ada"
    groups: tuple[str, ...] = ("shop-devs",)
    more: Mapping[str, Any] = {}


class Request(NamedTuple):
    """A request, with the fields of its query and of its form."""

    method: str
    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]


class Reply(NamedTuple):
    """An answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}


def in_json(found: Any, status: int = 200) -> Reply:
    """Return an answer of JSON."""
    return Reply(status, json.dumps(found).encode(), {"Content-Type": "application/json"})


class ProviderServer:
    """A provider where `account` is signed in already, and agrees to everything.

    A code counts once, and only with what it was asked for with: the client's secret, the address
    to go back to, the verifier. `mishap` may return another answer for a request.
    """

    def __init__(self) -> None:
        self.account = Account()
        self.mishap: Callable[[Request], Reply | None] = lambda _: None
        self.requests: list[Request] = []
        self._codes: dict[str, tuple[Mapping[str, str], Account]] = {}
        self._tokens: dict[str, Account] = {}
        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def origin(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Reply:
        """Return the dialect's answer."""
        raise NotImplementedError

    def authorize(self, request: Request) -> Reply:
        """Send the browser back with a code."""
        asked = request.fields
        if asked.get("client_id") != CLIENT_ID or asked.get("code_challenge_method") != "S256":
            return in_json({"error": "invalid_request"}, 400)
        code = f"code-{next(self._numbers)}"
        self._codes[code] = (asked, self.account)
        back = urlencode({"code": code, "state": asked["state"]})
        return Reply(302, b"", {"Location": f"{asked['redirect_uri']}?{back}"})

    def redeem(self, request: Request) -> tuple[Mapping[str, str], Account, str] | None:
        """Return what a code was asked for with, by whom, and a token; None for a wrong code."""
        form = request.fields
        asked, account = self._codes.pop(form.get("code", ""), ({}, self.account))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (asked.get("redirect_uri"), asked.get("code_challenge")) != (
            form.get("redirect_uri"),
            challenge,
        ):
            return None
        token = f"token-{next(self._numbers)}"
        self._tokens[token] = account
        return asked, account, token

    def is_client(self, request: Request) -> bool:
        """Return whether a request has the client's secret, in the header or in the form."""
        given = (request.fields.get("client_id", ""), request.fields.get("client_secret", ""))
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(pair).decode().partition(":")
            given = (unquote(name), unquote(secret))
        return given == (CLIENT_ID, SECRET)

    def find_bearer(self, request: Request) -> Account | None:
        """Return whose token a request has."""
        return self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    def reply(self, request: Request) -> Reply:
        """Return the answer to a request."""
        self.requests.append(request)
        return self.mishap(request) or self.answer(request)

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                fields = {**dict(parse_qsl(parts.query)), **dict(parse_qsl(body))}
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = provider.reply(Request(self.command, parts.path, fields, headers))
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                # Clients live as long as a framework: a test that drops one leaves no socket.
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        return Handler
