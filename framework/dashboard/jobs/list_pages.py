"""The page of all jobs, and an app's own, where named jobs are started."""

import functools
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.jobs import job_lines, schedule_lines, start_form
from framework.dashboard.jobs.job_lines import Counts, Line, Wanted
from framework.dashboard.jobs.named_jobs import read_named
from framework.dashboard.jobs.schedule_lines import ShownSchedules
from framework.dashboard.jobs.start_form import REFUSALS
from framework.dashboard.pages import rows
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.page_access import Action, Form, send_back
from framework.dashboard.session.sessions import Viewer
from framework.http_api.jobs.job_models import Job
from prevs.jobs import JobRecord

_OF_APP = "/apps/{app}/jobs"
_SHOWN = 10
"""How many lines a section has beside others."""
_LONGEST = 63


class Shown(NamedTuple):
    """A line as pages show it."""

    job: Job
    counts: Counts | None


class Section(NamedTuple):
    """Some lines of a section of `total`, and where its next page begins.

    `next` is "" at the end, and where the section is shown beside others.
    """

    name: str
    lines: Sequence[Shown]
    total: int
    next: str = ""


class ListPages:
    """The lists of jobs."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        access = self._context.access
        start = access.protected_action(Action("request jobs", Scope.USE), self._start)
        cancel = access.protected_action(Action("cancel jobs", Scope.USE), self._cancel_group)
        everything = access.protected_page(self._show_all, narrows=True)
        return [
            Route("/jobs", everything, methods=["GET"]),
            Route(_OF_APP, access.protected_page(self._show_app), methods=["GET"]),
            Route(_OF_APP, start, methods=["POST"]),
            Route(f"{_OF_APP}/cancel", cancel, methods=["POST"]),
        ]

    async def _show_all(self, request: Request, viewer: Viewer) -> Response:
        query = request.query_params
        wanted = _read(query, query.get("app", ""))
        jobs = await self._list(viewer, wanted)
        apps = [app.name for app in self._context.previews.snapshot.list_apps()]
        return self._context.pages.show(
            request,
            viewer,
            "jobs/all",
            apps=[app for app in apps if viewer.identity.sees(app)],
            schedules=await self._read_next(viewer, wanted),
            **await anyio.to_thread.run_sync(self._arrange, jobs, wanted, query),
        )

    async def _show_app(
        self, request: Request, viewer: Viewer, refused: Filled | None = None
    ) -> Response:
        """Show an app's jobs, and the form to start one, as somebody has filled it in."""
        app, query = request.path_params["app"], request.query_params
        self._context.jobs.snapshot.app(app)
        wanted = _read(query, app)
        jobs = await self._list(viewer, wanted)
        named = await read_named(self._context, app)
        # A repeated form starts nothing twice: also without scripts, by a second click.
        form = refused or start_form.begin(named, query.get("job", ""), secrets.token_hex(8))
        group = job_lines.count(filter(wanted.has, jobs)) if wanted.group else None
        return self._context.pages.show(
            request,
            viewer,
            "jobs/app",
            status=422 if refused else 200,
            app=app,
            named=named,
            form=form,
            group=group,
            schedules=await self._read_schedules(app, wanted),
            key=secrets.token_hex(8),
            **await anyio.to_thread.run_sync(self._arrange, jobs, wanted, query),
        )

    async def _start(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app = request.path_params["app"]
        ordered = start_form.read(form)
        if isinstance(ordered, Filled):
            return await self._show_app(request, viewer, ordered)
        requests = self._context.job_requests
        try:
            [job] = await requests.request(app, ordered.order, viewer.identity, ordered.key)
        except REFUSALS as error:
            return await self._show_app(request, viewer, start_form.refuse(form, error))
        request.state.target = f"{app}/jobs/{job.id}"
        return send_back(form, "start-job", f"/apps/{app}/jobs/{job.id}")

    async def _cancel_group(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app, group, by = request.path_params["app"], form.get("group", ""), viewer.identity.name
        request.state.target = f"{app}/jobs of the group {group[:_LONGEST]}"
        await anyio.to_thread.run_sync(
            self._context.jobs.command,
            lambda commands: commands.cancel_group(app, group, by=by),
        )
        return send_back(form, "cancel-group", f"/apps/{app}/jobs")

    async def _read_schedules(self, app: str, wanted: Wanted) -> ShownSchedules:
        """Return an app's schedules, or the one whose jobs are chosen; none beside a group."""
        if wanted.group:
            return ShownSchedules()
        return await anyio.to_thread.run_sync(
            schedule_lines.show_app,
            self._context.schedules.snapshot,
            app,
            wanted.schedule,
            self._context.job_presenter.show,
        )

    async def _read_next(self, viewer: Viewer, wanted: Wanted) -> ShownSchedules:
        """Return the schedules whose times come next, where no other jobs are chosen."""
        if wanted != Wanted(wanted.app):
            return ShownSchedules()
        sees, snapshot = viewer.identity.sees, self._context.schedules.snapshot
        show_next = functools.partial(schedule_lines.show_next, most=_SHOWN)
        return await anyio.to_thread.run_sync(
            show_next,
            snapshot,
            lambda app: wanted.app in ("", app) and sees(app),
            self._context.job_presenter.show,
        )

    async def _list(self, viewer: Viewer, wanted: Wanted) -> Sequence[JobRecord]:
        """Return the jobs of the apps that a viewer sees; those in blocks only if wanted."""
        snapshot, sees = self._context.jobs.snapshot, viewer.identity.sees
        seen = {app for app in snapshot.apps if sees(app)}
        known = [job for job in snapshot.jobs.values() if job.app in seen]
        if not wanted.reads_blocks or wanted.app not in seen:
            return known
        archived = await anyio.to_thread.run_sync(
            self._context.jobs.command, lambda commands: commands.list_archived(wanted.app)
        )
        # A job may have moved into a block just now.
        return list({(job.app, job.id): job for job in (*archived, *known)}.values())

    def _arrange(
        self, jobs: Sequence[JobRecord], wanted: Wanted, query: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return what the templates of lists have in common. Takes a while for 10,000 jobs."""
        arranged = job_lines.arrange(jobs, wanted, self._context.now())
        names = [one for one in job_lines.SECTIONS if job_lines.SECTIONS[one] & wanted.states]
        is_alone = len(names) == 1
        return {
            "sections": [
                self._show(one, arranged[one], query if is_alone else None) for one in names
            ],
            "wanted": wanted,
            "filters": list(job_lines.FILTERS),
            "trouble": self._context.ready(),
            "is_first": not (is_alone and query.get("after")),
        }

    def _show(self, name: str, lines: Sequence[Line], query: Mapping[str, str] | None) -> Section:
        """Return the page of a section that a query requests; without a query its beginning."""
        page, following = (lines[:_SHOWN], "") if query is None else rows.cut(lines, query)
        show = self._context.job_presenter.show
        shown = [Shown(show(line.job), line.counts) for line in page]
        return Section(name, shown, len(lines), following)


def _read(query: Mapping[str, str], app: str) -> Wanted:
    state = query.get("state", "")
    group, schedule = (query.get(one, "").strip()[:_LONGEST] for one in ("group", "schedule"))
    return Wanted(app, state if state in job_lines.FILTERS else "", group, schedule)
