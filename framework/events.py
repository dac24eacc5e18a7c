"""The events of the service's inbox. Edges put them there and return; the service acts on them."""

import contextvars
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from framework.errors import Fatal, FrameworkError, Unavailable
from framework.jobs.leads import Lead
from framework.matching.resources import Offer
from framework.ports import Heads, InverseOffer, Use
from framework.ports.forges import Pull
from framework.ports.notifications import LastTry
from framework.ports.tasks import TaskStatus
from prevs.commit_settings import CommitSettings
from prevs.jobs import CallbackState
from prevs.pulls import Delivered
from prevs.records import Failure

ANSWER_SECONDS = 10.0

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Subscribed:
    """The master has accepted this framework (again)."""

    framework_id: str


@dataclasses.dataclass(frozen=True)
class Disconnected:
    """The connection to the master is gone; every offer is void."""


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
    """Requests to leave agents that will go away."""

    offers: Sequence[InverseOffer]


@dataclasses.dataclass(frozen=True)
class InverseRescinded:
    """An inverse offer is void."""

    offer_id: str


@dataclasses.dataclass(frozen=True)
class UsageReported:
    """A proxy's report of the use of tasks, and of where it connects from, as which user."""

    proxy: str
    uses: Sequence[Use]
    addresses: Sequence[str] = ()
    user: int | None = None


@dataclasses.dataclass(frozen=True)
class ConnectionsRefused:
    """Tasks refuse a proxy's connections, and a client waits for them there."""

    proxy: str
    tasks: Sequence[str]


ProxyReport = UsageReported | ConnectionsRefused
"""What a proxy reports repeatedly; nobody waits for an answer."""


@dataclasses.dataclass(frozen=True)
class TaskStatusReceived:
    """The status of a task."""

    status: TaskStatus


@dataclasses.dataclass(frozen=True)
class StatusesReceived:
    """Statuses as the service takes them: one, or some of jobs, each of another task."""

    statuses: Sequence[TaskStatus]


@dataclasses.dataclass(frozen=True)
class AgentFailed:
    """A hint that an agent, or an executor on it, is gone. Unreliable."""

    agent_id: str | None
    executor_id: str | None


@dataclasses.dataclass(frozen=True)
class StoreSuspended:
    """ZooKeeper does not answer: the service must not decide anything."""


@dataclasses.dataclass(frozen=True)
class StoreResumed:
    """ZooKeeper answers again, in the same session."""


@dataclasses.dataclass(frozen=True)
class EdgeFailed:
    """An edge cannot continue, so the program must end."""

    error: Fatal


@dataclasses.dataclass(frozen=True)
class HeadsFetched:
    """The commits of an app's branches, tags and pull requests, just fetched."""

    app: str
    heads: Heads


@dataclasses.dataclass(frozen=True)
class Approval:
    """Somebody (`by`) approves one commit of a pull request, by its whole id."""

    number: int
    commit: str
    by: str


@dataclasses.dataclass(frozen=True)
class PullsSeen:
    """What a look at an app's forge has found.

    `pulls` are all open pull requests, and those that are closed by now. The forge does not know
    those in `gone`. `members` are the numbers of those from forks of people who may write to the
    repository, by one of them. `approvals` are what
    people who may write there have approved by a comment.
    """

    app: str
    pulls: Sequence[Pull] = ()
    gone: Sequence[int] = ()
    members: Collection[int] = ()
    approvals: Sequence[Approval] = ()


@dataclasses.dataclass(frozen=True)
class RepositorySeen:
    """Which repositories an app's forge has shown at the address `repository`, by its own ids."""

    app: str
    repository: str
    ids: Collection[str]


@dataclasses.dataclass(frozen=True)
class LookFailed:
    """A look at an app's forge has failed; `why` is a sentence."""

    app: str
    why: str


@dataclasses.dataclass(frozen=True)
class CallbackSettled:
    """A job's receiver was told of its end, or will not be; `last` is the last try."""

    app: str
    job_id: str
    state: CallbackState
    last: LastTry


@dataclasses.dataclass(frozen=True)
class PullDelivery:
    """What was said by now of a pull request at its forge."""

    app: str
    number: int
    delivered: Delivered


