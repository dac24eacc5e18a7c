"""The files that a job left: listed and read, from a sandbox that may be gone or away."""

import asyncio
import base64
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from framework.access import Scope
from framework.http_api.jobs.job_artifacts import JobArtifacts
from framework.jobs.transitions import Finished
from framework.units.transitions import AttemptEnded
from prevs.artifacts import LIST, LONGEST_LIST
from tests.fakes.asgi import TOKEN, AsgiClient, refusal
from tests.fakes.jobs_api import JobsApi
from tests.fakes.sandboxes import artifact_files

FILES = {"report.csv": b"1;2\n", "a/größe & 'x'.bin": bytes(range(256)) * 1000, "empty": b""}
END = 1_000_007.0


def succeed(api: JobsApi, job_id: str) -> str:
    """Let a job succeed, and return its task."""
    api.jobs.launch(job_id)
    finished = Finished(base64.b64encode(b"42").decode(), 2)
    api.jobs.change(job_id, AttemptEnded(finished, None, END))
    return api.jobs.job(job_id).task_id or ""


@pytest.fixture
def job_id(api: JobsApi) -> str:
    """A job that has left FILES."""
    job_id = api.request()
    api.sandboxes.files[succeed(api, job_id)] = artifact_files(FILES)
    return job_id


def test_the_files_of_the_last_attempt_are_listed(api: JobsApi, job_id: str) -> None:
    answer = api.ask("GET", f"/{job_id}/artifacts", Scope.READ)
    assert answer.json() == {
        "artifacts": [
            {"path": "a/größe & 'x'.bin", "size": 256_000},
            {"path": "empty", "size": 0},
            {"path": "report.csv", "size": 4},
        ],
        "attempt": 1,
        "until": None,
    }
    api.sandboxes.keeps = 86400.0
    listed = api.ask("GET", f"/{job_id}/artifacts", Scope.READ).json()
    assert listed["until"] == END + 86400
    assert api.sandboxes.closed == api.sandboxes.opened == 2


def test_a_file_is_an_attachment_of_any_bytes(api: JobsApi, job_id: str) -> None:
    for path, data in FILES.items():
        answer = api.ask("GET", f"/{job_id}/artifacts/{path}", Scope.READ)
        assert (answer.status_code, answer.content) == (200, data)
        assert answer.headers["Content-Length"] == str(len(data))
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert api.sandboxes.closed == api.sandboxes.opened == 3
    names = {
        "report.csv": 'attachment; filename="report.csv"',
        "a/größe & 'x'.bin": "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%26%20%27x%27.bin",
    }
    for path, named in names.items():
        answer = api.ask("GET", f"/{job_id}/artifacts/{path}")
        assert answer.headers["Content-Disposition"] == named


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/stdout",
        "a/%2e%2e/%2e%2e/stdout",
        "%2Fetc/passwd",
        "a",
        "report.csv/",
        "report%C2%85.csv",
        "",
    ],
)
def test_a_path_that_names_none_of_them_is_unknown(api: JobsApi, job_id: str, path: str) -> None:
    task = api.jobs.job(job_id).task_id or ""
    api.sandboxes.files[task] |= {"stdout": b"x", "artifacts/../stdout": b"x", "artifacts/": b"x"}
    answer = api.ask("GET", f"/{job_id}/artifacts/{path}")
    assert refusal(answer) == (404, "unknown-artifact")
    assert answer.json()["job_id"] == job_id


def test_a_job_that_has_not_ended_has_no_files_yet(api: JobsApi) -> None:
    job_id = api.request()
    for path in ("artifacts", "artifacts/x"):
        answer = api.ask("GET", f"/{job_id}/{path}")
        assert refusal(answer) == (409, "job-not-ended")
        assert answer.json()["state"] == "queued"
    api.ask("DELETE", f"/{job_id}")
    never = api.ask("GET", f"/{job_id}/artifacts").json()
    assert never == {"artifacts": [], "attempt": None, "until": None}
    assert refusal(api.ask("GET", f"/{job_id}/artifacts/x")) == (404, "unknown-artifact")


