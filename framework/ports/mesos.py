"""What the framework needs from Mesos: from the master and from the agents."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from framework.errors import FrameworkError
from framework.ports.mesos_agents import AgentList
from framework.ports.tasks import Task, TaskStatus
from prevs.jobs import ENDED, JobState
from prevs.log_sources import Source
from prevs.states import State

OVER: frozenset[State | JobState] = frozenset({State.STOPPED, State.FAILED, *ENDED})
"""The states in which a log no longer grows."""


class InverseOffer(NamedTuple):
    """A request of Mesos to leave an agent, which goes away at `start` (epoch seconds)."""

    id: str
    agent_id: str
    start: float


class Cluster(Protocol):
    """The calls to the Mesos master. Each blocks for at most 10 s.

    Each raises Unavailable if the call was not sent or was refused, OutcomeUnknown if there was no
    answer.
    """

    def accept(
        self, offer_ids: Sequence[str], tasks: Sequence[Task], refuse_seconds: float
    ) -> None:
        """Launch tasks on the resources of offers of one agent, for one role."""
        ...

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        """Give offers back; the same resources are not offered for `refuse_seconds`."""
        ...

    def revive(self, role: str = "") -> None:
        """Request offers for a role, or for all, and clear all earlier refusals of these."""
        ...

    def suppress(self, role: str = "") -> None:
        """Receive no offers for a role, or for all, until `revive`."""
        ...

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        """Request the end of a task; the request may be lost."""
        ...

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        """Send bytes to an executor; they may be lost, without a word."""
        ...

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        """Agree to leave the agents of inverse offers in time."""
        ...

    def acknowledge(self, statuses: Sequence[TaskStatus]) -> None:
        """Confirm that statuses are stored, so that Mesos sends the next ones of their tasks.

        If this raises, some of them may be confirmed. The others come again.
        """
        ...

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        """Query the state of tasks (task id, agent id); without tasks, of all that Mesos has."""
        ...


class Agents(Protocol):
    """The agents of the cluster. Thread safe."""

    def read(self) -> AgentList:
        """Return every agent that the master knows, at most some seconds old.

        Blocks for 10 s at most. Raises Unavailable.
        """
        ...


class Logged(Protocol):
    """A preview or a job, as far as the log of its current or last attempt is concerned."""

    @property
    def task_id(self) -> str | None:
        """The task of the attempt; None if there was none yet."""
        ...

    @property
    def agent_id(self) -> str | None:
        """The agent of the attempt."""
        ...

    @property
    def agent_host(self) -> str | None:
        """Its machine."""
        ...

    @property
    def state(self) -> State | JobState:
        """The state; in one of OVER, the attempt is over."""
        ...


class SandboxGone(FrameworkError):
    """The sandbox of an attempt cannot be read any more; str() is a sentence that says why."""

    def __init__(self, host: str, *, agent_is_known: bool) -> None:
        super().__init__(
            f"The agent {host} has removed it; agents do so after some days, and sooner when their "
            "disks are full."
            if agent_is_known
            else f"The agent {host}, which has it, is not in the cluster. If that agent comes back "
            "and was not replaced, it can be read again."
        )
        self.host, self.agent_is_known = host, agent_is_known


class SandboxFile(NamedTuple):
    """A file of a sandbox, which was opened: its size in bytes, and its bytes in pieces.

    Each piece blocks for some seconds at most, and raises Unavailable if the agent goes away.
    Whoever has opened it calls `close`, on any thread, also after the last piece.
    """

    size: int
    pieces: Iterator[bytes]
    close: Callable[[], None]


class LogPart(NamedTuple):
    """Bytes of one source; or NOBODY, and the line that replaces what is missing.

    `missing` is how many bytes that is, None if nobody knows.
    """

    source: Source
    data: bytes
    missing: int | None = 0


class LogExcerpt(NamedTuple):
    """Parts of a log in their order, and the offset after them."""

    parts: Sequence[LogPart]
    end: int


class Sandboxes(Protocol):
    """The output of attempts, and other files, in their sandboxes on the agents. Thread safe."""

    def read(self, logged: Logged, offset: int) -> tuple[bytes, int]:
        """Return what follows byte `offset` of the last attempt's output, and the next offset.

        A line replaces the part that is missing in a long log (framework/logs/sparse_log.py).
        Returns nothing if there is no sandbox. Blocks for one HTTP call, or for some twenty if a
        part is missing. Raises Unavailable if the agent does not answer.
        """
        ...

    def read_parts(self, logged: Logged, offset: int) -> LogExcerpt | None:
        """Return what `read` does, in parts by who wrote it; None if nobody knows that.

        Blocks for two HTTP calls, or for some twenty if a part is missing. Raises as `read`.
        """
        ...

    def tail(self, logged: Logged, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, in whole lines, and the offset after them.

        Otherwise as `read`.
        """
        ...

    def open_file(self, logged: Logged, path: str) -> SandboxFile | None:
        """Open a file of the last attempt's sandbox; None if the sandbox has no such file.

        `path` begins in the sandbox; the caller has checked that it leads out of no folder. Blocks
        for some HTTP calls. Raises SandboxGone, NotAllowed, Unavailable.
        """
        ...

    def kept_for(self, logged: Logged) -> float | None:
        """Return for how many seconds its agent keeps sandboxes now, None if that is unknown.

        It becomes less as the agent's disk fills. Blocks for some HTTP calls.
        """
        ...
