"""/2/projects/{app}/codes: the jobs that a commit names, as code packages.

Code comes from the repository, so nothing is uploaded.
"""

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse

from framework.access import Scope
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.parameters import App, Caller
from framework.http_api.ironworker import models, task_presenter
from framework.http_api.ironworker.code_packages import CodePackages, Release
from framework.http_api.ironworker.task_filter import Listed
from framework.http_api.ironworker.task_orders import read_code_name
from framework.jobs.errors import UnknownJobName
from framework.service.jobs.job_service import Jobs

_UPLOADS = (
    "Code packages are the [jobs.NAME] in the .prevs.toml of the repository's main branch. Change "
    "the file, and push."
)

CodeId = Annotated[str, Path(alias="id")]


class CodeRoutes(Routes):
    """The calls about code packages. Those that are no coroutines run in a thread."""

    tag = "ironworker"
    is_described = False

    def __init__(self, jobs: Jobs, packages: CodePackages) -> None:
        self._jobs = jobs
        self._packages = packages

    @operation("GET", "/2/projects/{app}/codes", Scope.READ, Reach.ITS_PATH)
    async def list_codes(self, app: App, listed: Listed) -> models.Codes:
        """List the jobs of the main branch's commit."""
        found = await self._packages.find(app)
        shown = [_show(app, name, found) for name in listed.cut(sorted(found.jobs))]
        return models.Codes(codes=shown)

    @operation("GET", "/2/projects/{app}/codes/{id}", Scope.READ, Reach.ITS_PATH)
    async def show_code(self, app: App, code_id: CodeId) -> models.Code:
        """Show a job of the main branch's commit. Raises UnknownJobName."""
        found, name = await self._packages.find(app), read_code_name(code_id)
        if name not in found.jobs:
            raise UnknownJobName(app, found.branch.name, name, sorted(found.jobs))
        return _show(app, name, found)

    @operation(
        "POST",
        "/2/projects/{app}/codes/{id}/cancel_all",
        Scope.USE,
        Reach.ITS_PATH,
        action="cancel jobs",
    )
    def cancel_all(self, app: App, code_id: CodeId, caller: Caller) -> models.Done:
        """Cancel all jobs of a name that have not ended."""
        name, by = read_code_name(code_id), caller.name
        self._jobs.command(lambda commands: commands.cancel_named(app, name, by=by))
        return models.Done(msg="Cancelled")

    @operation("POST", "/2/projects/{app}/codes", Scope.USE, Reach.ITS_PATH)
    async def upload_code(self, app: App) -> JSONResponse:
        """Say where code comes from."""
        del app
        return JSONResponse({"msg": _UPLOADS}, 501)

    @operation(
        "DELETE", "/2/projects/{app}/codes/{id}", Scope.USE, Reach.ITS_PATH, action="upload code"
    )
    async def remove_code(self, app: App) -> JSONResponse:
        """Say where code comes from."""
        return await self.upload_code(app)


def _show(app: str, name: str, found: Release) -> models.Code:
    return models.Code(
        id=name,
        project_id=app,
        name=name,
        latest_history_id=found.branch.sha,
        latest_change=task_presenter.show_time(found.branch.committed),
    )
