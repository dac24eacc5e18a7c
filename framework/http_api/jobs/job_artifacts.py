"""Reads the files that the commands of ended jobs left, from the agents that ran them.

What a list names was checked when it was written; a path that a client names is checked here, so
none leads out of the folder. In that folder are only plain files, which the executor made.
"""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeVar

import anyio
import anyio.to_thread
import structlog
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from framework.errors import Unavailable
from framework.http_api.jobs import job_results
from framework.jobs.errors import ArtifactsGone, NoArtifactsYet, UnknownArtifact
from framework.ports import Sandboxes, SandboxFile, SandboxGone
from framework.units import ended_attempts
from prevs import artifacts
from prevs.artifacts import Artifact, ArtifactsRecord
from prevs.codec import RecordError
from prevs.jobs import ENDED, JobRecord
from prevs.records import EndedAttempt

T = TypeVar("T")

log = structlog.get_logger(__name__)

_AT_A_TIME = 8


class Left(NamedTuple):
    """The files of a job's last attempt by path, and about when its agent removes them (epoch s).

    `attempt` is None if the job never had one, `until` if nobody knows.
    """

    artifacts: tuple[Artifact, ...] = ()
    attempt: int | None = None
    until: float | None = None


class _FileAnswer(StreamingResponse):
    """An answer whose end is missing if the agent goes away: its length tells the client."""

    async def stream_response(self, send: Send) -> None:
        """Send all of it, unless it breaks off: then the server ends the connection."""
        try:
            await super().stream_response(send)
        except Unavailable as exc:
            log.warning("a file of a job breaks off", why=str(exc))


class JobArtifacts:
    """The files of ended jobs. Belongs to the event loop's thread; agents are asked in threads.

    All calls raise NoArtifactsYet, ArtifactsGone, NotAllowed, Unavailable.
    """

    def __init__(self, sandboxes: Sandboxes) -> None:
        self._sandboxes = sandboxes
        self._limit = anyio.CapacityLimiter(_AT_A_TIME)

    async def list(self, job: JobRecord) -> Left:
        """Return what the last attempt of a job left."""
        attempt = _find_attempt(job)
        if attempt is None:
            return Left()
        return await self._run(lambda: self._read_list(job, attempt))

    async def send(self, job: JobRecord, path: str) -> Response:
        """Return the answer with a file, which goes out as it comes in. Raises UnknownArtifact."""
        attempt = _find_attempt(job)
        if attempt is None or not artifacts.is_path(path):
            raise UnknownArtifact(job.app, job.id, path)
        name = f"{artifacts.FOLDER}/{path}"
        file = await self._run(lambda: self._open(job, attempt, name))
        if file is None:
            raise UnknownArtifact(job.app, job.id, path)
        headers = job_results.attach(path.rpartition("/")[2])
        headers["Content-Length"] = str(file.size)
        return _FileAnswer(self._stream(file), headers=headers, media_type=job_results.MEDIA_TYPE)

    async def _stream(self, file: SandboxFile) -> AsyncIterator[bytes]:
        try:
            while piece := await self._run(lambda: next(file.pieces, b"")):
                yield piece
        finally:
            file.close()

    def _read_list(self, job: JobRecord, attempt: EndedAttempt) -> Left:
        file = self._open(job, attempt, artifacts.LIST)
        if file is None:
            return Left(attempt=attempt.number)
        try:
            listed = _decode(file, attempt)
        finally:
            file.close()
        kept_for = self._sandboxes.kept_for(ended_attempts.as_it_ended(job, attempt))
        until = None if kept_for is None else attempt.ended + kept_for
        return Left(tuple(sorted(listed, key=lambda one: one.path)), attempt.number, until)

    def _open(self, job: JobRecord, attempt: EndedAttempt, path: str) -> SandboxFile | None:
        try:
            return self._sandboxes.open_file(ended_attempts.as_it_ended(job, attempt), path)
        except SandboxGone as exc:
            raise ArtifactsGone(job.app, job.id, str(exc)) from exc

    async def _run(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._limit)


def _find_attempt(job: JobRecord) -> EndedAttempt | None:
    """Return the last attempt of a job that has ended; None if it never had one."""
    if job.state not in ENDED:
        raise NoArtifactsYet(job.app, job.id, job.state.value)
    return job.attempts[-1] if job.attempts else None


def _decode(file: SandboxFile, attempt: EndedAttempt) -> tuple[Artifact, ...]:
    """Return what a list names. Raises Unavailable if it is none, or longer than any."""
    data = b"" if file.size > artifacts.LONGEST_LIST else b"".join(file.pieces)
    try:
        return ArtifactsRecord.decode(data).artifacts
    except RecordError as exc:
        raise Unavailable(f"The list of files on the agent {attempt.agent_host}") from exc
