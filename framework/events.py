"""What reaches the service's inbox. Edges put these there and return; the service acts on them."""

import contextvars
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from framework.errors import Fatal, Unavailable
from framework.matching.match import Offer
from framework.ports import InverseOffer, Use
from framework.ports.tasks import TaskStatus
from prevs.commit_settings import CommitSettings
from prevs.records import Failure

ANSWER_SECONDS = 10.0

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Subscribed:
    """The master has accepted this framework (again)."""

    framework_id: str


@dataclasses.dataclass(frozen=True)
class Disconnected:
    """The link to the master is gone; every offer is void."""


@dataclasses.dataclass(frozen=True)
class Offered:
    """Offers, each of one agent."""

    offers: Sequence[Offer]


@dataclasses.dataclass(frozen=True)
class Rescinded:
    """An offer is void."""

    offer_id: str


@dataclasses.dataclass(frozen=True)
class InverseOffered:
    """Agents that will be away."""

    offers: Sequence[InverseOffer]


@dataclasses.dataclass(frozen=True)
class InverseRescinded:
    """An inverse offer is void."""

    offer_id: str


@dataclasses.dataclass(frozen=True)
class Used:
    """What a proxy says of the use of tasks."""

    proxy: str
    uses: Sequence[Use]


@dataclasses.dataclass(frozen=True)
class ConnectionsRefused:
    """A proxy's connections to tasks are refused, and somebody waits for them there."""

    proxy: str
    tasks: Sequence[str]


ProxyReport = Used | ConnectionsRefused
"""What a proxy reports, again and again: nobody waits for an answer."""


@dataclasses.dataclass(frozen=True)
class Updated:
    """What is reported about a task."""

    report: TaskStatus


@dataclasses.dataclass(frozen=True)
class AgentFailed:
    """A hint that an agent, or an executor on it, is gone. Unreliable."""

    agent_id: str | None
    executor_id: str | None


@dataclasses.dataclass(frozen=True)
class StoreSuspended:
    """ZooKeeper does not answer: nothing may be decided."""


@dataclasses.dataclass(frozen=True)
class StoreResumed:
    """ZooKeeper answers again, in the same session."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """An edge cannot go on, so the program must end."""

    error: Fatal


@dataclasses.dataclass(frozen=True)
class Heads:
    """The commit of each branch's and tag's label of an app, as fetched now; None for several.

    `leading` has the branches and tags of each commit (heads/main, tags/v1).
    """

    app: str
    heads: Mapping[str, str | None]
    leading: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class SettingsRead:
    """What a commit says of itself, or why that cannot be used; read for a basis of its app."""

    app: str
    sha: str
    basis: str
    outcome: CommitSettings | Failure


@dataclasses.dataclass(frozen=True)
class Forgotten:
    """The mirror of an app that is being removed is gone."""

    app: str


@dataclasses.dataclass(frozen=True)
class Call:
    """A request: `act` runs on the service's thread, `answer` gets its result or its error."""

    act: Callable[[], Any]
    answer: "Future[Any]"


@dataclasses.dataclass(frozen=True)
class Stop:
    """End the service's thread; every task goes on."""


Event = (
    Subscribed
    | Disconnected
    | Offered
    | Rescinded
    | InverseOffered
    | InverseRescinded
    | Used
    | ConnectionsRefused
    | Updated
    | AgentFailed
    | StoreSuspended
    | StoreResumed
    | Ended
    | Heads
    | SettingsRead
    | Forgotten
    | Call
    | Stop
)


def call(put: Callable[[Event], None], act: Callable[[], T]) -> T:
    """Have `act` run on the service's thread, through its inbox; return its result.

    Blocks for 10 s at most. Raises what `act` raises, or Unavailable.
    """
    answer: Future[T] = Future()
    # What it logs there is of the request that asks here.
    context = contextvars.copy_context()
    put(Call(lambda: context.run(act), answer))
    try:
        return answer.result(ANSWER_SECONDS)
    except TimeoutError:
        raise Unavailable("The framework") from None
