"""The API's calls about jobs, and their answers. The calls raise the same errors as `Api`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, cast
from urllib.parse import quote

from cli.client.generated.records import Artifacts, Job, JobDetail
from cli.client.paging import Listed
from cli.errors import ApiConfused
from program.http.server_events import ServerEvent

Call = Callable[..., Any]
Stream = AbstractContextManager[Iterator[ServerEvent]]


class Download(NamedTuple):
    """A file as it comes: its size in bytes, and its pieces, which raise ApiUnreachable."""

    size: int
    pieces: Iterator[bytes]


class Calls(NamedTuple):
    """How to call the API: for JSON, the whole answer, a list, events, and a file."""

    read: Call
    call: Call
    gather: Callable[..., Listed[Any]]
    stream: Callable[..., Stream]
    download: Callable[[str], AbstractContextManager[Download]]


class Jobs:
    """The jobs of apps."""

    def __init__(self, calls: Calls, *, patience: float) -> None:
        """A request for jobs waits for its answer for `patience` seconds: git may have to fetch."""
        self._read, self._call, self._gather, self._stream, self._download = calls
        self._patience = patience

    def request(self, app: str, orders: Sequence[Mapping[str, object]], key: str) -> list[Job]:
        """Request jobs of an app, and return them in the same order.

        The same orders with the same `key` make no other jobs.
        """
        body = orders[0] if len(orders) == 1 else {"jobs": orders}
        answer = self._read(
            "POST", _path(app), json=body, headers=keyed(key), timeout=self._patience
        )
        return cast(list[Job], [answer] if len(orders) == 1 else answer["jobs"])

    def list(
        self,
        app: str | None = None,
        *,
        state: str | None = None,
        group: str | None = None,
        schedule: str | None = None,
        limit: int | None = None,
    ) -> Listed[Job]:
        """Return the jobs of one app or of all, the newest first; `state` may be "active"."""
        wanted = {"app": app, "state": state, "group": group, "schedule": schedule}
        query = {name: value for name, value in wanted.items() if value is not None}
        return self._gather("/v1/jobs", "jobs", query, limit)

    def show(self, app: str, job_id: str) -> JobDetail:
        """Return a job, with its attempts."""
        return cast(JobDetail, self._read("GET", _path(app, job_id)))

    def cancel(self, app: str, job_id: str) -> Job:
        """Cancel a job, and return it."""
        return cast(Job, self._read("DELETE", _path(app, job_id)))

    def cancel_group(self, app: str, group: str) -> int:
        """Cancel the jobs of a group that have not ended; return how many these are."""
        answer = self._read("DELETE", _path(app), params={"group": group})
        return cast(int, answer["jobs"])

    def retry(self, app: str, job_id: str, key: str) -> Job:
        """Request a job that does what an ended one did; the same `key` makes no other one."""
        return cast(Job, self._read("POST", _path(app, job_id, "retry"), headers=keyed(key)))

    def result(self, app: str, job_id: str) -> bytes:
        """Return what a job's command left as its result."""
        return cast(bytes, self._call("GET", _path(app, job_id, "result")).content)

    def artifacts(self, app: str, job_id: str) -> Artifacts:
        """Return what a job's command left as files."""
        return cast(Artifacts, self._read("GET", _path(app, job_id, "artifacts")))

    def artifact(self, app: str, job_id: str, path: str) -> AbstractContextManager[Download]:
        """Download one of these files, which is named by a valid path."""
        return self._download(f"{_path(app, job_id, 'artifacts')}/{quote(path)}")

    def log(
        self, app: str, job_id: str, offset: int, attempt: int | None = None
    ) -> tuple[bytes, int]:
        """Return an attempt's log from byte `offset` on, and the next offset.

        Without a number it is the last attempt.
        """
        query = {"offset": str(offset), **_of_attempt(attempt)}
        answer = self._call("GET", _path(app, job_id, "log"), params=query)
        try:
            return answer.content, int(answer.headers["X-Next-Offset"])
        except (KeyError, ValueError):
            raise ApiConfused(answer.url, "the log has no next offset") from None

    def log_tail(self, app: str, job_id: str, attempt: int | None = None) -> str:
        """Return the last lines of an attempt's log, about 4 KB."""
        query = {"tail": "true", **_of_attempt(attempt)}
        answer = self._call("GET", _path(app, job_id, "log"), params=query)
        return str(answer.content.decode("utf-8", "replace"))

    def log_stream(self, app: str, job_id: str, *, after: str | None) -> Stream:
        """Follow a job's log and state, as Api.log_stream follows those of a preview."""
        return self._stream(_path(app, job_id, "log"), after, {"apart": "true"})


def keyed(key: str) -> dict[str, str]:
    """Return the header with an idempotency key."""
    return {"Idempotency-Key": f'"{key}"'}


def _of_attempt(number: int | None) -> dict[str, str]:
    return {} if number is None else {"attempt": str(number)}


def _path(app: str, *parts: str) -> str:
    return "/v1/apps/" + "/".join(quote(part, safe="") for part in (app, "jobs", *parts))
