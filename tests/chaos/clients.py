"""The clients of a run: threads that ask again and again, and write down what they get."""

import dataclasses
import http.client
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.chaos.api import Api, NoAnswer, Refused
from tests.chaos.history import Look, Name, Order, Outcome, Recorder, Visit, Write
from tests.chaos.parts import PROXY_PORTS
from tests.faults.observer import CannotLook, Observer
from tests.faults.picture import WITH_TASK
from tests.faults.sites import Site

_PATIENCE = 20.0
"""Seconds that a visitor waits for each byte; prevs holds a request for half of it at most."""
_HELD = "wait=10"
_PAGE = 40
_TRIES, _BETWEEN = 40, 1.0
"""How often something is asked for again, and the seconds between two tries."""


class Client(threading.Thread):
    """Does `once` again and again, with a pause of `seconds`, until it is told to stop."""

    def __init__(self, name: str, seconds: float, once: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._seconds = seconds
        self._once = once
        self._stopping = threading.Event()
        self.turn = threading.Lock()
        """Who has it keeps the client still: between what it has done and what it does next."""
        self.failure: Exception | None = None

    def run(self) -> None:
        """Go on until stopped. A mistake in this program ends it, and is kept."""
        while not self._stopping.wait(self._seconds):
            try:
                with self.turn:
                    self._once()
            except Exception as exc:  # noqa: BLE001  # whoever joins it raises it
                self.failure = exc
                return

    def stop(self) -> None:
        """Let it end after what it does now."""
        self._stopping.set()


def visit(recorder: Recorder, port: int, asked: Visit, headers: Mapping[str, str]) -> Visit:
    """Request an address once, and write down what came."""
    sent = {"Host": asked.host, "Prefer": _HELD, **headers}
    number = recorder.begin(f"visitor of {asked.host}", asked)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/", headers=sent)
        answer = connection.getresponse()
        task = answer.headers.get("X-Prevs-Task") or ""
        page = answer.read(_PAGE).decode("utf-8", "replace").strip() if task else ""
    except (OSError, http.client.HTTPException):
        recorder.end(number, Outcome.UNKNOWN, asked)
        return asked
    finally:
        connection.close()
    got = dataclasses.replace(asked, status=answer.status, task=task, page=page)
    recorder.end(number, Outcome.OK, got)
    return got


class Address:
    """An address that is visited: `headers` go with each request, `lots` take turns."""

    def __init__(self, host: str, *, lots: Sequence[str] = (), **headers: str) -> None:
        self.host = host
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}
        self._lots = lots
        self._count = 0

    def visit(self, recorder: Recorder) -> Sequence[Visit]:
        """Request it through each proxy, as the next client; return what came."""
        self._count += 1
        lot = self._lots[self._count % len(self._lots)] if self._lots else ""
        headers = self.headers | ({"Cookie": f"prevs-lot={lot}"} if lot else {})
        asked = [
            Visit(proxy, self.host, lot, has_pass="X-Prevs-Access" in headers)
            for proxy in PROXY_PORTS
        ]
        return [visit(recorder, PROXY_PORTS[one.proxy], one, headers) for one in asked]


class Pusher:
    """Moves a branch on, and lets a gate lead to each of its commits, one after the other."""

    def __init__(self, recorder: Recorder, api: Api, site: Site, label: str) -> None:
        self._recorder = recorder
        self._api = api
        self._site = site
        self._label = label
        self._numbers = itertools.count(1)
        self.pages: dict[str, str] = {}
        """What each commit answers, by commit; complete once the pusher has stopped."""

    def push(self, host: str) -> None:
        """Move the branch of an address."""
        page = f"{self._label} {next(self._numbers)}"
        begun = Name(host, self._site.app, ())
        number = self._recorder.begin("pusher", begun)
        commit = self._site.push(self._label, f"{page}\n")
        self.pages[commit] = page
        named = dataclasses.replace(begun, commits=(commit,))
        self._recorder.end(number, Outcome.OK, named)

    def switch(self, gate: str, host: str) -> None:
        """Let a gate lead to the head of the branch; do nothing if it does.

        A change of which nobody knows whether it was made is asked for again, by the revision that
        was there before: so it is made once, or refused the second time.
        """
        commit = self._site.commit(self._label)
        begun = Name(host, self._site.app, (commit,))
        try:
            before = self._api.call("GET", f"/v1/gates/{gate}")
        except (NoAnswer, Refused):
            return
        proposal = before["proposal"]
        if commit in str(before) or (proposal and not proposal["failure"]):
            return
        seen = (proposal or before)["revision"]
        number = self._recorder.begin("switcher", begun)
        order = {"app": self._site.app, "keep": True, "rules": rules(commit), "seen": seen}
        outcome, _ = persist(lambda: self._api.call("PUT", f"/v1/gates/{gate}", **order))
        # It may be refused because an earlier try has done it, or will do it yet.
        known = Outcome.OK if outcome is Outcome.OK else Outcome.UNKNOWN
        self._recorder.end(number, known, begun)


