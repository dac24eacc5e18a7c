"""/2/projects/{app}/codes: the jobs that a commit names, as code packages.

Code comes from the repository, so nothing is uploaded.
"""

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse

from framework.access import Scope
from framework.http_api.admission.operations import Operation, OperationRouter, Reach
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
_READ = Operation(Scope.READ, Reach.ITS_PATH)
_USE = Operation(Scope.USE, Reach.ITS_PATH)

CodeId = Annotated[str, Path(alias="id")]


class CodeRoutes:
    """The calls about code packages. Those that are no coroutines run in a thread."""

    def __init__(self, jobs: Jobs, packages: CodePackages) -> None:
        self._jobs = jobs
        self._packages = packages

    def make_router(self) -> OperationRouter:
        """Return the routes of these calls."""
        router = OperationRouter("ironworker", "/2/projects/{app}", is_described=False)
        router.add("GET", "/codes", self.list_codes, _READ)
        router.add("GET", "/codes/{id}", self.show_code, _READ)
        cancel = _USE._replace(action="cancel jobs")
        router.add("POST", "/codes/{id}/cancel_all", self.cancel_all, cancel)
        upload = _USE._replace(action="upload code")
        router.add("POST", "/codes", refuse_upload, upload)
        router.add("DELETE", "/codes/{id}", refuse_upload, upload)
        return router

    async def list_codes(self, app: App, listed: Listed) -> models.Codes:
        """List the jobs of the main branch's commit."""
        found = await self._packages.find(app)
        shown = [_show(app, name, found) for name in listed.cut(sorted(found.jobs))]
        return models.Codes(codes=shown)

    async def show_code(self, app: App, code_id: CodeId) -> models.Code:
        """Show a job of the main branch's commit. Raises UnknownJobName."""
        found, name = await self._packages.find(app), read_code_name(code_id)
        if name not in found.jobs:
            raise UnknownJobName(app, found.branch.name, name, sorted(found.jobs))
        return _show(app, name, found)

    def cancel_all(self, app: App, code_id: CodeId, caller: Caller) -> models.Done:
        """Cancel all jobs of a name that have not ended."""
        name, by = read_code_name(code_id), caller.name
        self._jobs.command(lambda commands: commands.cancel_named(app, name, by=by))
        return models.Done(msg="Cancelled")


async def refuse_upload(app: App) -> JSONResponse:
    """Say where code comes from."""
    del app
    return JSONResponse({"msg": _UPLOADS}, 501)


def _show(app: str, name: str, found: Release) -> models.Code:
    return models.Code(
        id=name,
        project_id=app,
        name=name,
        latest_history_id=found.branch.sha,
        latest_change=task_presenter.show_time(found.branch.committed),
    )
