"""What is asked of Mesos: of its master, and of its agents."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from framework.ports.mesos_agents import AgentList
from framework.ports.tasks import Task, TaskStatus
from prevs.records import PreviewRecord


class InverseOffer(NamedTuple):
    """A request of Mesos to leave an agent that will be away from `start` (epoch seconds) on."""

    id: str
    agent_id: str
    start: float


class Cluster(Protocol):
    """The calls to the Mesos master. Each blocks for at most 10 s.

    Raises Unavailable when nothing was sent or it was refused, OutcomeUnknown when there was no
    answer.
    """

    def accept(
        self, offer_ids: Sequence[str], tasks: Sequence[Task], refuse_seconds: float
    ) -> None:
        """Launch tasks on the resources of offers of one agent."""
        ...

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        """Give offers back, and ask not to be offered the same for a while."""
        ...

    def revive(self) -> None:
        """Ask for offers, whatever was refused before."""
        ...

    def suppress(self) -> None:
        """Ask for no offers until `revive`."""
        ...

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        """Ask for the end of a task; may be lost."""
        ...

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        """Agree to leave the agents of inverse offers in time."""
        ...

    def acknowledge(self, report: TaskStatus) -> None:
        """Tell that a report is stored, so that the next one of its task comes."""
        ...

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        """Ask for the state of tasks (task id, agent id), of all known ones if there are none."""
        ...


class Agents(Protocol):
    """The agents of the cluster. Thread safe."""

    def read(self) -> AgentList:
        """Return every agent that the master knows, as it was within the last seconds.

        Blocks for 10 s at most. Raises Unavailable.
        """
        ...


class Sandboxes(Protocol):
    """The output of attempts, read from the sandboxes that the agents keep. Thread safe."""

    def read(self, preview: PreviewRecord, offset: int) -> tuple[bytes, int]:
        """Return what follows byte `offset` of the last attempt's output, and the next offset.

        What is left out of a long log (framework/logs/sparse_log.py) is one line that says so.
        Returns nothing where there is no sandbox, not yet or no longer. Blocks for one HTTP call,
        and some twenty where something is left out. Raises Unavailable when the agent does not
        answer.
        """
        ...

    def tail(self, preview: PreviewRecord, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, in whole lines, and the offset after them.

        As `read` otherwise.
        """
        ...
