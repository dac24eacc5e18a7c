"""Live updates: server-sent events that tell an open page that it is out of date.

event: change       something that the page shows has changed: the page reloads its content
event: signed-out   the session is over
"""

import dataclasses
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard.pages.cluster_page import read_cluster
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.sessions import Viewer
from framework.errors import FrameworkError
from framework.http_api.stacks import stack_rights
from framework.jobs.queued_jobs import JobKey
from framework.service.gates.gate_service import Gates
from framework.service.jobs.job_service import Jobs
from framework.service.service_client import ServiceClient
from framework.state.snapshot import Snapshot
from prevs.jobs import JobRecord
from prevs.records import PreviewRecord
from prevs.units import Unit, preview_unit
from program.http.server_events import STILL_HERE, ServerEvent, retry

TICK_S = 0.5
REFS_S = 4.0
AGENTS_S = 2.5
KEEPALIVE_S = 10.0
_CHANGE = ServerEvent("change", "{}").encode()
_SIGNED_OUT = ServerEvent("signed-out", "{}").encode()

Look = Callable[[], Awaitable[object]]
Seen = Mapping[str, Sequence[PreviewRecord]]


class PageVersions:
    """Version strings of pages; a different string means that the page is out of date.

    They cover more than events: also a preview's phase and place in the queue, jobs, and the state
    of proxies. Belongs to the event loop's thread.
    """

    def __init__(self, previews: ServiceClient, jobs: Jobs, gates: Gates) -> None:
        self._previews = previews
        self._jobs = jobs
        self._gates = gates
        self._shown: tuple[Mapping[Unit, PreviewRecord], Mapping[Unit, int]] = ({}, {})
        self._known: Mapping[JobKey, JobRecord] = {}
        self._changes = 0

    def find(self, sees: Callable[[str], bool]) -> str:
        """Return the current version, for somebody who `sees` these apps."""
        snapshot, jobs = self._previews.snapshot, self._jobs.snapshot.jobs
        shown = snapshot.previews, snapshot.queue_places
        # The jobs are the same object as before if none has changed, and slow to compare.
        if shown != self._shown or jobs is not self._known:
            self._shown, self._known = shown, jobs
            self._changes += 1
        behind = sum(one.number for one in self._gates.snapshot.behind.values())
        return f"{self._previews.history.last_of(sees)}-{behind}-{self._changes}"


