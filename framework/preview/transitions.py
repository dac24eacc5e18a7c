"""The events of a preview as values, and which fields of its record each one changes.

framework.units.lifecycle defines which event is legal in which state. Each class below is one
event with its data. Its `change` returns the record with the fields that the event changes, in the
old state; `follow` then sets what every event changes: state, steps and times.
tests/data/transitions.json lists the changes for each event and state. Pure; times are seconds
since the epoch.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import ClassVar, Protocol

from framework.preview import ended_attempts, reasons, steps, volumes
from framework.preview.reasons import Reason
from framework.units import lifecycle
from framework.units.lifecycle import Event
from prevs.commit_settings import CommitSettings
from prevs.records import Failure, PreviewRecord, Step
from prevs.states import State


class Transition(Protocol):
    """Something that happens to a preview."""

    @property
    def event(self) -> Event:
        """The event of the lifecycle's table."""

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        """Return the preview with the fields that the event changes, in its old state."""


def follow(
    preview: PreviewRecord, transition: Transition, now: float, *, contested: Collection[str] = ()
) -> PreviewRecord:
    """Return the preview after a transition. Raises IllegalTransition.

    A preview that stops running loses its `contested` labels, which other previews hold as well.
    """
    state = lifecycle.step(preview.state, transition.event)
    changed = transition.change(preview)
    noted = steps.note(changed, state, changed.phase, now)
    if state is preview.state:
        return dataclasses.replace(changed, steps=noted)
    took, labels = changed.step_seconds, changed.labels
    if state is State.RUNNING:
        took = {**took, **_usual_durations(changed, noted)}
    elif preview.state is State.RUNNING:
        labels = tuple(label for label in labels if label not in contested)
    return dataclasses.replace(
        changed, state=state, steps=noted, changed=now, step_seconds=took, labels=labels
    )


@dataclasses.dataclass(frozen=True)
class Requested:
    """Somebody requests the preview; `refs` lead to its commit now.

    `stranger` is whether the commit is a stranger's. With `ahead`, nobody requests it yet.
    """

    event: ClassVar = Event.REQUESTED
    at: float
    refs: tuple[str, ...]
    stranger: bool = False
    ahead: bool = False

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        if preview.state is State.STOPPED:
            preview = reasons.give(_renew(preview), reasons.AHEAD if self.ahead else reasons.NONE)
        elif preview.state is State.QUEUED and preview.ahead:
            # From now on a visitor waits, behind those who came before.
            waits = dataclasses.replace(preview, changed=self.at, steps=steps.begin(self.at))
            preview = reasons.give(waits, reasons.NONE)
        elif preview.state is State.DRAINING:
            preview = reasons.give(
                dataclasses.replace(preview, restart_requested=True), reasons.NONE
            )
        return dataclasses.replace(
            preview,
            last_used=preview.last_used if self.ahead else self.at,
            refs=self.refs,
            stranger=self.stranger,
            ahead=self.ahead,
        )


@dataclasses.dataclass(frozen=True)
class Retried:
    """Somebody wants a failed preview to be tried again."""

    event: ClassVar = Event.RETRIED
    at: float

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        renewed = _renew(preview)
        return dataclasses.replace(
            renewed, last_used=self.at, settings=None, settings_for="", ahead=False
        )


@dataclasses.dataclass(frozen=True)
class Stopped:
    """The preview must stop; without a `reason` it keeps its present one."""

    event: ClassVar = Event.STOP_REQUESTED
    reason: Reason | None

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        stopped = dataclasses.replace(preview, restart_requested=False)
        return stopped if self.reason is None else reasons.give(stopped, self.reason)


@dataclasses.dataclass(frozen=True)
class StoppedIdle:
    """The preview must stop because nobody has used it since `last_used`."""

    event: ClassVar = Event.STOP_REQUESTED
    reason: Reason
    last_used: float

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        stopped = dataclasses.replace(preview, restart_requested=False, last_used=self.last_used)
        return reasons.give(stopped, self.reason)


@dataclasses.dataclass(frozen=True)
class AgentLeaves:
    """The preview must leave its agent, which goes away; `again` if it starts elsewhere at once."""

    event: ClassVar = Event.STOP_REQUESTED
    reason: Reason
    again: bool

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        leaving = dataclasses.replace(
            preview, restart_requested=self.again, avoid_agent=preview.agent_id
        )
        return reasons.give(leaving, self.reason)


@dataclasses.dataclass(frozen=True)
class SettingsRead:
    """The commit's settings are known; `settings_for` is the settings_key of the app then."""

    event: ClassVar = Event.READ
    settings: CommitSettings
    settings_for: str

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return dataclasses.replace(preview, settings=self.settings, settings_for=self.settings_for)


@dataclasses.dataclass(frozen=True)
class Unfit:
    """The preview cannot start with its settings."""

    event: ClassVar = Event.UNFIT
    failure: Failure

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return _fail(preview, self.failure)


@dataclasses.dataclass(frozen=True)
class Launched:
    """An attempt was placed on an agent."""

    event: ClassVar = Event.LAUNCHED
    task_id: str
    agent_id: str
    agent_host: str
    host_port: int

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        launched = dataclasses.replace(
            preview,
            task_id=self.task_id,
            agent_id=self.agent_id,
            agent_host=self.agent_host,
            host_port=self.host_port,
            phase="",
            detail="",
            failure=None,
            started=None,
            protocol="",
            memory_kills=0,
            moved_from=volumes.find_left(preview, self.agent_id),
        )
        return reasons.give(launched, reasons.NONE)