@dataclasses.dataclass(frozen=True)
class TellingFailed:
    """Something cannot be said at an app's forge in the way `part` (prevs.apps.Tell).

    `why` is a sentence, or "" once it can be said again.
    """

    app: str
    part: str
    why: str


PullEvent = RepositorySeen | PullsSeen | LookFailed | PullDelivery | TellingFailed
"""What the edges to forges have found or done."""


@dataclasses.dataclass(frozen=True)
class SettingsRead:
    """The settings of a commit, or why they cannot be used.

    `settings_key` is that of the app for which they were read. `subject` is the commit's, if the
    app has commits built ahead.
    """

    app: str
    sha: str
    settings_key: str
    outcome: CommitSettings | Failure
    subject: str = ""


@dataclasses.dataclass(frozen=True)
class LeadFound:
    """Where a label of an app leads, and what the commit says; or why that cannot be told.

    `settings_key` is that of the app for which the commit's settings were read.
    """

    app: str
    label: str
    settings_key: str
    outcome: Lead | FrameworkError


@dataclasses.dataclass(frozen=True)
class MirrorRemoved:
    """The mirror of an app that is being removed is gone."""

    app: str


@dataclasses.dataclass(frozen=True)
class Call:
    """A call: `act` runs on the service's thread, `answer` gets its result or its error."""

    act: Callable[[], Any]
    answer: "Future[Any]"


@dataclasses.dataclass(frozen=True)
class Stop:
    """End the service's thread; tasks keep running."""


Event = (
    Subscribed
    | Disconnected
    | Offered
    | Rescinded
    | InverseOffered
    | InverseRescinded
    | UsageReported
    | ConnectionsRefused
    | TaskStatusReceived
    | StatusesReceived
    | AgentFailed
    | StoreSuspended
    | StoreResumed
    | EdgeFailed
    | HeadsFetched
    | PullEvent
    | CallbackSettled
    | SettingsRead
    | LeadFound
    | MirrorRemoved
    | Call
    | Stop
)


_MOST, _MOST_BYTES = 16, 200_000
"""Statuses, and bytes of results, that are joined: a job's record may have 32 KB, and all of them
are one write of a megabyte at most."""


def kind(event: Event) -> str:
    """Return the kind of an event, as the metric prevs_events has it."""
    return type(event).__name__


def count(event: Event) -> int:
    """Return for how many events of an edge this one stands."""
    return len(event.statuses) if isinstance(event, StatusesReceived) else 1


def join_statuses(batch: Iterable[Event], is_of_job: Callable[[str], bool]) -> Iterator[Event]:
    """Yield events, each status as StatusesReceived, and neighbouring statuses of jobs as one.

    `is_of_job` says so of a task. The statuses of a task keep their order.
    """
    joined: dict[str, TaskStatus] = {}
    for event in batch:
        status = event.status if isinstance(event, TaskStatusReceived) else None
        if status is not None and not is_of_job(status.task_id):
            yield StatusesReceived((status,))
            continue
        if joined and (status is None or not _fits(status, joined)):
            yield StatusesReceived(tuple(joined.values()))
            joined = {}
        if status is None:
            yield event
        else:
            joined[status.task_id] = status
    if joined:
        yield StatusesReceived(tuple(joined.values()))


def _fits(status: TaskStatus, joined: Mapping[str, TaskStatus]) -> bool:
    size = sum(len(one.result) for one in (status, *joined.values()))
    return status.task_id not in joined and len(joined) < _MOST and size <= _MOST_BYTES


def call(put: Callable[[Event], None], act: Callable[[], T]) -> T:
    """Run `act` on the service's thread, through its inbox; return its result.

    Blocks for 10 s at most. Raises what `act` raises, or Unavailable.
    """
    answer: Future[T] = Future()
    # So that log lines written there have the id of the request that waits here.
    context = contextvars.copy_context()
    put(Call(lambda: context.run(act), answer))
    try:
        return answer.result(ANSWER_SECONDS)
    except TimeoutError:
        raise Unavailable("The framework") from None
