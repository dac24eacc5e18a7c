"""The API with an app that has jobs. Nothing runs them but the tests."""

import base64
from typing import Any

import httpx
from starlette.datastructures import Headers
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from framework.access import Scope
from framework.jobs.transitions import Finished, Reported
from framework.ports import LogPart, RepositoryFile
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Again, AttemptEnded, Ended, Failed
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause
from prevs.work import Progress
from tests.fakes.answers import SHA
from tests.fakes.api import Api

SETTINGS = b"""\
[jobs.report]
command = ["python", "report.py"]
retries = 3

[jobs.import]
command = ["python", "import.py"]
"""
BUILD = "== building hello ==\nStep 1/2\n== running ./work --all ==\n"
NOW = 2_000_000_000.0


class JobsApi(Api):
    """The app hello has no jobs yet; its branch main leads to a commit that names some.

    `keys` are the idempotency keys of all requests that arrived. The methods are about the only
    job, unless they get an id.
    """

    place = "/v1/apps/hello/jobs"

    def __init__(self, settings: bytes = SETTINGS, **fakes: Any) -> None:
        super().__init__(**fakes)
        self.keys: list[str] = []
        self.add("hello", "main")
        self.put_settings(SHA, settings)

    def put_settings(self, sha: str, settings: bytes = SETTINGS) -> None:
        """Let a commit have a .prevs.toml."""
        file = RepositoryFile("file", len(settings), settings)
        self.refs.files["hello", sha, ".prevs.toml"] = file

    def order(
        self, body: Any, scope: Scope = Scope.ADMIN, key: str = "", **headers: str
    ) -> httpx.Response:
        """Return the answer to an order of jobs."""
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        return self.ask("POST", "", scope, json=body, headers=headers)

    def request(self, **fields: Any) -> str:
        """Return the id of a new job."""
        answer = self.order({"label": "main", "job": "report", **fields})
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    @property
    def known(self) -> dict[str, JobRecord]:
        """All jobs by their ids, in the order of the milliseconds they were requested in."""
        found = sorted(self.jobs.snapshot.jobs.values(), key=lambda job: job.created)
        return {job.id: job for job in found}

    @property
    def only(self) -> str:
        """The id of the only job."""
        [job_id] = self.known
        return job_id

    @property
    def state(self) -> JobState:
        """The state of the only job."""
        return self.known[self.only].state

    def build(self, log: str = BUILD, job_id: str = "", *, detail: str = "") -> None:
        """Let an attempt begin, and print what it does first."""
        job_id = job_id or self.only
        self.jobs.launch(job_id)
        report = Reported(Event.BUILDING, NOW, "building", detail)
        self.jobs.change(job_id, report)
        self.print(log, job_id)

    def begin(
        self, output: str = "", job_id: str = "", *, progress: Progress | None = None
    ) -> None:
        """Let the command begin, and print something."""
        job_id = job_id or self.only
        self.jobs.change(job_id, Reported(Event.RUNS, NOW, progress=progress))
        self.print(output, job_id)

    def work(self, output: str) -> None:
        """Let an attempt begin, build, and print the command's output."""
        self.build()
        self.begin(output)

    def print(self, text: str, job_id: str = "") -> None:
        """Let the attempt print something."""
        task = self.known[job_id or self.only].task_id or ""
        known = self.sandboxes.output.get(task, b"")
        self.sandboxes.output[task] = known + text.encode()

    def print_apart(self, *parts: LogPart) -> None:
        """Let the attempt print parts of which one knows who wrote them."""
        task = self.known[self.only].task_id or ""
        self.sandboxes.parts[task] = [*self.sandboxes.parts.get(task, ()), *parts]

    def succeed(self, job_id: str = "", *, result: bytes = b"") -> None:
        """Let the command end with 0."""
        finished = Finished(base64.b64encode(result).decode(), len(result))
        self.jobs.change(job_id or self.only, AttemptEnded(finished, None, NOW + 2))

    def fail_job(
        self, cause: Cause, message: str, exit_code: int | None = None, job_id: str = ""
    ) -> None:
        """Let the attempt fail for good."""
        failure = Failure(cause, message, exit_code)
        failed = Failed(failure)
        self.jobs.change(job_id or self.only, AttemptEnded(failed, failure, NOW + 2))

    def lose(self, reason: str) -> None:
        """Let the attempt be lost, so that the job waits for another one."""
        failure = Failure(Cause.TASK_LOST, reason, None)
        why = Reason(ReasonKind.RETRY, reason)
        again = Again(Event.LOST, 1, NOW, None, why, failures=0)
        self.jobs.change(self.only, AttemptEnded(again, failure, NOW + 2))

    def end_cancelled(self) -> None:
        """Let the attempt of a cancelled job end."""
        failure = Failure(Cause.APP_EXITED, "It ended.", 143)
        self.jobs.change(self.only, AttemptEnded(Ended(wanted=False), failure, NOW + 2))

    def expire(self) -> None:
        """Let the job fail before it has an attempt."""
        failure = Failure(Cause.EXPIRED, "It has waited too long.", None)
        self.jobs.change(self.only, Failed(failure, Event.GIVEN_UP))

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if key := Headers(scope=scope).get("idempotency-key"):
            self.keys.append(key)
        await super().__call__(scope, receive, send)
