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

from framework.dashboard.gates.gate_looks import GateLooks
from framework.dashboard.jobs.job_looks import JobLooks
from framework.dashboard.pages.cluster_page import read_cluster
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.sessions import Viewer
from framework.dashboard.stacks.stack_looks import StackLooks
from framework.errors import FrameworkError
from framework.jobs.queued_jobs import JobKey
from framework.service.gates.gate_service import Gates
from framework.service.jobs.job_service import Jobs
from framework.service.service_client import ServiceClient
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
        self._rooms: Mapping[str, GateLooks | StackLooks] = {
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
            case [("gates" | "stacks") as room, *place]:
                found = self._rooms[room].find_look(place, viewer)
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
