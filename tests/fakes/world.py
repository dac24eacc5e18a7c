"""The framework as the proxy sees it: the real HTTP API over fakes, on a socket or without one.

A test arranges labels, moves previews from state to state and lets logs grow; log streams follow.
`World` is what is behind it, and `FakeFramework` the same without HTTP.
"""

import itertools
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from framework import ports
from framework.errors import FrameworkError
from framework.events import ConnectionsRefused, UsageReported
from framework.http_api.http import problems
from framework.http_api.http.paging import PageRequest
from framework.http_api.landing.landing_routes import LandingRoutes
from framework.http_api.models import presenter
from framework.http_api.models.variant_models import Places
from framework.http_api.streams.label_resolver import LabelResolver
from framework.preview.steps import STEPS
from prevs import names
from prevs.records import Failure, PreviewRecord, Step
from prevs.states import Cause, State
from program.http.server_events import ServerEvent
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.landing import Landing, LandingQuery, read_landing
from proxy.model.preview import Commit, Preview, read_commit, read_preview
from proxy.model.problems import Problem, read_problem
from proxy.model.sign_in import Begun, Claim
from proxy.model.usage import Source, TaskUsage
from tests.fakes import served
from tests.fakes.answers import Json, content
from tests.fakes.api import Api
from tests.fakes.asgi import TOKEN
from tests.fakes.previews import FakePreviews
from tests.fakes.sandboxes import FakeSandboxes

__all__ = ["TOKEN", "FakeFramework", "World", "steps"]

_NO_TASK = (State.QUEUED, State.STOPPED)


class World:
    """Labels, previews, logs by commit, and the calls so far. An ASGI application.

    `standby` makes it refuse everything, as a framework without a leader. `port` is the
    one that visitors see. `started` is called with each preview that is queued.
    """

    def __init__(self, port: int = 80) -> None:
        self.known = FakePreviews()
        self._logs = _LogsByCommit()
        self.api = Api(port, previews=self.known, sandboxes=self._logs)
        self.labels = self.api.refs.leads
        self.previews = self.known.known
        self.logs = self._logs.texts
        self.requests: list[str] = []
        self.request_ids: list[str] = []
        self.resumed_after = self.api.resumed_after
        self.standby = False
        self._attempts = itertools.count(1000)  # not those that placements are given by tests
        self.started: Callable[[PreviewRecord], object] = lambda preview: None
        self.known.queued = self._begin

    @property
    def uses(self) -> list[Json]:
        """The usage that proxies reported."""
        return [
            {"proxy": proxy, "uses": [usage._asdict() for usage in uses]}
            for proxy, uses in list(self.known.uses)
        ]

    @property
    def refused(self) -> list[Json]:
        """The refused tasks that proxies reported."""
        return [{"proxy": proxy, "tasks": list(ids)} for proxy, ids in list(self.known.refusals)]

    def serving(self, port: int = 0) -> AbstractContextManager[str]:
        """Answer on a port of 127.0.0.1, and yield the address."""
        assert self.api.app is not None  # made now, and not while the first caller waits
        return served.serving(self, port)

    def add(self, app: str, label: str, sha: str, **fields: Any) -> None:
        """Point a label at a commit."""
        self.api.add(app, label, sha)
        details = {"author": "Ada Lovelace", **fields}
        lead = self.labels[app, label]
        assert not isinstance(lead, Exception)
        self.labels[app, label] = lead._replace(**details)

    def refuse(self, app: str, label: str, error: FrameworkError) -> None:
        """Have a label refused."""
        self.api.add(app)
        self.labels[app, label] = error

    def start(self, app: str, label: str) -> PreviewRecord:
        """Start a preview."""
        lead = self.labels[app, label]
        assert not isinstance(lead, Exception)
        return self.known.start(app, lead.sha, label)

    def retry(self, app: str, sha: str) -> PreviewRecord:
        """Queue a failed preview again."""
        return self.known.retry(app, sha)

    def move(self, app: str, sha: str, state: str, **fields: Any) -> None:
        """Put a preview into a state. A new attempt has a task and a log of its own."""
        known = self.known.snapshot.preview(app, sha)
        now = State(state)
        if "queue_place" in fields:
            place = fields.pop("queue_place")
            self.known.queue_places = {} if place is None else {(app, sha): place}
        if "log_tail" in fields:
            self.logs[sha] = fields.pop("log_tail")
        if known.state in _NO_TASK and now not in _NO_TASK:
            fields.setdefault("task_id", f"{app}.{sha}.a{next(self._attempts)}")
        changes = {"changed": time.time(), **fields}
        self.known.change(app, sha, state=now, **changes)

    def fail(self, app: str, sha: str, *, cause: str, message: str, exit_code: int) -> None:
        """Let a preview fail."""
        self.move(app, sha, "failed", failure=Failure(Cause(cause), message, exit_code))

    def log(self, sha: str, text: str) -> None:
        """Let a log grow."""
        self.logs[sha] = self.logs.get(sha, "") + text

    def interrupt(self) -> None:
        """End the streams, and refuse everything until `standby` is taken back."""
        self.standby = True
        for key, preview in list(self.previews.items()):  # so that each stream has something to say
            self.known.change(*key, changed=preview.changed + 0.001)

    def clear(self) -> None:
        """Forget labels, previews, logs, and the calls so far."""
        for kept in (self.labels, self.previews, self.logs, self.known.queue_places):
            kept.clear()
        for calls in (self.requests, self.request_ids, self.resumed_after, self.known.refusals):
            calls.clear()
        self.started = lambda preview: None

    def _begin(self, preview: PreviewRecord) -> None:
        if preview.task_id is not None:  # the next attempt's log is another one
            self.logs.pop(preview.sha, None)
        self.started(preview)

    def count(self, call: str) -> int:
        """Return how often a call was made: "POST /v1/previews" for example."""
        return self.requests.count(call)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        if scope["path"] not in {"/v1/uses", "/v1/refusals"}:
            self.requests.append(f"{scope['method']} {scope['path']}")
            self.request_ids.append(Headers(scope=scope).get("x-request-id", ""))
        if self.standby:
            await problems.answer_unavailable("No framework leads now.")(scope, receive, send)
            return

        async def send_leading(message: Message) -> None:
            if self.standby:
                self.api.cut()
            await send(message)

        await self.api(scope, receive, send_leading)


