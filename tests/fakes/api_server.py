"""The stand-in for the framework's HTTP API on a socket; tests/fakes/api.py has what it answers."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.api import TOKEN, Drop, Json, Later, World, app, preview, problem


@contextlib.contextmanager
def serving(world: World) -> Iterator[str]:
    """Answer from `world` on a free port of 127.0.0.1, and yield the address."""

    class Handler(_Handler):
        pass

    Handler.world = world
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _cut(name: str, entries: list[Json], query: Mapping[str, str]) -> Json:
    """Return one page of a list; the cursors of this stand-in are numbers."""
    begin, limit = int(query.get("after", 0)), int(query.get("limit", 100))
    end = begin + limit
    return {name: entries[begin:end], "next": str(end) if end < len(entries) else None}


def _matching(refs: list[Json], query: Mapping[str, str]) -> list[Json]:
    kind, search = query.get("kind"), query.get("search", "")
    return [one for one in refs if kind in (None, one["kind"]) and search in one["name"]]


def _tag(value: Any) -> str:
    return f'"{hash(json.dumps(value)):x}"'


def _queued(preview: Json) -> Json:
    same = {key: preview[key] for key in ("app", "sha", "reason")}
    label = preview["labels"][-1] if preview["labels"] else None
    return {**same, "place": preview["queue_place"], "label": label, "since": preview["changed"]}


class _Handler(BaseHTTPRequestHandler):
    world: World
    retry_after: str | None = None
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.world.asked.append((self.command, path))
        if length:
            self.world.bodies.append(body)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if path in {"/readyz", "/healthz"}:
            return self._send(*self.world.probe)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(*problem("unauthorized", 401, "The token is not the API's."))
        refused = self.world.refusals.get((self.command, path))
        if refused:
            return self._send(*refused)
        if self.world.busy:
            seconds = self.world.busy.pop(0)
            self.retry_after = str(seconds)
            return self._send(*problem("too-many-requests", 429, "That was too much."))
        if path.endswith("/log"):
            return self._log(query)
        if path == "/v1/events" and "text/event-stream" in self.headers.get("Accept", ""):
            return self._stream()
        return self._send(*self._answers(path.split("/")[2:], body, query))

    def _answers(self, parts: list[str], body: Json, query: Mapping[str, str]) -> tuple[int, Any]:
        world = self.world
        match self.command, parts:
            case _, ["apps", *rest]:
                return self._app_answers(rest, body, query)
            case "GET", ["agents" | "events" as name]:
                return 200, _cut(name, getattr(world, name), query)
            case "GET", ["audit"]:
                return 200, _cut("entries", world.audit, query)
            case _, ["tokens", *rest]:
                return self._token_answers(rest, body, query)
            case "GET", ["queue"]:
                waiting = [p for p in world.previews.values() if p["queue_place"]]
                queued = sorted(map(_queued, waiting), key=lambda q: q["place"])
                return 200, _cut("queue", queued, query)
            case _, ["previews", *rest]:
                return self._preview_answers(rest, body, query)
        return problem("not-found", 404, "There is nothing here.")

    def _app_answers(  # noqa: PLR0911 - a table of calls
        self, parts: list[str], body: Json, query: Mapping[str, str]
    ) -> tuple[int, Any]:
        apps = self.world.apps
        match self.command, parts:
            case "GET", []:
                return 200, _cut("apps", list(apps.values()), query)
            case "POST", []:
                return self._added(body)
            case _, [name, *_] if name not in apps:
                return problem("unknown-app", 404, f"There is no app {name!r}.", app=name)
            case "GET", [name]:
                return 200, apps[name]
            case "PATCH", [name]:
                apps[name].update(body)
                return 200, apps[name]
            case "DELETE", [name]:
                return self._removed(name)
            case _, [name, "environment", *rest]:
                return self._variables(name, rest, body)
            case _, [name, "credential", *rest]:
                return self._credential(name, rest, body)
            case "GET", [name, *rest]:
                return self._repository_answers(name, rest, query)
        return problem("not-found", 404, "There is nothing here.")

    def _repository_answers(
        self, app: str, parts: list[str], query: Mapping[str, str]
    ) -> tuple[int, Any]:
        world = self.world
        match parts:
            case ["labels", label]:
                return self._resolved(app, label)
            case ["refs"]:
                found = _cut("refs", _matching(world.refs, query), query)
                return 200, found | {"as_of": 1.0, "problem": world.problem}
            case ["commits"]:
                return 200, _cut("commits", world.commits, query)
        return problem("not-found", 404, "There is nothing here.")

    def _variables(self, app: str, parts: list[str], body: Json) -> tuple[int, Any]:
        known = self.world.variables
        match self.command, parts:
            case "GET", []:
                return 200, {"variables": [one for (of, _), one in known.items() if of == app]}
            case "DELETE", []:
                self.world.variables = {key: one for key, one in known.items() if key[0] != app}
                return 204, None
            case "PUT", [name]:
                shown = {**body, "value": None} if body["secret"] else body
                known[app, name] = {"name": name, **shown, "changed": 1.0}
                return 200, {**known[app, name], "holds_for": "attempts that begin later"}
            case "DELETE", [name] if (app, name) in known:
                del known[app, name]
                return 204, None
        return problem("unknown-variable", 404, "There is no such variable.", app=app)

    def _credential(self, app: str, _: list[str], body: Json) -> tuple[int, Any]:
        known = self.world.credentials
        if self.command == "PUT":
            kind = "ssh-key" if body.get("private_key") else "password"
            of_key = {"fingerprint": "SHA256:abc", "known_hosts": body.get("known_hosts")}
            shown = of_key if kind == "ssh-key" else {"username": body["username"]}
            nothing = dict.fromkeys(("username", "fingerprint", "known_hosts"))
            known[app] = {"kind": kind, **nothing, **shown, "changed": 1.0}
        if app not in known:
            return problem("unknown-credential", 404, "There is no credential.", app=app)
        if self.command == "DELETE":
            del known[app]
            return 204, None
        return 200, known[app]

    def _token_answers(
        self, parts: list[str], body: Json, query: Mapping[str, str]
    ) -> tuple[int, Any]:
        tokens = self.world.tokens
        match self.command, parts:
            case "GET", []:
                return 200, _cut("tokens", list(tokens.values()), query)
            case "POST", []:
                tokens[body["name"]] = {**body, "created": 1.0}
                return 201, tokens[body["name"]] | {"token": f"prevs_{body['scope']}_secret"}
            case "DELETE", [name] if name in tokens:
                del tokens[name]
                return 204, None
        return problem("unknown-token", 404, "There is no such token.")

    def _added(self, body: Json) -> tuple[int, Json]:
        name = body["name"]
        wanted = app(**body)
        known = self.world.apps.setdefault(name, wanted)
        if known != wanted:
            return problem("app-exists", 409, f"An app {name!r} exists already.", app=name)
        return 201, wanted

    def _removed(self, name: str) -> tuple[int, Json | None]:
        apps, wanted = self.world.apps, self.headers.get("If-Match")
        if wanted not in (None, _tag(apps[name])):
            return problem("app-changed", 412, f"{name!r} is not as it was.", app=name)
        del apps[name]
        return 204, None

    def _resolved(self, name: str, label: str) -> tuple[int, Json]:
        sha = self.world.labels.get((name, label))
        if sha is None:
            detail = f"{label!r} leads to no commit of {name!r}: no branch, tag or commit of it"
            return problem("unknown-label", 404, detail, app=name, label=label)
        url = f"http://{label}.{name}.localhost:8080/"
        known = {"app": name, "label": label, "sha": sha, "kind": "branch", "ref": label}
        return 200, {**known, "author": "", "subject": "", "committed": 1.0, "url": url}

    def _preview_answers(  # noqa: PLR0911 - a table of calls
        self, parts: list[str], body: Json, query: Mapping[str, str]
    ) -> tuple[int, Any]:
        previews = self.world.previews
        match self.command, parts:
            case "GET", []:
                wanted = {key: query[key] for key in ("app", "state") if key in query}
                found = [p for p in previews.values() if wanted.items() <= p.items()]
                listed = [{k: v for k, v in p.items() if k != "log_tail"} for p in found]
                return 200, _cut("previews", listed, query)
            case "POST", []:
                if body["app"] not in self.world.apps:
                    return problem("unknown-app", 404, f"There is no app {body['app']!r}.")
                status, label = self._resolved(body["app"], body["label"])
                if status != 200:
                    return status, label
                new = preview(body["app"], label["sha"], labels=[body["label"]])
                return 202, previews.setdefault((body["app"], label["sha"]), new)
            case _, [name, sha, *_] if (name, sha) not in previews:
                return problem("unknown-preview", 404, f"{name!r} has no preview of {sha}.")
            case "GET", [name, sha]:
                return 200, previews[name, sha]
            case "DELETE", [name, sha]:
                previews[name, sha]["state"] = "draining"
                return 202, previews[name, sha]
            case "PUT" | "DELETE", [name, sha, "pin"]:
                previews[name, sha]["pinned"] = self.command == "PUT"
                return 200, previews[name, sha]
            case "POST", [name, sha, "retry"]:
                if previews[name, sha]["state"] != "failed":
                    return problem("not-retryable", 409, "Only a failed preview can be retried.")
                previews[name, sha].update(state="queued", failure=None)
                return 202, previews[name, sha]
        return problem("not-found", 404, "There is nothing here.")

    def _log(self, query: Mapping[str, str]) -> None:
        if "text/event-stream" in self.headers.get("Accept", ""):
            return self._stream()
        offset = int(query.get("offset", 0))
        piece = self.world.log[offset : offset + self.world.piece]
        if query.get("tail") == "true":
            piece = self.world.log[-4096:]
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "X-Next-Offset": str(offset + len(piece)),
        }
        return self._write(200, headers, piece)

    def _stream(self) -> None:
        self.world.resumed_after.append(self.headers.get("Last-Event-ID"))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self.world.streams.pop(0):
            if isinstance(piece, Drop):
                self.close_connection = True
                return
            content = piece.make() if isinstance(piece, Later) else piece
            if content:  # an empty chunk would end the answer
                self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, value: Any) -> None:
        kind = "application/problem+json" if status >= 400 else "application/json"
        body = b"" if status == 204 else json.dumps(value).encode()
        later = {"Retry-After": self.retry_after} if self.retry_after else {}
        self.retry_after = None
        self._write(status, {"Content-Type": kind, "ETag": _tag(value), **later}, body)

    def _write(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
