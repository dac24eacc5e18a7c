"""Decides when an application is healthy, and why it is not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from executor.errors import ExecutorError, NeverListened, NotServing, Unhealthy
from executor.ports import Answer
from prevs.commit_settings import HealthKind

_SHORTEST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0
_PAUSE_SHARE = 0.1
"""A pause is a tenth of the time that has passed, so nobody waits more than a tenth too long."""


_REFUSED = (400, 403)
"""What servers answer to a Host that they do not know: Django and Rails."""

_NOTHING_YET = Answer(connected=False)


class HealthCheck(NamedTuple):
    """The health check of an application that has not passed it yet.

    `began` is on the caller's clock, `limit` in seconds. An answer passes with one of `statuses`,
    or with any 2xx or 3xx if `statuses` is empty. `last` is the most informative answer so far: a
    status is worth more than a silent connection, and that is worth more than none. `host` is the
    Host of the requests.
    """

    path: str
    port: int
    began: float
    limit: float
    statuses: Sequence[int] = ()
    last: Answer = _NOTHING_YET
    kind: HealthKind = HealthKind.GUESSED
    host: str = ""

    @property
    def goal(self) -> str:
        """What the check waits for, as a sentence without its full stop."""
        if self.kind is HealthKind.TCP:
            return f"Waiting for port {self.port} to take a connection"
        if self.kind is HealthKind.GRPC:
            return "Waiting for its gRPC health service to answer SERVING"
        return f"Waiting for GET {self.path} to answer"

    def passes(self, answer: Answer) -> bool:
        """Return whether an answer is that of a healthy application."""
        if answer.passed is not None:
            return answer.passed
        if answer.status is None:
            return False
        return answer.status in self.statuses if self.statuses else 200 <= answer.status < 400

    def after(self, answer: Answer) -> HealthCheck:
        """Return the check after one more answer that did not pass."""
        better = _weight(answer) >= _weight(self.last)
        return self._replace(last=answer) if better else self

    def pause(self, now: float) -> float:
        """Return the seconds to wait before the next try."""
        left = self.began + self.limit - now
        wanted = min(max((now - self.began) * _PAUSE_SHARE, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        return max(0.0, min(wanted, left))

    def over(self, now: float) -> bool:
        """Return whether the time limit has passed."""
        return now >= self.began + self.limit

    def failure(self) -> ExecutorError:
        """Return why the check has failed. Call it once over() is true."""
        if not self.last.connected:
            return NeverListened(self.port, self.limit)
        if self.last.passed is not None or self.kind is HealthKind.GRPC:
            return NotServing(self.limit, self.last.problem)
        if self.last.status is None:
            answer = self.last.problem
        else:
            answer = f"its last answer had the status {self.last.status}"
        wanted = " or ".join(map(str, self.statuses)) or "2xx or 3xx"
        host = self.host if self.last.status in _REFUSED else ""
        return Unhealthy(
            self.path,
            self.limit,
            answer=answer,
            status=self.last.status,
            wanted=wanted,
            refused=host,
        )


def _weight(answer: Answer) -> int:
    has_result = answer.status is not None or answer.passed is not None
    return has_result * 2 + answer.connected
