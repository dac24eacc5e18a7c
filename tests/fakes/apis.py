"""The API over one kind of resource, and the orders that people write to it.

`ask` of each has paths below those of its resource: `api.ask("GET", "/nightly", Scope.READ)`.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import httpx

from framework.access import Scope
from framework.ports import Commit, Listing, Ref
from prevs.pulls import PullRecord
from prevs.records import AppRecord, DataPlace, PreviewRecord
from prevs.states import State
from tests.fakes.answers import known_agent
from tests.fakes.asgi import ApiInProcess
from tests.fakes.jobs_api import JobsApi

A, B, C = "a" * 40, "b" * 40, "c" * 40
HEADS: Mapping[str, str] = {"main": A, "v1": B, "v2": C}
"""The branches of hello."""

OF_STACKS: Mapping[str, Mapping[str, str]] = {
    "web": {"main": A, "v1": B},
    "cart": {"main": C, "feature-x": "d" * 40},
    "mail": {"master": "e" * 40, "feature-x": "f" * 40},
}
"""The branches of each app."""
MEMBERS = {"web": {"app": "web"}, "cart": {"app": "cart"}}

NIGHTLY = {"label": "main", "job": "report", "cron": "30 2 * * *", "zone": "Europe/Berlin"}
CLEAN = {"label": "main", "command": ["./clean", "--all"], "every": 3600}
OCTOBER = datetime.datetime(2026, 10, 23, 12, 0, tzinfo=datetime.UTC).timestamp()
"""The second night after that has an hour twice in Berlin."""


def rule(path: str, label: str, **more: Any) -> dict[str, Any]:
    """Return a rule with one target."""
    return {"path": path, "to": [{"label": label}], **more}


def gate(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a gate of hello."""
    return {"app": "hello", "rules": list(rules or [rule("/", "main")]), **more}


def stack(**members: Any) -> dict[str, Any]:
    """Return a stack, whose entry is its first member."""
    found = members or MEMBERS
    return {"entry": next(iter(found)), "members": {**found}}


class GatesApi(ApiInProcess):
    """The calls about gates; the app `hello` has the branches HEADS."""

    place = "/v1/gates"

    def __init__(self) -> None:
        super().__init__()
        self.previews.add_app(AppRecord("hello", "/srv/git/hello"))
        for label, sha in HEADS.items():
            self.refs.put("hello", label, sha)

    def write(self, order: dict[str, Any], name: str = "api", query: str = "") -> httpx.Response:
        """Return the answer to writing a gate."""
        return self.ask("PUT", f"/{name}{query}", json=order)

    def run(self, *labels: str) -> None:
        """Let the previews of labels run."""
        for label in labels:
            fields: dict[str, Any] = {"labels": (label,), "task_id": f"of-{label}"}
            self.previews.put("hello", HEADS[label], State.RUNNING, **fields)
        self.gates.reconcile()


class SchedulesApi(JobsApi):
    """The calls about the schedules of hello, in OCTOBER."""

    place = "/v1/apps/hello/schedules"

    def __init__(self) -> None:
        super().__init__()
        self.jobs.clock.seconds = OCTOBER
        self.ports = self.ports._replace(now=self.jobs.clock.read)

    def try_times(
        self, order: dict[str, Any], scope: Scope = Scope.ADMIN, count: int = 3
    ) -> httpx.Response:
        """Return the answer to trying times."""
        path = f"/v1/apps/hello/schedule-times?count={count}"
        return self.send("POST", path, headers=self.bearer(scope), json=order)

    def write(
        self, order: dict[str, Any], name: str = "nightly", scope: Scope = Scope.ADMIN
    ) -> httpx.Response:
        """Return the answer to writing a schedule."""
        return self.ask("PUT", f"/{name}", scope, json=order)


