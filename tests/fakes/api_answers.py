"""What a stand-in for the framework's HTTP API answers to each call, from what it knows."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.api import Json, World, app, preview, problem


class Answers:
    """What one call gets; `if_match` is its header of that name."""

    def __init__(
        self,
        world: World,
        method: str,
        *,
        body: Json,
        query: Mapping[str, str],
        if_match: str | None,
    ) -> None:
        self._world = world
        self._method = method
        self._body = body
        self._query = query
        self._if_match = if_match

    def answer(self, parts: list[str]) -> tuple[int, Any]:
        """Return the status, and what is sent as JSON. `parts` are those of the path below /v1."""
        world = self._world
        match self._method, parts:
            case _, ["apps", *rest]:
                return self._app_answers(rest)
            case "GET", ["agents" | "events" as name]:
                return 200, self._cut(name, getattr(world, name))
            case "GET", ["audit"]:
                return 200, self._cut("entries", world.audit)
            case _, ["tokens", *rest]:
                return self._token_answers(rest)
            case "GET", ["queue"]:
                waiting = [p for p in world.previews.values() if p["queue_place"]]
                queued = sorted(map(_queued, waiting), key=lambda q: q["place"])
                return 200, self._cut("queue", queued)
            case _, ["previews", *rest]:
                return self._preview_answers(rest)
        return problem("not-found", 404, "There is nothing here.")

    def _app_answers(self, parts: list[str]) -> tuple[int, Any]:  # noqa: PLR0911 - a table of calls
        apps = self._world.apps
        match self._method, parts:
            case "GET", []:
                return 200, self._cut("apps", list(apps.values()))
            case "POST", []:
                return self._added()
            case _, [name, *_] if name not in apps:
                return problem("unknown-app", 404, f"There is no app {name!r}.", app=name)
            case "GET", [name]:
                return 200, apps[name]
            case "PATCH", [name]:
                apps[name].update(self._body)
                return 200, apps[name]
            case "DELETE", [name]:
                return self._removed(name)
            case _, [name, "environment", *rest]:
                return self._variables(name, rest)
            case _, [name, "credential"]:
                return self._credential(name)
            case "GET", [name, *rest]:
                return self._repository_answers(name, rest)
        return problem("not-found", 404, "There is nothing here.")

    def _repository_answers(self, app: str, parts: list[str]) -> tuple[int, Any]:
        world = self._world
        match parts:
            case ["labels", label]:
                return self._resolved(app, label)
            case ["refs"]:
                found = self._cut("refs", _matching(world.refs, self._query))
                return 200, found | {"as_of": 1.0, "problem": world.problem}
            case ["commits"]:
                return 200, self._cut("commits", world.commits)
        return problem("not-found", 404, "There is nothing here.")

    def _variables(self, app: str, parts: list[str]) -> tuple[int, Any]:
        known = self._world.variables
        match self._method, parts:
            case "GET", []:
                return 200, {"variables": [one for (of, _), one in known.items() if of == app]}
            case "DELETE", []:
                self._world.variables = {key: one for key, one in known.items() if key[0] != app}
                return 204, None
            case "PUT", [name]:
                shown = {**self._body, "value": None} if self._body["secret"] else self._body
                known[app, name] = {"name": name, **shown, "changed": 1.0}
                return 200, {**known[app, name], "holds_for": "attempts that begin later"}
            case "DELETE", [name] if (app, name) in known:
                del known[app, name]
                return 204, None
        return problem("unknown-variable", 404, "There is no such variable.", app=app)

    def _credential(self, app: str) -> tuple[int, Any]:
        known = self._world.credentials
        if self._method == "PUT":
            kind = "ssh-key" if self._body.get("private_key") else "password"
            of_key = {"fingerprint": "SHA256:abc", "known_hosts": self._body.get("known_hosts")}
            shown = of_key if kind == "ssh-key" else {"username": self._body["username"]}
            nothing = dict.fromkeys(("username", "fingerprint", "known_hosts"))
            known[app] = {"kind": kind, **nothing, **shown, "changed": 1.0}
        if app not in known:
            return problem("unknown-credential", 404, "There is no credential.", app=app)
        if self._method == "DELETE":
            del known[app]
            return 204, None
        return 200, known[app]

    def _token_answers(self, parts: list[str]) -> tuple[int, Any]:
        tokens = self._world.tokens
        match self._method, parts:
            case "GET", []:
                return 200, self._cut("tokens", list(tokens.values()))
            case "POST", []:
                made = tokens[self._body["name"]] = {**self._body, "created": 1.0}
                return 201, made | {"token": f"prevs_{made['scope']}_secret"}
            case "DELETE", [name] if name in tokens:
                del tokens[name]
                return 204, None
        return problem("unknown-token", 404, "There is no such token.")

    def _added(self) -> tuple[int, Json]:
        name = self._body["name"]
        wanted = app(**self._body)
        known = self._world.apps.setdefault(name, wanted)
        if known != wanted:
            return problem("app-exists", 409, f"An app {name!r} exists already.", app=name)
        return 201, wanted

    def _removed(self, name: str) -> tuple[int, Json | None]:
        apps, wanted = self._world.apps, self._if_match
        if wanted not in (None, tag(apps[name])):
            return problem("app-changed", 412, f"{name!r} is not as it was.", app=name)
        del apps[name]
        return 204, None

    def _resolved(self, name: str, label: str) -> tuple[int, Json]:
        sha = self._world.labels.get((name, label))
        if sha is None:
            detail = f"{label!r} leads to no commit of {name!r}: no branch, tag or commit of it"
            return problem("unknown-label", 404, detail, app=name, label=label)
        url = f"http://{label}.{name}.localhost:8080/"
        known = {"app": name, "label": label, "sha": sha, "kind": "branch", "ref": label}
        return 200, {**known, "author": "", "subject": "", "committed": 1.0, "url": url}

    def _preview_answers(self, parts: list[str]) -> tuple[int, Any]:  # noqa: PLR0911 - as above
        previews = self._world.previews
        match self._method, parts:
            case "GET", []:
                wanted = {key: self._query[key] for key in ("app", "state") if key in self._query}
                found = [p for p in previews.values() if wanted.items() <= p.items()]
                listed = [{k: v for k, v in p.items() if k != "log_tail"} for p in found]
                return 200, self._cut("previews", listed)
            case "POST", []:
                return self._started(self._body["app"], self._body["label"])
            case _, [name, sha, *_] if (name, sha) not in previews:
                return problem("unknown-preview", 404, f"{name!r} has no preview of {sha}.")
            case "GET", [name, sha]:
                return 200, previews[name, sha]
            case "DELETE", [name, sha]:
                previews[name, sha]["state"] = "draining"
                return 202, previews[name, sha]
            case "PUT" | "DELETE", [name, sha, "pin"]:
                previews[name, sha]["pinned"] = self._method == "PUT"
                return 200, previews[name, sha]
            case "POST", [name, sha, "retry"]:
                if previews[name, sha]["state"] != "failed":
                    return problem("not-retryable", 409, "Only a failed preview can be retried.")
                previews[name, sha].update(state="queued", failure=None)
                return 202, previews[name, sha]
        return problem("not-found", 404, "There is nothing here.")

    def _started(self, app: str, label: str) -> tuple[int, Json]:
        if app not in self._world.apps:
            return problem("unknown-app", 404, f"There is no app {app!r}.")
        status, found = self._resolved(app, label)
        if status != 200:
            return status, found
        new = preview(app, found["sha"], labels=[label])
        return 202, self._world.previews.setdefault((app, found["sha"]), new)

    def _cut(self, name: str, entries: list[Json]) -> Json:
        """Return one page of a list; the cursors of this stand-in are numbers."""
        begin, limit = int(self._query.get("after", 0)), int(self._query.get("limit", 100))
        end = begin + limit
        return {name: entries[begin:end], "next": str(end) if end < len(entries) else None}


def tag(value: Any) -> str:
    """Return the ETag of an answer."""
    return f'"{hash(json.dumps(value)):x}"'


def _matching(refs: list[Json], query: Mapping[str, str]) -> list[Json]:
    kind, search = query.get("kind"), query.get("search", "")
    return [one for one in refs if kind in (None, one["kind"]) and search in one["name"]]


def _queued(preview: Json) -> Json:
    same = {key: preview[key] for key in ("app", "sha", "reason")}
    label = preview["labels"][-1] if preview["labels"] else None
    return {**same, "place": preview["queue_place"], "label": label, "since": preview["changed"]}
