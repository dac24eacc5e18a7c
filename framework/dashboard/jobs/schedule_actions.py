"""What people do to schedules on the pages of jobs: pause them, resume them, run one now."""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.page_access import Action, Form, send_back
from framework.dashboard.session.sessions import Viewer

_ONE = "/apps/{app}/schedules/{name}"


class ScheduleActions:
    """The forms about schedules, for whoever may use their app."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these forms."""
        protect = self._context.access.protected_action
        acts = {"pause": self._pause, "resume": self._resume, "run": self._run}
        return [
            Route(
                f"{_ONE}/{name}",
                protect(Action(f"{name} schedule", Scope.USE), act),
                methods=["POST"],
            )
            for name, act in acts.items()
        ]

    async def _pause(self, request: Request, _: Viewer, form: Form) -> Response:
        app, name = _find(request)
        await anyio.to_thread.run_sync(
            self._context.schedules.command, lambda commands: commands.pause(app, name)
        )
        return send_back(form, "pause-schedule", f"/apps/{app}/jobs")

    async def _resume(self, request: Request, _: Viewer, form: Form) -> Response:
        app, name = _find(request)
        await anyio.to_thread.run_sync(
            self._context.schedules.command, lambda commands: commands.resume(app, name)
        )
        return send_back(form, "resume-schedule", f"/apps/{app}/jobs")

    async def _run(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Request the job of a schedule, and lead to it."""
        app, name = _find(request)
        # The form's own key: sent twice, it makes one job.
        key, caller = form.get("key", ""), viewer.identity
        job = await self._context.schedule_runs.run(app, name, caller, key)
        request.state.target = f"{app}/schedules/{name} as {job.id}"
        return send_back({}, "run-schedule", f"/apps/{app}/jobs/{job.id}")


def _find(request: Request) -> tuple[str, str]:
    """Return the app and the name of a schedule, and have the audit log name it as the API does."""
    app, name = request.path_params["app"], request.path_params["name"]
    request.state.target = f"{app}/schedules/{name}"
    return app, name
