"""The framework's HTTP API: its generated calls, and what does more than send one.

Each blocks and raises as `Transport` says.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from cli.client.generated.calls import Calls
from cli.client.generated.records import App, Job, RefusedRecord, RequestedJobs
from cli.errors import ApiConfused, ApiRefused


class Api(Calls):
    """The API at its known addresses. Not thread safe."""

    def show_seen_app(self, app: str) -> tuple[App, str | None]:
        """Return an app, and the ETag of its current settings."""
        found = self.show_app(app)
        return found, self.tag

    def read_log(
        self, app: str, sha: str, offset: int, attempt: int | None = None
    ) -> tuple[bytes, int]:
        """Return an attempt's output from byte `offset` on, and the next offset.

        Without a number it is the last attempt.
        """
        return self._read_piece(self.show_log(app, sha, offset=offset, attempt=attempt))

    def read_log_tail(self, app: str, sha: str, attempt: int | None = None) -> str:
        """Return the last lines of an attempt's output, about 4 KB."""
        return _read_text(self.show_log(app, sha, tail=True, attempt=attempt))

    def read_job_log(
        self, app: str, job_id: str, offset: int, attempt: int | None = None
    ) -> tuple[bytes, int]:
        """Return an attempt's log from byte `offset` on, as `read_log` does."""
        return self._read_piece(self.show_job_log(app, job_id, offset=offset, attempt=attempt))

    def read_job_log_tail(self, app: str, job_id: str, attempt: int | None = None) -> str:
        """Return the last lines of an attempt's log, about 4 KB."""
        return _read_text(self.show_job_log(app, job_id, tail=True, attempt=attempt))

    def read_whole_result(self, app: str, job_id: str) -> bytes:
        """Return what a job's command left as its result."""
        with self.read_job_result(app, job_id) as download:
            return b"".join(download.pieces)

    def request_all_jobs(
        self, app: str, orders: Sequence[Mapping[str, object]], key: str
    ) -> list[Job]:
        """Request jobs of an app, and return them in the same order.

        The same orders with the same `key` make no other jobs.
        """
        order = orders[0] if len(orders) == 1 else {"jobs": orders}
        answer = self.request_jobs(app, order, key=key)
        return [cast(Job, answer)] if len(orders) == 1 else cast(RequestedJobs, answer)["jobs"]

    def list_refused(self, kind: str = "", app: str | None = None) -> list[RefusedRecord]:
        """Return the records of a kind, or of all; none of a framework that does not know."""
        try:
            found = self.show_signatures(app=app)
        except ApiRefused as error:
            if error.problem.http_status != 404:
                raise
            return []
        return [one for one in found["refused"] if kind in ("", one["kind"])]

    def _read_piece(self, answer: Any) -> tuple[bytes, int]:
        try:
            return answer.content, int(answer.headers["X-Next-Offset"])
        except (KeyError, ValueError):
            raise ApiConfused(self.address, "the log has no next offset") from None


def _read_text(answer: Any) -> str:
    return str(answer.content.decode("utf-8", "replace"))
