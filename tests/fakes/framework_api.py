"""A stand-in for the framework as the proxy sees it: its HTTP API on a real socket.

A test arranges labels, moves previews from state to state and lets logs grow; log streams follow.
`Previews` is the world behind it, and `FakeFramework` the same world without HTTP.
"""

import contextlib
import dataclasses
import itertools
import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from proxy.errors import ApiAway, ApiRefused
from proxy.preview import Commit, LogEvent, Preview, read_commit, read_preview
from proxy.problems import read_problem
from proxy.use import Use

TOKEN = "the-token-of-the-api"
Json = dict[str, Any]


class Refusal(Exception):
    """A call that is refused, with its problem."""

    def __init__(self, slug: str, status: int, detail: str, **fields: object) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = {
            "type": f"urn:prevs:problem:{slug}",
            "title": slug,
            "status": status,
            "detail": detail,
            **fields,
        }


@dataclasses.dataclass
class Previews:
    """Labels, previews, logs, and what was asked and told. Thread safe by its condition.

    `standby` makes it refuse everything, as a framework that knows none that leads.
    """

    labels: dict[tuple[str, str], Json] = dataclasses.field(default_factory=dict)
    previews: dict[tuple[str, str], Json] = dataclasses.field(default_factory=dict)
    logs: dict[str, str] = dataclasses.field(default_factory=dict)
    refusals: dict[tuple[str, str], Refusal] = dataclasses.field(default_factory=dict)
    asked: list[str] = dataclasses.field(default_factory=list)
    uses: list[Json] = dataclasses.field(default_factory=list)
    refused: list[Json] = dataclasses.field(default_factory=list)
    resumed_after: list[str | None] = dataclasses.field(default_factory=list)
    request_ids: list[str] = dataclasses.field(default_factory=list)
    standby: bool = False
    started: Callable[[Json], None] = lambda preview: None
    changed: threading.Condition = dataclasses.field(default_factory=threading.Condition)

    def add(self, app: str, label: str, sha: str, **fields: object) -> None:
        """Have a label lead to a commit."""
        known = {"app": app, "label": label, "sha": sha, "kind": "branch", "ref": label}
        more = {"author": "Ada Lovelace", "subject": "Say hello", "committed": 1.0}
        self.labels[app, label] = {**known, **more, **fields}

    def refuse(self, app: str, label: str, refusal: Refusal) -> None:
        """Have a label be refused."""
        self.refusals[app, label] = refusal

    def move(self, app: str, sha: str, state: str, **fields: object) -> None:
        """Put a preview into a state."""
        with self.changed:
            preview = self.previews[app, sha]
            preview.update(state=state, changed=time.time(), **fields)
            self.changed.notify_all()

    def fail(self, app: str, sha: str, *, cause: str, message: str, exit_code: int) -> None:
        """Let a preview fail."""
        failure = {"cause": cause, "message": message, "exit_code": exit_code}
        tail = self.logs.get(sha, "")[-2000:]
        self.move(app, sha, "failed", failure=failure, log_tail=tail)

    def log(self, sha: str, text: str) -> None:
        """Let a log grow."""
        with self.changed:
            self.logs[sha] = self.logs.get(sha, "") + text
            self.changed.notify_all()

    def interrupt(self) -> None:
        """End the streams, and refuse everything until `standby` is taken back."""
        with self.changed:
            self.standby = True
            self.changed.notify_all()

    def count(self, call: str) -> int:
        """Return how often a call was made: "POST /v1/previews" for example."""
        return self.asked.count(call)

    def resolve(self, app: str, label: str) -> Json:
        """Return what a label leads to. Raises Refusal."""
        if (app, label) in self.refusals:
            raise self.refusals[app, label]
        if not any(known == app for known, _ in self.labels):
            raise Refusal("unknown-app", 404, f"There is no app {app!r}.", app=app)
        if (app, label) not in self.labels:
            detail = f"{label!r} leads to no commit of {app!r}: no branch, tag or commit of it"
            raise Refusal("unknown-label", 404, detail, app=app, label=label)
        return self.labels[app, label]

    def find(self, app: str, sha: str) -> Json:
        """Return a preview. Raises Refusal."""
        if (app, sha) not in self.previews:
            raise Refusal("unknown-preview", 404, f"{app!r} has no preview of {sha}.")
        return self.previews[app, sha]

    def start(self, app: str, label: str) -> Json:
        """Ask for a preview. Raises Refusal."""
        sha = self.resolve(app, label)["sha"]
        with self.changed:
            new = (app, sha) not in self.previews
            preview = self.previews.setdefault((app, sha), _preview(app, sha, label))
            again = preview["state"] == "stopped"
            if again:
                preview["state"] = "queued"
            self.changed.notify_all()
        if new or again:
            self.started(preview)
        return preview

    def retry(self, app: str, sha: str) -> Json:
        """Queue a failed preview again. Raises Refusal."""
        preview = self.find(app, sha)
        if preview["state"] != "failed":
            raise Refusal("not-retryable", 409, "Only a failed preview can be retried.")
        self.logs[sha] = ""
        self.move(app, sha, "queued", failure=None, log_tail="")
        self.started(preview)
        return preview