class LiveUpdates:
    """The streams of open pages. Belongs to the event loop's thread.

    Each stream compares what its page shows. All of them share one read of the previews.
    """

    def __init__(
        self,
        context: PageContext,
        *,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._jobs = JobLooks(context)
        self._looks: Mapping[str, GateLooks | StackLooks] = {
            "gates": GateLooks(context),
            "stacks": StackLooks(context),
        }
        self._pause = pause
        self._clock = clock
        self._looked = float("-inf")
        self._seen: Seen = {}
        self._unused: dict[Unit, tuple[PreviewRecord, PreviewRecord]] = {}

    def routes(self) -> list[Route]:
        """Return the routes of the streams."""
        page = self._context.access.protected_page
        stream = page(self._stream, narrows=True)
        return [Route("/live/{topic:path}", stream, methods=["GET"])]

    async def _stream(self, request: Request, viewer: Viewer) -> Response:
        look = self.find_look(request.path_params["topic"], viewer)
        if look is None:
            return Response(status_code=404, headers={"Cache-Control": "no-store"})
        seen = request.query_params.get("seen", "")
        events = self.follow(
            look,
            lambda: self._context.access.is_still(request, viewer),
            lambda: self._context.pages.last(viewer.identity.sees) != seen,
        )
        return self._context.streams.send(viewer.identity, events)

    async def follow(
        self,
        look: Look,
        is_signed_in: Callable[[], bool],
        misses: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[bytes, None]:
        """Yield an event whenever `look` returns another value than before.

        Also yield one after the first look if the page `misses` what happened since it was made.
        """
        yield retry(2)
        before, sent = await look(), self._clock()
        if misses():
            yield _CHANGE
        while is_signed_in():
            await self._pause(TICK_S)
            now, at = await look(), self._clock()
            if now != before:
                before, sent = now, at
                yield _CHANGE
            elif at - sent >= KEEPALIVE_S:
                sent = at
                yield STILL_HERE
        yield _SIGNED_OUT

    def find_look(self, topic: str, viewer: Viewer) -> Look | None:
        """Return a function that reads what a page shows; None for a page that is not theirs."""
        match topic.split("/"):
            case ["app", app] if viewer.identity.sees(app):
                return self._look_at_app(app)
            case ["preview", app, sha] if viewer.identity.sees(app):
                return lambda: self._look_at_preview(app, sha)
            case ["jobs"]:
                return _awaitable(lambda: self._jobs.look_at_all(viewer))
            case ["jobs", app] if viewer.identity.sees(app):
                return _awaitable(lambda: self._jobs.look_at_app(app))
            case ["jobs", app, job_id] if viewer.identity.sees(app):
                return _awaitable(lambda: self._jobs.look_at_job(app, job_id))
            case [("gates" | "stacks") as kind, *place]:
                found = self._looks[kind].find_look(place, viewer)
                return _awaitable(found) if found else None
            case ["cluster"] if viewer.sees_all:
                return self._look_at_cluster()
        context, previews = self._context, self._context.previews
        looks: dict[str, Callable[[], object]] = {
            "overview": lambda: (*self._look_at_all(viewer), _last(previews, viewer)),
            "queue": lambda: self._look_at_all(viewer),
            "events": lambda: _last(previews, viewer),
        }
        if viewer.may_admin:
            looks["tokens"] = context.tokens.tokens
            looks["audit"] = lambda: context.audit.latest()[-1:]
        look = looks.get(topic)
        return _awaitable(look) if look else None

    def _look_at_all(self, viewer: Viewer) -> tuple[object, ...]:
        """Return the apps that a viewer sees, their previews, and why nothing can start."""
        seen, sees = self._read_previews(), viewer.identity.sees
        apps = [one for one in self._context.previews.snapshot.list_apps() if sees(one.name)]
        theirs = seen if viewer.sees_all else {app: seen[app] for app in seen if sees(app)}
        return apps, theirs, self._context.ready()

    def _look_at_app(self, app: str) -> Look:
        refs = self._at_most_every(REFS_S, lambda: self._list(app))

        async def look() -> object:
            named = [one for one in self._context.previews.snapshot.list_apps() if one.name == app]
            return named, self._read_previews().get(app), await refs()

        return look

    def _look_at_cluster(self) -> Look:
        agents = self._at_most_every(AGENTS_S, lambda: read_cluster(self._context))

        async def look() -> object:
            return self._read_previews(), await agents()

        return look

    def _at_most_every(self, seconds: float, look: Look) -> Look:
        """Return a look that calls `look` at most once in some seconds."""
        looked, seen = float("-inf"), None

        async def look_again() -> object:
            nonlocal looked, seen
            if self._clock() - looked >= seconds:
                looked = self._clock()
                seen = await look()
            return seen

        return look_again

    async def _list(self, app: str) -> object:
        try:
            listing = await within(self._context.resolver.listing(app), "The repository")
        except FrameworkError as error:
            return str(error)
        return listing.refs, listing.problem

    async def _look_at_preview(self, app: str, sha: str) -> object:
        snapshot = self._context.previews.snapshot
        try:
            preview = snapshot.preview(app, sha)
        except FrameworkError:
            return None
        return preview, snapshot.queue_places.get(preview_unit(app, sha)), self._context.ready()

    def _read_previews(self) -> Seen:
        """Return every preview by app, without the time of its last use: that alone is no change.

        An unchanged record is the same object as before, so that comparing it is fast.
        """
        now = self._clock()
        if now - self._looked >= TICK_S / 2:
            self._looked = now
            before, self._unused = self._unused, {}
            seen: dict[str, list[PreviewRecord]] = {}
            for preview in self._context.previews.snapshot.list_previews():
                unit = preview_unit(preview.app, preview.sha)
                known = before.get(unit)
                if known is None or known[0] is not preview:
                    known = (preview, _without_use(preview))
                self._unused[unit] = known
                seen.setdefault(preview.app, []).append(known[1])
            self._seen = seen
        return self._seen


def _awaitable(look: Callable[[], object]) -> Look:
    async def seen() -> object:
        return look()

    return seen


def _last(previews: ServiceClient, viewer: Viewer) -> str:
    return previews.history.last_of(viewer.identity.sees)


def _without_use(preview: PreviewRecord) -> PreviewRecord:
    return dataclasses.replace(preview, last_used=None) if preview.last_used else preview


class GateLooks:
    """The looks of pages about gates: each returns another value once its page is out of date.

    A look is quick.
    """

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def find_look(self, place: Sequence[str], viewer: Viewer) -> Callable[[], object] | None:
        """Return what looks at [], [app] or [app, name of a gate]; None if that is not theirs."""
        match place:
            case []:
                return lambda: self._look_at_all(viewer, "")
            case [app] if viewer.identity.sees(app):
                return lambda: self._look_at_all(viewer, app)
            case [app, name] if viewer.identity.sees(app):
                return lambda: self._look_at_gate(app, name)
        return None

    def _look_at_all(self, viewer: Viewer, app: str) -> object:
        """Return the gates that a viewer sees, of one app or of all, and which are in force."""
        snapshot, sees = self._context.gates.snapshot, viewer.identity.sees
        gates = {
            name: gate
            for name, gate in snapshot.gates.items()
            if app in ("", gate.app) and sees(gate.app)
        }
        return gates, {name: snapshot.behind.get(name) for name in gates}

    def _look_at_gate(self, app: str, name: str) -> object:
        """Return a gate as it is shown, with what it leads to; None if it is gone."""
        snapshot = self._context.gates.snapshot
        gate = snapshot.gates.get(name)
        if gate is None or gate.app != app:
            return None
        shown = self._context.gate_presenter.show(gate)
        return shown, snapshot.behind.get(name), self._context.ready()


class JobLooks:
    """The looks of pages about jobs, as GateLooks."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def look_at_all(self, viewer: Viewer) -> object:
        """Return the jobs and schedules that a viewer sees, and why nothing can start."""
        snapshot, sees = self._context.schedules.snapshot, viewer.identity.sees
        if viewer.sees_all:
            return snapshot.jobs, _look_at_schedules(snapshot), self._context.ready()
        jobs = {key: job for key, job in snapshot.jobs.items() if sees(job.app)}
        return jobs, _look_at_schedules(snapshot, sees), self._context.ready()

    def look_at_app(self, app: str) -> object:
        """Return the jobs and schedules of an app, and why nothing can start."""
        snapshot = self._context.schedules.snapshot
        jobs = {key: job for key, job in snapshot.jobs.items() if job.app == app}
        schedules = _look_at_schedules(snapshot, lambda one: one == app)
        return jobs, schedules, self._context.ready()

    def look_at_job(self, app: str, job_id: str) -> object:
        """Return a job as it is shown, which has its place in the queue; None if it is gone."""
        job = self._context.jobs.snapshot.jobs.get((app, job_id))
        return job and self._context.job_presenter.show(job)


def _look_at_schedules(snapshot: Snapshot, sees: Callable[[str], bool] | None = None) -> object:
    """Return the schedules of the apps that somebody sees (None: all), and what is wrong there."""
    schedules, hindrances = snapshot.schedules, snapshot.hindrances
    troubles = snapshot.file_troubles
    if sees is None:
        return schedules, hindrances, troubles
    return (
        {key: one for key, one in schedules.items() if sees(key[0])},
        {key: why for key, why in hindrances.items() if sees(key[0])},
        {app: one for app, one in troubles.items() if sees(app)},
    )


class StackLooks:
    """The looks of pages about stacks, as GateLooks."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def find_look(self, place: Sequence[str], viewer: Viewer) -> Callable[[], object] | None:
        """Return what looks at [] or [name of a stack]; None if that is not theirs."""
        match place:
            case []:
                return lambda: self._look_at_all(viewer)
            case [name] if self._look_at_stack(name, viewer) is not None:
                return lambda: self._look_at_stack(name, viewer)
        return None

    def _look_at_all(self, viewer: Viewer) -> object:
        """Return the stacks that a viewer sees."""
        stacks = self._context.stacks.snapshot.stacks
        return [one for one in stacks.values() if stack_rights.sees(viewer.identity, one)]

    def _look_at_stack(self, name: str, viewer: Viewer) -> object:
        """Return a stack as it is shown, with what runs in it; None if they see none of it."""
        stack = self._context.stacks.snapshot.stacks.get(name)
        if stack is None or not stack_rights.sees(viewer.identity, stack):
            return None
        return self._context.stack_presenter.show(stack), self._context.ready()
