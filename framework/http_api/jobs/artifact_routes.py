"""/v1/apps/{app}/jobs/{id}/artifacts: the files that a job's command left."""

from typing import Annotated, Any

from fastapi import Path, Response

from framework.access import Scope
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.parameters import App
from framework.http_api.jobs import job_models as models
from framework.http_api.jobs import job_parameters as parameters
from framework.http_api.jobs import job_results, job_stream
from framework.http_api.jobs.job_artifacts import JobArtifacts
from framework.service.jobs.job_service import Jobs

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


class ArtifactRoutes(Routes):
    """The calls about artifacts, which agents answer."""

    tag = "jobs"

    def __init__(self, jobs: Jobs, artifacts: JobArtifacts) -> None:
        self._jobs = jobs
        self._artifacts = artifacts

    @operation(
        "GET", "/v1/apps/{app}/jobs/{id}/artifacts", Scope.READ, Reach.ITS_PATH, refuses=(404, 409)
    )
    async def list_artifacts(self, app: App, job_id: parameters.JobId) -> models.Artifacts:
        """List the files that an ended job's last attempt left in /run/prevs/artifacts.

        Its agent keeps them for some days.
        """
        job = await job_stream.find(self._jobs, app, job_id)
        left = await self._artifacts.list(job)
        shown = [models.Artifact(path=one.path, size=one.size) for one in left.artifacts]
        return models.Artifacts(artifacts=shown, attempt=left.attempt, until=left.until)

    @operation(
        "GET",
        "/v1/apps/{app}/jobs/{id}/artifacts/{path:path}",
        Scope.READ,
        Reach.ITS_PATH,
        refuses=(404, 409),
        response_class=Response,
        answers=_FILE,
    )
    async def read_artifact(
        self, app: App, job_id: parameters.JobId, path: ArtifactPath
    ) -> Response:
        """Read one of these files."""
        job = await job_stream.find(self._jobs, app, job_id)
        return await self._artifacts.send(job, path)
