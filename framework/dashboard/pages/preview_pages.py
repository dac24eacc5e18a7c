"""The pages of one preview: its steps, its actions, its attempts and its log."""

import asyncio
from collections.abc import Callable, Mapping

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.pages.attempt_logs import AttemptLogs
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.page_access import Act, Action, Form, send_back
from framework.dashboard.session.sessions import Viewer
from framework.errors import FrameworkError, UnknownAttempt
from framework.http_api.models.attempt_models import Attempt, show_attempts
from framework.http_api.streams import logs
from framework.http_api.streams.attempt_stream import parse_event_id
from framework.http_api.streams.log_stream import LogStream
from framework.ports import Commit
from framework.service.commands import Commands
from framework.units import ended_attempts
from prevs import names
from prevs.records import PreviewRecord
from prevs.step_status import find_statuses

DESCRIPTION_S = 2.0
"""How long a page waits for a commit's subject and author."""
_ONE = "/apps/{app}/previews/{sha}"
_ATTEMPT = f"{_ONE}/attempts/{{number:int}}"
_ACTS: Mapping[str, Callable[[Commands, str, str], PreviewRecord]] = {
    "stop": lambda commands, app, sha: commands.stop(app, sha),
    "retry": lambda commands, app, sha: commands.retry(app, sha),
    "restart": lambda commands, app, sha: commands.restart(app, sha),
    "pin": lambda commands, app, sha: commands.pin(app, sha, pinned=True),
    "unpin": lambda commands, app, sha: commands.pin(app, sha, pinned=False),
}


class PreviewPages:
    """The page of a preview, its log and its actions."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._logs = AttemptLogs(context)

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        access = self._context.access
        return [
            Route(_ONE, access.protected_page(self._show), methods=["GET"]),
            Route(f"{_ONE}/log", access.protected_page(self._follow), methods=["GET"]),
            Route(f"{_ONE}/log.txt", access.protected_page(self._download), methods=["GET"]),
            Route(_ATTEMPT, access.protected_page(self._show_attempt), methods=["GET"]),
            Route(f"{_ATTEMPT}/log.txt", access.protected_page(self._download), methods=["GET"]),
            *(
                Route(
                    f"{_ONE}/{name}",
                    access.protected_action(
                        Action(f"{name} preview", Scope.USE), self._make_act(name, act)
                    ),
                    methods=["POST"],
                )
                for name, act in _ACTS.items()
            ),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        record = self._find(request)
        commit, log_end = await asyncio.gather(
            self._describe(record), self._logs.read_end(request, record)
        )
        record = self._find(request)
        preview = self._context.presenter.show(record)
        times = [(step.began, step.ended) for step in preview.steps]
        return self._context.pages.show(
            request,
            viewer,
            "preview",
            preview=preview,
            statuses=find_statuses(preview.state.value, times, preview.changed),
            commit=commit,
            log_end=log_end,
            earlier=[
                one for one in await self._list(record) if one.task_id != logs.find_log(record)
            ],
        )

    async def _show_attempt(self, request: Request, viewer: Viewer) -> Response:
        """Show an attempt, which may have ended, and its log."""
        record, then = self._find_attempt(request)
        log_end = await self._logs.read_end(request, then)
        number = request.path_params["number"]
        attempt = next(one for one in await self._list(record) if one.number == number)
        preview = self._context.presenter.show(record)
        return self._context.pages.show(
            request, viewer, "attempt", preview=preview, attempt=attempt, log_end=log_end
        )

    async def _list(self, preview: PreviewRecord) -> list[Attempt]:
        """Return the last attempts of a preview, the newest first."""
        return await anyio.to_thread.run_sync(show_attempts, preview, self._context.is_log_kept)

    async def _describe(self, preview: PreviewRecord) -> Commit | None:
        """Return the preview's commit with its author and subject; None if they are unknown now."""
        commits = self._context.resolver.commits(preview.app, preview.commit, limit=1)
        try:
            page = await within(commits, "The repository", DESCRIPTION_S)
        except FrameworkError:
            return None
        return next(iter(page.commits), None)

    async def _follow(self, request: Request, viewer: Viewer) -> Response:
        """Send the log and the state as the events of the API's own stream."""
        preview = self._find(request)
        stream = LogStream(self._context.previews, self._context.logs, self._context.presenter.show)
        begin = parse_event_id(request.headers.get("last-event-id", ""), 0)
        return self._logs.follow(request, viewer, stream.follow(preview, begin))

    async def _download(self, request: Request, _: Viewer) -> Response:
        """Send the whole log as a file. Raises Unavailable if it cannot be read at all."""
        number = request.path_params.get("number")
        preview = self._find_attempt(request)[1] if number else self._find(request)
        name = f"{preview.app}-{names.short(preview.commit)}{f'-{number}' if number else ''}"
        return await self._logs.download(preview, name)

    def _find_attempt(self, request: Request) -> tuple[PreviewRecord, PreviewRecord]:
        """Return a preview now, and at the end of an attempt."""
        preview, number = self._find(request), request.path_params["number"]
        found = ended_attempts.look_back(preview, number)
        if found is None:
            raise UnknownAttempt(preview.app, preview.sha, number)
        return preview, found

    def _find(self, request: Request) -> PreviewRecord:
        app, sha = request.path_params["app"], request.path_params["sha"]
        return self._context.previews.snapshot.preview(app, sha)

    def _make_act(self, name: str, act: Callable[[Commands, str, str], PreviewRecord]) -> Act:
        """Return an action that runs a command on the preview of the path, and redirects back."""
        command = self._context.previews.command

        async def do(request: Request, _: Viewer, form: Form) -> Response:
            app, sha = request.path_params["app"], request.path_params["sha"]
            await anyio.to_thread.run_sync(command, lambda commands: act(commands, app, sha))
            return send_back(form, name, f"/apps/{app}/previews/{sha}")

        return do