class StacksApi(ApiInProcess):
    """The calls about stacks; each app has the branches OF_STACKS."""

    place = "/v1/stacks"

    def __init__(self) -> None:
        super().__init__()
        for app, heads in OF_STACKS.items():
            self.previews.add_app(AppRecord(app, f"/srv/git/{app}"))
            for label, sha in heads.items():
                self.refs.put(app, label, sha)

    def write(self, order: dict[str, Any] | None = None, query: str = "") -> httpx.Response:
        """Return the answer to writing the stack `shop`."""
        return self.ask("PUT", f"/shop{query}", json=order or stack())

    def open(self, ref: str = "feature-x", **more: Any) -> httpx.Response:
        """Return the answer to opening a variant of `shop`."""
        return self.ask("POST", "/shop/variants", Scope.USE, json={"ref": ref, **more})

    def start(self, app: str, label: str, state: State = State.RUNNING) -> PreviewRecord:
        """Request what a label leads to; return its preview, which is in a state then."""
        order = {"app": app, "label": label}
        shown = self.call("POST", "/v1/previews", json=order)
        assert shown.status_code == 202, shown.text
        return self.previews.change(app, shown.json()["sha"], state=state, started=1.0)


class IronApi(JobsApi):
    """The API that answers IronWorker's clients too; a client's own token has the scope `use`."""

    place = "/2/projects/hello"
    scheme = "OAuth"

    def __init__(self) -> None:
        super().__init__(ironworker=True)

    def ask(
        self, method: str, path: str = "", scope: Scope = Scope.USE, app: str = "", **request: Any
    ) -> httpx.Response:
        """Return the answer to a call as a client makes it."""
        return super().ask(method, path, scope, app, **request)

    def queue(self, **fields: Any) -> str:
        """Return the id of a new task."""
        answer = self.ask("POST", "/tasks", json={"tasks": [{"code_name": "report", **fields}]})
        assert answer.status_code == 200, answer.text
        task_id: str = answer.json()["tasks"][0]["id"]
        return task_id


class WholeApi(JobsApi):
    """The apps `hello` and `beta`, with what `fill` adds."""

    def __init__(self) -> None:
        super().__init__()
        fill(self)


def fill(api: ApiInProcess) -> None:
    """Add the apps `hello` and `beta`, each with three of all that is listed: b, c and a."""
    for app in ("hello", "beta"):
        api.previews.known_apps.setdefault(app, AppRecord(app, "/srv/x", created=1.0))
        api.refs.put(app, "main", A)
        for number, letter in enumerate("bca"):
            _add_preview(api, app, letter, number)
            _write(api, app, letter)
            api.previews.look()
        _send(api, "PUT", f"/v1/apps/{app}/credential", password="hunter2")
        refs = [Ref(one, "branch", one, A, "Ada", "", 9.0 - n) for n, one in enumerate("bca")]
        api.refs.listings[app] = Listing(refs[::-1], 1.0)
        api.refs.logs[app, "main"] = [Commit(one * 40, "Ada", "", 9.0) for one in "bca"]
    for letter in "bca":
        api.agents.known.append(known_agent(letter))
        _send(api, "POST", "/v1/tokens", name=letter, scope="read")
        _send(api, "POST", "/v1/roles", person=letter, scope="read")


def _add_preview(api: ApiInProcess, app: str, letter: str, number: int) -> None:
    sha, place = letter * 40, len(api.previews.queue_places) + 1
    fields: dict[str, Any] = {"created": 9.0 - number, "changed": float(place)}
    places = {letter: DataPlace("agent-1", "10.0.0.1", 1.0)}
    api.previews.put(app, sha, State.QUEUED, labels=(letter,), data_places=places, **fields)
    api.previews.queue_places[app, sha] = place
    pull = PullRecord(app, number, sha, f"pull/{number}/head", updated=float(number))
    api.previews.pulls.setdefault(app, {})[number] = pull


def _write(api: ApiInProcess, app: str, letter: str) -> None:
    api.jobs.clock.pass_seconds(1.0)
    _send(api, "POST", f"/v1/apps/{app}/jobs", label="main", command=[letter])
    _send(api, "PUT", f"/v1/apps/{app}/schedules/{letter}", **CLEAN)
    _send(api, "PUT", f"/v1/gates/{letter}-{app}?force=true", app=app, rules=[rule("/", "main")])
    _send(api, "PUT", f"/v1/stacks/{letter}s-{app}", **stack(web={"app": app}))


def _send(api: ApiInProcess, method: str, path: str, **order: Any) -> None:
    answer = api.call(method, path, json=order)
    assert answer.is_success, answer.text
