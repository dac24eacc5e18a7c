"""/v1/apps/{app}/jobs/{id}/artifacts: the files that a job's command left."""

from typing import Annotated, Any

from fastapi import Path, Response

from framework.access import Scope
from framework.http_api.admission.operations import Operation, OperationRouter, Reach
from framework.http_api.http.parameters import App
from framework.http_api.http.problems import document
from framework.http_api.jobs import job_models as models
from framework.http_api.jobs import job_parameters as parameters
from framework.http_api.jobs import job_results, job_stream
from framework.http_api.jobs.job_artifacts import JobArtifacts
from framework.service.jobs.job_service import Jobs

_ALL = "/v1/apps/{app}/jobs/{id}/artifacts"
_READ = Operation(Scope.READ, Reach.ITS_PATH)
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, in bytes.",
        "content": {job_results.MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}

ArtifactPath = Annotated[
    str,
    Path(
        alias="path",
        description="The path of a file, as the list has it.",
        examples=["reports/november.csv"],
    ),
]


class ArtifactRoutes:
    """The calls about artifacts, which agents answer."""

    def __init__(self, jobs: Jobs, artifacts: JobArtifacts) -> None:
        self._jobs = jobs
        self._artifacts = artifacts

    def make_router(self) -> OperationRouter:
        """Return the routes of these calls."""
        router = OperationRouter("jobs")
        router.add("GET", _ALL, self.list_artifacts, _READ, responses=document(404, 409))
        router.add(
            "GET",
            f"{_ALL}/{{path:path}}",
            self.read_artifact,
            _READ,
            response_class=Response,
            responses={**_FILE, **document(404, 409)},
        )
        return router

    async def list_artifacts(self, app: App, job_id: parameters.JobId) -> models.Artifacts:
        """List the files that an ended job's last attempt left in /run/prevs/artifacts.

        Its agent keeps them for some days.
        """
        job = await job_stream.find(self._jobs, app, job_id)
        left = await self._artifacts.list(job)
        shown = [models.Artifact(path=one.path, size=one.size) for one in left.artifacts]
        return models.Artifacts(artifacts=shown, attempt=left.attempt, until=left.until)

    async def read_artifact(
        self, app: App, job_id: parameters.JobId, path: ArtifactPath
    ) -> Response:
        """Read one of these files."""
        job = await job_stream.find(self._jobs, app, job_id)
        return await self._artifacts.send(job, path)