@dataclasses.dataclass(frozen=True)
class NotLaunched:
    """The attempt could not be sent to Mesos."""

    event: ClassVar = Event.NOT_LAUNCHED
    reason: Reason

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return reasons.give(preview, self.reason)


@dataclasses.dataclass(frozen=True)
class Alive:
    """The task exists; `reason` is a problem with it, or NONE."""

    event: ClassVar = Event.ALIVE
    reason: Reason

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return reasons.give(preview, self.reason)


@dataclasses.dataclass(frozen=True)
class Reported:
    """The executor or Mesos reported, `at` that time, what the task does.

    `phase` is "" in a report of Mesos's own. `began` has how many seconds before `at` each step
    began.
    """

    event: Event
    at: float
    phase: str = ""
    detail: str = ""
    began: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        noted = steps.catch_up(preview, self.began, self.at)
        preview = dataclasses.replace(preview, steps=noted)
        if preview.state is State.DRAINING:
            return preview
        preview = reasons.give(preview, reasons.NONE)
        if self.event is Event.RUNS:
            return self._run(preview)
        if self.phase:
            return dataclasses.replace(preview, phase=self.phase, detail=self.detail)
        return preview

    def _run(self, preview: PreviewRecord) -> PreviewRecord:
        started = preview.started if preview.state is State.RUNNING else self.at
        return dataclasses.replace(
            preview, phase="running", detail="", retry_at=0.0, avoid_agent=None, started=started
        )


@dataclasses.dataclass(frozen=True)
class KilledByMesos:
    """Mesos kills the task for a reason of its own: the preview starts again elsewhere."""

    event: ClassVar = Event.LEAVES
    reason: Reason

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return reasons.give(dataclasses.replace(preview, restart_requested=True), self.reason)


@dataclasses.dataclass(frozen=True)
class Ended:
    """The task ended as it should; `wanted` if the preview starts again. Its reason stays."""

    wanted: bool

    @property
    def event(self) -> Event:
        return Event.ENDED_WANTED if self.wanted else Event.ENDED

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return dataclasses.replace(preview, restart_requested=False, phase="", detail="")


@dataclasses.dataclass(frozen=True)
class Failed:
    """The attempt failed, and every other attempt would fail in the same way."""

    event: ClassVar = Event.FAILED
    failure: Failure

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return _fail(preview, self.failure)


@dataclasses.dataclass(frozen=True)
class GivenUp:
    """The attempt was lost, the `count`th in a row: there is no other attempt."""

    event: ClassVar = Event.GIVEN_UP
    failure: Failure
    count: int

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        return _fail(dataclasses.replace(preview, consecutive_losses=self.count), self.failure)


@dataclasses.dataclass(frozen=True)
class TriedAgain:
    """The attempt was lost, the `count`th in a row; another one follows at `retry_at`.

    `event` is LOST, or CRASHED if the application had run. `avoid_agent` is the agent that the next
    attempt avoids.
    """

    event: Event
    count: int
    retry_at: float
    avoid_agent: str | None
    reason: Reason

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        again = dataclasses.replace(
            preview,
            consecutive_losses=self.count,
            retry_at=self.retry_at,
            avoid_agent=self.avoid_agent,
            phase="",
            detail="",
            started=None,
        )
        return reasons.give(again, self.reason)


Outcome = Failed | GivenUp | TriedAgain
"""What happens to a preview after its attempt ended by itself."""


@dataclasses.dataclass(frozen=True)
class AttemptEnded:
    """The current attempt ended `at` that time, with what becomes of the preview.

    The record keeps the attempt, with its `failure` if it ended by itself.
    """

    outcome: Outcome | Ended
    failure: Failure | None
    at: float

    @property
    def event(self) -> Event:
        return self.outcome.event

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        attempts = ended_attempts.note(preview, self.failure, self.at)
        return self.outcome.change(dataclasses.replace(preview, attempts=attempts))


@dataclasses.dataclass(frozen=True)
class SettingsNotRead:
    """The commit's settings cannot be used; `outcome` is what happens to the preview.

    The fields of its last attempt are cleared: they have nothing to do with this failure.
    """

    outcome: Outcome

    @property
    def event(self) -> Event:
        if isinstance(self.outcome, TriedAgain):
            return Event.UNREAD
        return Event.GIVEN_UP if isinstance(self.outcome, GivenUp) else Event.UNFIT

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        bare = dataclasses.replace(
            preview, task_id=None, host_port=None, phase="", detail="", settings=None
        )
        return self.outcome.change(bare)


def _usual_durations(preview: PreviewRecord, noted: tuple[Step, ...]) -> Mapping[str, float]:
    """Return how long the steps took; visitors never wait as long as a build ahead in the queue."""
    took = steps.durations(noted)
    return {name: took[name] for name in took if not (preview.ahead and name == State.QUEUED.value)}


def _renew(preview: PreviewRecord) -> PreviewRecord:
    """Return a preview without any trace of its earlier attempts."""
    renewed = dataclasses.replace(
        preview,
        phase="",
        detail="",
        failure=None,
        started=None,
        restart_requested=False,
        consecutive_losses=0,
        retry_at=0.0,
        avoid_agent=None,
    )
    return reasons.give(renewed, reasons.NONE)


def _fail(preview: PreviewRecord, failure: Failure) -> PreviewRecord:
    return reasons.give(dataclasses.replace(preview, failure=failure), reasons.NONE)