class _LogsByCommit(FakeSandboxes):
    """Logs that grow by commit, whichever the attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}

    def _find(self, logged: ports.Logged) -> bytes:
        assert isinstance(logged, PreviewRecord)
        return self.texts.get(logged.sha, "").encode()


def steps(now: float, *seconds: float | None) -> tuple[Step, ...]:
    """Return the steps of an attempt by how long each took; the last goes on.

    None is one that was not needed.
    """
    ends = itertools.accumulate((taken or 0.0 for taken in reversed(seconds)), initial=0.0)
    begun = [now - ago for ago in itertools.islice(ends, 1, None)][::-1]
    rows = zip(STEPS, begun, seconds, strict=False)
    return tuple(Step(name, began) for name, began, taken in rows if taken is not None)


class FakeFramework:
    """proxy.ports.Framework without a socket. `away` makes every call fail."""

    def __init__(self) -> None:
        self.world = World()
        self.away = False
        self.forged = False
        self.hooks: list[tuple[str, Mapping[str, str], bytes]] = []
        self.events: list[ServerEvent] = []
        addresses = names.addresses("localhost", 80)
        self._addresses = addresses
        self._places = Places(addresses)
        self._presenter = presenter.Presenter(
            self.world.known, addresses, lambda: None, lambda: 0.0
        )

    async def resolve(self, app: str, label: str) -> Commit:
        """Return the commit of a label."""
        return read_commit(self._answer("resolve", self._resolve, app, label))

    async def shows_all(self, app: str) -> bool:
        """Return the setting of the app in the world."""
        shown = self._answer("app", self._show_app, app, "")
        return bool(shown["room_shows"] == "full")

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview, None if there is none."""
        try:
            return read_preview(self._answer("find", self.show, app, sha))
        except ApiRefused:
            return None

    async def read_landing(self, app: str, query: LandingQuery) -> Landing:
        """Return what the real API shows of the app in the world."""
        self.world.requests.append("landing")
        self._answer_at_all()
        resolver = LabelResolver(self.world.known, self.world.api.refs)
        routes = LandingRoutes(self.world.known, resolver, self._addresses, lambda: 0.0)
        asked: dict[str, Any] = {"search": query.search, "kind": query.kind}
        paged = PageRequest(query.limit, query.after)
        try:
            found = await routes.show_landing(app, **asked, paged=paged)
        except FrameworkError as error:
            raise self._refuse(error) from None
        return read_landing(found.model_dump(mode="json"))

    async def start(self, app: str, label: str) -> Preview:
        """Request a preview."""
        return read_preview(self._answer("start", self._start, app, label))

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again."""
        return read_preview(self._answer("retry", self._retry, app, sha))

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        """Return a piece of the log, of 10 characters at most."""
        self._answer("find", self.show, app, sha)
        text = self.world.logs.get(sha, "")[offset : offset + 10]
        return text, offset + len(text)

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the end of the log."""
        self._answer("find", self.show, app, sha)
        return self.world.logs.get(sha, "")[-100:]

    async def enter(self, app: str, password: str, client: str) -> None:
        """Take any password for the right one."""
        self._answer_at_all()

    async def enter_as(self, app: str, claim: Claim, client: str) -> None:
        """Take anybody for one of the team."""
        self._answer_at_all()

    async def begin_sign_in(self, client: str) -> Begun:
        """Name a provider that does not exist."""
        self._answer_at_all()
        return Begun("https://provider.example/", "a-state", "an-attempt")

    async def finish_sign_in(self, attempt: str, state: str, code: str, client: str) -> str:
        """Take any code."""
        self._answer_at_all()
        return "a-session"

    async def report_usage(self, proxy: str, uses: Sequence[TaskUsage], source: Source) -> None:
        """Store a proxy's report."""
        self._answer_at_all()
        of_tasks = [ports.Use(*use) for use in uses]
        self.world.known.report(UsageReported(proxy, of_tasks, source.addresses, source.user))

    async def report_refused_tasks(self, proxy: str, tasks: Sequence[str]) -> None:
        """Store a proxy's report."""
        self._answer_at_all()
        self.world.known.report(ConnectionsRefused(proxy, tasks))

    async def pass_on_hook(self, app: str, headers: Mapping[str, str], body: bytes) -> None:
        """Store a webhook. Refuse it if `forged` is set."""
        self._answer_at_all()
        self.hooks.append((app, headers, body))
        if self.forged:
            raise ApiRefused(Problem("hook-refused", "It is forged", 401, "It is forged."))

    async def follow(
        self, app: str, sha: str, after: str | None
    ) -> AsyncGenerator[ServerEvent, None]:
        """Yield the events that the test has put there."""
        self._answer("find", self.show, app, sha)
        for event in self.events:
            yield event

    def show(self, app: str, sha: str) -> Json:
        """Return a preview as the API shows it; where it failed, with the end of its log."""
        preview = self.world.known.snapshot.preview(app, sha)
        tail = self.world.logs.get(sha, "")[-2000:] if preview.state is State.FAILED else ""
        return self._show(preview) | {"log_tail": tail}

    def _show_app(self, app: str, _: str) -> Json:
        shown: Json = presenter.show_app(self.world.known.snapshot.app(app)).model_dump(mode="json")
        return shown

    def _resolve(self, app: str, label: str) -> Json:
        snapshot = self.world.known.snapshot
        at = snapshot.instances.get(label)
        found = self.world.api.refs.resolve(snapshot.app(app), at.at.source if at else label)
        if at:
            found = found._replace(instance=label)
        place = self._places.find(found.instance, snapshot)
        lead = presenter.show_lead(app, label, found, self._addresses, place=place, now=0.0)
        return lead.model_dump(mode="json")

    def _start(self, app: str, label: str) -> Json:
        self._resolve(app, label)
        return self._show(self.world.start(app, label))

    def _retry(self, app: str, sha: str) -> Json:
        return self._show(self.world.retry(app, sha))

    def _show(self, preview: PreviewRecord) -> Json:
        return self._presenter.show(preview).model_dump(mode="json")

    def _answer_at_all(self) -> None:
        if self.away:
            raise ApiAway("it does not answer")

    def _answer(self, call: str, make: Callable[[str, str], Json], app: str, other: str) -> Json:
        self.world.requests.append(call)
        self._answer_at_all()
        try:
            return make(app, other)
        except FrameworkError as error:
            raise self._refuse(error) from None

    def _refuse(self, error: FrameworkError) -> ApiRefused:
        answer = problems.answer_error(error, self._addresses)
        return ApiRefused(read_problem(content(answer), answer.status_code))