def rules(*commits: str, sticky: bool = False) -> Sequence[Mapping[str, Any]]:
    """Return the rules of a gate that leads to these commits, with equal weights."""
    weights: Mapping[int, Sequence[int | None]] = {1: (None,), 2: (50, 50)}
    targets = [
        {"label": commit} | ({} if weight is None else {"weight": weight})
        for commit, weight in zip(commits, weights[len(commits)], strict=True)
    ]
    return [{"path": "/", "to": targets} | ({"sticky": "cookie"} if sticky else {})]


class Writer:
    """Writes variables of an app, and issues passes to another one."""

    def __init__(self, recorder: Recorder, api: Api, app: str, guarded: str) -> None:
        self._recorder = recorder
        self._api = api
        self._app = app
        self._guarded = guarded
        self.issued: list[str] = []
        """The ids of the passes that were issued for sure."""
        self._numbers = itertools.count(1)

    def write_variable(self) -> None:
        """Give one of a few variables its next value."""
        number = next(self._numbers)
        name = f"V{number % 5}"
        what = Write(f"{self._app}/{name}", str(number))
        asked = self._recorder.begin("writer", what)
        path = f"/v1/apps/{self._app}/environment/{name}"
        outcome = attempt(lambda: self._api.call("PUT", path, value=what.value, secret=False))[0]
        self._recorder.end(asked, outcome, what)

    def issue_pass(self) -> None:
        """Issue a pass, which from then on is there."""
        asked = self._recorder.begin("issuer", Write("a pass", ""))
        path = f"/v1/apps/{self._guarded}/passes"
        outcome, made = attempt(lambda: self._api.call("POST", path, kind="machine"))
        known = Write("a pass", "")
        if made:
            self.issued.append(str(made["id"]))
            known = Write(f"pass {made['id']}", "there")
        self._recorder.end(asked, outcome, known)


class Orderer:
    """Orders jobs, every third one to run `once`; each order is repeated until it is answered."""

    def __init__(self, recorder: Recorder, api: Api, app: str, commit: str) -> None:
        self._recorder = recorder
        self._api = api
        self._app = app
        self._commit = commit
        self._numbers = itertools.count(1)
        self.group = f"chaos-{uuid.uuid4().hex[:8]}"

    def order(self) -> None:
        """Order the next job, whose last argument is its key."""
        number = next(self._numbers)
        what = Order(f"{self.group}-{number}", once=number % 3 == 0)
        asked = self._recorder.begin("orderer", what)
        job = {
            "label": self._commit,
            "command": ["/bin/busybox", "sh", "-c", "exec /bin/busybox sleep 3", what.key],
            "group": self.group,
            "once": what.once,
        }
        path = f"/v1/apps/{self._app}/jobs"
        outcome, made = persist(lambda: self._api.call("POST", path, key=what.key, jobs=[job]))
        ordered = dataclasses.replace(what, job=made["jobs"][0]["id"]) if made else what
        self._recorder.end(asked, outcome, ordered)


class Watcher:
    """Looks at the records."""

    def __init__(self, recorder: Recorder, observer: Observer) -> None:
        self._recorder = recorder
        self._observer = observer

    def look(self) -> None:
        """Write down what the records are; nothing while nobody can look."""
        try:
            _, previews, placements = self._observer.records()
        except CannotLook:
            return
        count: dict[str, int] = {}
        for (app, _), record in previews.items():
            count[app] = count.get(app, 0) + (record.state in WITH_TASK)
        routes = tuple((*key, str(one.task_id)) for key, one in placements.items())
        self._recorder.note("watcher", Look(count, routes))


def attempt(call: Callable[[], Any]) -> tuple[Outcome, Any]:
    """Return how a call has ended, and its answer."""
    try:
        return Outcome.OK, call()
    except NoAnswer:
        return Outcome.UNKNOWN, None
    except Refused:
        return Outcome.REFUSED, None


def persist(call: Callable[[], Any]) -> tuple[Outcome, Any]:
    """Return how a call has ended that is repeated until somebody answers, and its answer."""
    for _ in range(_TRIES):
        outcome, answer = attempt(call)
        if outcome is not Outcome.UNKNOWN:
            return outcome, answer
        time.sleep(_BETWEEN)
    return Outcome.UNKNOWN, None