def _preview(app: str, sha: str, label: str) -> Json:
    url = f"http://{label}.{app}.localhost/"
    return {
        "app": app,
        "sha": sha,
        "state": "queued",
        "phase": "",
        "detail": "",
        "labels": [label],
        "url": url,
        "urls": [url],
        "reason": "",
        "failure": None,
        "task_id": None,
        "agent": {"id": "the-agent", "host": "10.0.0.1"},
        "host_port": 31000,
        "created": time.time(),
        "changed": time.time(),
        "steps": [],
    }


def steps(now: float, *seconds: float | None, usual: Sequence[float | None] = ()) -> list[Json]:
    """Return an attempt's steps as the API tells them: how long each took, and the last goes on.

    None is one that was not needed. `usual` are the usual durations of all six.
    """
    ended = now - sum(taken or 0.0 for taken in seconds)
    told: list[Json] = []
    for name, taken, often in itertools.zip_longest(_STEPS, seconds, usual):
        began, goes_on = (None, True) if taken is None else (ended, len(told) == len(seconds) - 1)
        ended += taken or 0.0
        told.append(
            {"name": name, "began": began, "ended": None if goes_on else ended, "usual": often}
        )
    return told


class FakeFramework:
    """proxy.ports.Framework without a socket. `away` makes every call fail."""

    def __init__(self) -> None:
        self.world = Previews()
        self.away = False
        self.events: list[LogEvent] = []

    async def resolve(self, app: str, label: str) -> Commit:
        """Return what a label leads to."""
        return read_commit(self._answer("resolve", app, label))

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview, None if there is none."""
        try:
            return read_preview(self._answer("find", app, sha))
        except ApiRefused:
            return None

    async def start(self, app: str, label: str) -> Preview:
        """Ask for a preview."""
        return read_preview(self._answer("start", app, label))

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again."""
        return read_preview(self._answer("retry", app, sha))

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        """Return a piece of the log, of 10 characters at most."""
        self._answer("find", app, sha)
        text = self.world.logs.get(sha, "")[offset : offset + 10]
        return text, offset + len(text)

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the end of the log."""
        self._answer("find", app, sha)
        return self.world.logs.get(sha, "")[-100:]

    async def report_uses(self, proxy: str, uses: Sequence[Use]) -> None:
        """Take note of what a proxy tells."""
        if self.away:
            raise ApiAway("it does not answer")
        self.world.uses.append({"proxy": proxy, "uses": [use._asdict() for use in uses]})

    async def report_refusals(self, proxy: str, tasks: Sequence[str]) -> None:
        """Take note of what a proxy tells."""
        if self.away:
            raise ApiAway("it does not answer")
        self.world.refused.append({"proxy": proxy, "tasks": list(tasks)})

    async def follow(self, app: str, sha: str, after: str | None) -> AsyncGenerator[LogEvent, None]:
        """Yield the events that the test has put there."""
        self._answer("find", app, sha)
        for event in self.events:
            yield event

    def _answer(self, call: str, app: str, other: str) -> Json:
        self.world.asked.append(call)
        if self.away:
            raise ApiAway("it does not answer")
        try:
            answer: Json = getattr(self.world, call)(app, other)
        except Refusal as refusal:
            raise ApiRefused(read_problem(refusal.problem, refusal.status)) from None
        return answer


@contextlib.contextmanager
def serving(world: Previews, port: int = 0) -> Iterator[str]:
    """Answer from `world` on 127.0.0.1, and yield the address."""

    class Handler(_Handler):
        pass

    Handler.world = world
    Handler.over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        Handler.over.set()
        with world.changed:
            world.changed.notify_all()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    world: Previews
    over: threading.Event
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer a call."""
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path = urlsplit(self.path).path
        if path not in {"/v1/uses", "/v1/refusals"}:
            self.world.asked.append(f"{self.command} {path}")
            self.world.request_ids.append(self.headers.get("X-Request-Id", ""))
        parts = [unquote(part) for part in path.split("/")[2:]]
        try:
            if self.world.standby:
                return self._send(503, _NO_LEADER.problem)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._send(401, {"type": "urn:prevs:problem:unauthorized"})
            if self.command == "GET" and parts[0] == "previews" and parts[-1] == "log":
                self.world.find(parts[1], parts[2])
                if "text/event-stream" in self.headers.get("Accept", ""):
                    return self._stream(parts[1], parts[2])
                return self._send_log(parts[2], parse_qs(urlsplit(self.path).query))
            return self._send(*self._answer(parts, body))
        except Refusal as refusal:
            return self._send(refusal.status, refusal.problem)

    do_POST = do_GET

    def _answer(self, parts: list[str], body: Json) -> tuple[int, Json]:
        match self.command, parts:
            case "GET", ["apps", app, "labels", label]:
                return 200, self.world.resolve(app, label)
            case "POST", ["previews"]:
                return 202, self.world.start(body["app"], body["label"])
            case "GET", ["previews", app, sha]:
                return 200, self.world.find(app, sha)
            case "POST", ["uses"]:
                self.world.uses.append(body)
                return 204, {}
            case "POST", ["refusals"]:
                self.world.refused.append(body)
                return 204, {}
            case "POST", ["previews", app, sha, "retry"]:
                return 202, self.world.retry(app, sha)
        raise Refusal("not-found", 404, "There is nothing here.")

    def _send_log(self, sha: str, query: dict[str, list[str]]) -> None:
        text, offset = self.world.logs.get(sha, ""), int(query.get("offset", ["0"])[0])
        piece = text[-4096:] if "tail" in query else text[offset : offset + 100_000]
        body = piece.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Next-Offset", str(offset + len(piece)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, app: str, sha: str) -> None:
        after = self.headers.get("Last-Event-ID")
        self.world.resumed_after.append(after)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        offset, told = int(after or 0), ""
        with contextlib.suppress(OSError, KeyError):  # the reader, or the preview, went away
            while not (self.over.is_set() or self.world.standby):
                with self.world.changed:
                    preview = dict(self.world.previews[app, sha])
                    text = self.world.logs.get(sha, "")[offset:]
                    state = json.dumps(preview)
                    if not text and state == told and preview["state"] not in _OVER:
                        self.world.changed.wait(1.0)
                        self._chunk(": \n\n")
                        continue
                if text:
                    offset += len(text)
                    self._chunk(f"event: log\nid: {offset}\ndata: {json.dumps(text)}\n\n")
                if state != told:
                    told = state
                    self._chunk(f"event: state\ndata: {state}\n\n")
                if preview["state"] in _OVER:
                    self._chunk(f"event: end\ndata: {state}\n\n")
                    break
            self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _send(self, status: int, value: Json) -> None:
        body = json.dumps(value).encode() if status != 204 else b""
        self.send_response(status)
        kind = "application/problem+json" if status >= 400 else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_STEPS = ("queued", "placed", "fetching", "building", "starting", "checking")
_OVER = frozenset({"failed", "stopped"})
_NO_LEADER = Refusal("unavailable", 503, "No framework leads now.")
