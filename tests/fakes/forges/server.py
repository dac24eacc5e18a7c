"""What the doubles of all forges have in common: the state, the server, pages, and mishaps."""

import contextlib
import dataclasses
import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

REPOSITORY, FORK = 7, 8
"""The ids of the repository, and of a fork of it."""
TOKEN = "right-token"
DAY = 1_764_000_000.0

Json = Any


@dataclasses.dataclass
class PullFacts:
    """A pull request; `head` is the id of its head's repository, None if that was deleted."""

    number: int
    sha: str
    head: int | None = REPOSITORY
    base: str = "main"
    author: str = "ada"
    title: str = "Add a cart"
    updated: float = DAY
    is_open: bool = True
    is_draft: bool = False
    branch: str = "cart"


class CommentFacts(NamedTuple):
    """A comment; one that `is_system` was not written by a person."""

    number: int
    id: int
    author: str
    text: str
    created: float
    updated: float
    is_system: bool = False


@dataclasses.dataclass
class HookFacts:
    """A webhook. `fields` are as the forge was told, `answer` the last delivery's status, or 0."""

    id: int
    fields: dict[str, Json]
    answer: int | None = None
    is_off: bool = False


@dataclasses.dataclass
class StatusFacts:
    """A commit status; several of one commit and context are its history, the newest last."""

    sha: str
    context: str
    state: str
    text: str = ""
    url: str = ""


@dataclasses.dataclass
class DeploymentFacts:
    """A deployment, and the statuses that it has had."""

    id: int
    sha: str
    environment: str
    task: str
    statuses: list[Json] = dataclasses.field(default_factory=list)


class Request(NamedTuple):
    """A request. `path` is as sent, without the query; names of headers are in lower case.

    `sent` is its body.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    method: str = "GET"
    sent: bytes = b""

    def read(self) -> Json:
        """Return the body: an object of JSON, or the fields of a form."""
        if self.headers.get("content-type", "").startswith("application/x-www-form"):
            return dict(parse_qsl(self.sent.decode(), keep_blank_values=True))
        return json.loads(self.sent or b"{}")


class Reply(NamedTuple):
    """An answer. `promises` is its Content-Length if that is wrong; `stalls` sends nothing."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b"{}"
    promises: int | None = None
    stalls: bool = False


def in_json(found: Json, status: int = 200) -> Reply:
    """Return an answer of JSON."""
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(found).encode())