def test_a_job_that_left_nothing_has_an_empty_list(api: JobsApi) -> None:
    job_id = api.request()
    api.sandboxes.files[succeed(api, job_id)] = {"stdout": b"done"}
    listed = api.ask("GET", f"/{job_id}/artifacts").json()
    assert (listed["artifacts"], listed["attempt"]) == ([], 1)


def test_a_sandbox_that_is_gone_is_said_to_be(api: JobsApi, job_id: str) -> None:
    api.sandboxes.files.clear()
    for path in ("artifacts", "artifacts/report.csv"):
        answer = api.ask("GET", f"/{job_id}/{path}")
        assert refusal(answer) == (404, "artifacts-gone")
        assert "10.0.0.1 has removed it" in answer.json()["detail"]
        assert f"prevs job retry hello {job_id}" in answer.json()["detail"]


def test_an_agent_that_is_away_or_refuses_is_unavailable(api: JobsApi, job_id: str) -> None:
    api.sandboxes.away = True
    assert refusal(api.ask("GET", f"/{job_id}/artifacts")) == (503, "unavailable")
    api.sandboxes.away, api.sandboxes.refuses = False, True
    answer = api.ask("GET", f"/{job_id}/artifacts/report.csv")
    assert refusal(answer) == (503, "unavailable")
    assert "PREVS_AGENTS_PRINCIPAL" in answer.json()["detail"]


@pytest.mark.parametrize(
    "data",
    [b"{}", b'{"v":1,"artifacts":[{"path":"../x","size":1}]}', b"\xff", b" " * (LONGEST_LIST + 1)],
    ids=["no version", "leads out", "no text", "too long"],
)
def test_a_list_that_is_none_is_not_shown(api: JobsApi, job_id: str, data: bytes) -> None:
    api.sandboxes.files[api.jobs.job(job_id).task_id or ""][LIST] = data
    assert refusal(api.ask("GET", f"/{job_id}/artifacts")) == (503, "unavailable")


def test_a_file_is_read_only_as_fast_as_its_reader(api: JobsApi, job_id: str) -> None:
    read: list[bytes] = []

    class Counting(type(api.sandboxes)):  # type: ignore[misc]  # a class that is known only here
        def _read_pieces(self, data: bytes) -> Iterator[bytes]:
            for piece in super()._read_pieces(data):
                read.append(piece)
                yield piece

    sandboxes = Counting()
    sandboxes.files = api.sandboxes.files

    async def read_first() -> None:
        answer = await JobArtifacts(sandboxes).send(api.jobs.job(job_id), "a/größe & 'x'.bin")
        pieces = answer.body_iterator  # type: ignore[attr-defined]  # it is a stream
        assert await anext(pieces) == FILES["a/größe & 'x'.bin"][:65536]
        assert len(read) == 1
        await pieces.aclose()

    asyncio.run(read_first())
    assert sandboxes.closed == 1


def test_an_agent_that_goes_away_breaks_the_answer_off(api: JobsApi, job_id: str) -> None:
    """The server ends the connection of an answer without an end, and the length tells why."""
    api.sandboxes.breaks_after = 100_000
    path = f"/v1/apps/hello/jobs/{job_id}/artifacts/a/größe & 'x'.bin".encode()
    bearer = (b"authorization", f"Bearer {TOKEN}".encode())
    client = AsgiClient()

    async def app(scope: AsgiScope, receive: Receive, send: Send) -> None:
        await api.app({**scope, "path": path.decode()}, receive, send)

    asyncio.run(client.send(app, path=path, headers=[bearer]))
    assert client.headers[b"content-length"] == b"256000"
    assert len(client.body) == 131_072
    assert client.sent[-1]["more_body"]
    assert api.sandboxes.closed == 1