def moment(seconds: float) -> str:
    """Return a time as GitHub, GitLab and Gitea write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha_of(number: int) -> str:
    """Return an id of a commit."""
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()


class ForgeServer:
    """A forge with one repository, group/shop. It answers what its dialect's `answer` returns.

    `repository_id` is its id: another one if a stranger has taken its name. `forker` owns the fork,
    and may be a group. `mishap` may return
    another answer for a request. `requests` are all that came. `now` is what its clock shows.
    `hooks` are its webhooks; the token may see and make them if `may_hook`, and `delivers` is how a
    delivery is answered. The token may do what is in `rights`.
    """

    bot = "prevs-bot"
    kind = ""
    is_private = True

    def __init__(self) -> None:
        self.repository_id = REPOSITORY
        self.forker = "mallory"
        self.forker_is_group = False
        self.pulls: list[PullFacts] = []
        self.comments: list[CommentFacts] = []
        self.statuses: list[StatusFacts] = []
        self.deployments: list[DeploymentFacts] = []
        self.rights = {"comment", "status", "deployment"}
        self.writers = {"ada"}
        self.readers = {"bob"}
        self.now = DAY
        self.hooks: list[HookFacts] = []
        self.may_hook = True
        self.delivers = 202
        self.mishap: Callable[[Request], Reply | None] = lambda _: None
        self.requests: list[Request] = []
        self._ids = 500
        self._heads: set[str] = set()
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def origin(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def repository(self) -> str:
        """The address for `git clone`."""
        return f"{self.origin}/group/shop.git"

    def close(self) -> None:
        """End the server."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def read_token(self, request: Request) -> str | None:
        """Return the token of a request, None for none."""
        return request.headers.get("authorization", "").rpartition(" ")[2] or None

    def answer(self, request: Request) -> Reply:
        """Return the dialect's answer."""
        raise NotImplementedError

    def open_pulls(self) -> list[PullFacts]:
        """Return the open pull requests, the newest first."""
        return sorted((one for one in self.pulls if one.is_open), key=lambda one: -one.number)

    def find_pull(self, number: str) -> PullFacts | None:
        """Return a pull request by its number."""
        return next((one for one in self.pulls if str(one.number) == number), None)

    def add_comment(self, number: int, text: str, author: str = "") -> CommentFacts:
        """Add a comment, by default with the token."""
        made = CommentFacts(
            number, self._next_id(), author or self.bot, text, self._later(), self._later()
        )
        self.comments.append(made)
        return made

    def edit_comment(self, number: str, text: str) -> CommentFacts | None:
        """Give a comment another text; None if there is none of that id."""
        for place, one in enumerate(self.comments):
            if str(one.id) == number:
                self.comments[place] = one._replace(text=text, updated=self._later())
                return self.comments[place]
        return None

    def add_deployment(self, sha: str, environment: str, task: str) -> DeploymentFacts:
        """Make a deployment."""
        made = DeploymentFacts(self._next_id(), sha, environment, task)
        self.deployments.append(made)
        return made

    def latest_status(self, sha: str) -> StatusFacts | None:
        """Return the last status of a commit."""
        return next((one for one in reversed(self.statuses) if one.sha == sha), None)

    def writes(self) -> list[Request]:
        """Return the requests that were no GET."""
        return [one for one in self.requests if one.method != "GET"]

    def has_commit(self, sha: str) -> bool:
        """Return whether the repository has a commit: each head that it ever had."""
        self._heads |= {one.sha for one in self.pulls}
        return sha in self._heads

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _later(self) -> float:
        return DAY + 1000 + self._ids

    def reply(self, request: Request) -> Reply:
        """Return the answer to a request."""
        self.requests.append(request)
        if (mishap := self.mishap(request)) is not None:
            return mishap
        return self.refuse(request) or self.answer(request)

    def refuse(self, request: Request) -> Reply | None:
        """Return the answer to a request whose token is wrong, or missing."""
        token = self.read_token(request)
        if token not in (None, TOKEN):
            return in_json({"message": "Bad credentials"}, 401)
        if token is None and self.is_private:
            return in_json({"message": "Not Found"}, 404)
        return None

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # a client may have had enough
                    super().handle()

            def date_time_string(self, _timestamp: float | None = None) -> str:
                return super().date_time_string(forge.now)

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                sent = self.rfile.read(int(headers.get("content-length", "0")))
                query = dict(parse_qsl(parts.query))
                reply = forge.reply(Request(parts.path, query, headers, self.command, sent))
                if reply.stalls:
                    forge._released.wait()
                self.send_response(reply.status)
                # Clients live as long as a framework: a test that drops one leaves no socket.
                self.send_header("Connection", "close")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 304:
                    size = len(reply.body) if reply.promises is None else reply.promises
                    self.send_header("Content-Length", str(size))
                self.end_headers()
                if reply.status != 304:
                    self.wfile.write(reply.body)
                if reply.promises is not None:
                    self.close_connection = True

            do_POST = do_PUT = do_PATCH = do_GET

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def paged(
    forge: ForgeServer, request: Request, found: Sequence[Json], *, size: str, total: str = ""
) -> Reply:
    """Return a page of a list, with a Link to the next one, and an ETag that may match.

    `size` is the query's name for the size of a page, `total` the header with the whole size.
    """
    most = min(int(request.query.get(size, "20")), 100)
    page = int(request.query.get("page", "1"))
    headers = {}
    if page * most < len(found):
        query = "&".join(f"{k}={v}" for k, v in {**request.query, "page": page + 1}.items())
        headers["Link"] = f'<{forge.origin}{request.path}?{query}>; rel="next"'
    if total:
        headers[total] = str(len(found))
    reply = in_json(list(found[(page - 1) * most : page * most]))
    tag = f'W/"{hashlib.sha256(reply.body).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        return Reply(304, {"ETag": tag})
    return reply._replace(headers={**reply.headers, **headers, "ETag": tag})
