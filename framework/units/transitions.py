"""The events that happen to previews and jobs alike, as values, and which fields each one changes.

framework.units.lifecycle defines which event is legal in which state. Each class below is one event
with its data. Its `change` returns the record with the fields that the event changes, in the old
state; `follow` in preview/ and in jobs/ then sets what every event changes. What happens to
previews or to jobs alone is there. tests/data/transitions.json and job_transitions.json list the
changes for each event and state. Pure; times are seconds since the epoch.
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, Generic, Protocol, TypeVar

from framework.units import ended_attempts, reasons
from framework.units.lifecycle import Event, is_ending
from framework.units.reasons import Reason
from prevs.jobs import NO_PROGRESS, JobRecord
from prevs.records import EndedAttempt, Failure, PreviewRecord

_Unit = TypeVar("_Unit", PreviewRecord, JobRecord)


class Transition(Protocol[_Unit]):
    """Something that happens to a unit."""

    @property
    def event(self) -> Event:
        """The event of the lifecycle's table."""

    def change(self, unit: _Unit, /) -> _Unit:
        """Return the unit with the fields that the event changes, in its old state."""


@dataclasses.dataclass(frozen=True)
class Stopped:
    """The unit must stop, and does not start again; without a `reason` it keeps its present one."""

    event: ClassVar = Event.STOP_REQUESTED
    reason: Reason | None

    def change(self, unit: _Unit) -> _Unit:
        stopped = dataclasses.replace(unit, starts_again=False)
        return stopped if self.reason is None else reasons.give(stopped, self.reason)


@dataclasses.dataclass(frozen=True)
class Leaves:
    """The attempt must end where it is: others need the agent, or the room that it takes there.

    The unit starts `again` by itself, or else when it is requested, and not on `avoid_agent` if
    possible. One that is ending already keeps what was ordered first.
    """

    event: ClassVar = Event.LEAVES
    reason: Reason
    avoid_agent: str | None = None
    again: bool = True

    def change(self, unit: _Unit) -> _Unit:
        if is_ending(unit.state):
            return unit
        leaving = dataclasses.replace(unit, starts_again=self.again, avoid_agent=self.avoid_agent)
        return reasons.give(leaving, self.reason)


@dataclasses.dataclass(frozen=True)
class Launched:
    """An attempt was placed on an agent: a preview's at ports, a job's on `revocable` CPUs or not.

    A job's may be `beside` a preview's task. Nothing is left of what the attempt before it had.
    """

    event: ClassVar = Event.LAUNCHED
    task_id: str
    agent_id: str
    agent_host: str
    host_port: int | None = None
    revocable: bool = False
    moved_from: str = ""
    beside: str = ""
    service_ports: Mapping[str, int] = dataclasses.field(default_factory=dict)
    data: str = ""
    data_began: float = 0.0
    seed: str = ""
    seed_began: float = 0.0

    def change(self, unit: _Unit) -> _Unit:
        launched = dataclasses.replace(
            unit,
            task_id=self.task_id,
            agent_id=self.agent_id,
            agent_host=self.agent_host,
            phase="",
            detail="",
            failure=None,
            reason="",
            reason_kind="",
        )
        if isinstance(launched, JobRecord):
            return dataclasses.replace(
                launched,
                revocable=self.revocable,
                beside=self.beside,
                tries=launched.tries + 1,
                exit_code=None,
                began=None,
                progress=NO_PROGRESS,
            )
        return dataclasses.replace(
            launched,
            host_port=self.host_port,
            service_ports=self.service_ports,
            started=None,
            protocol="",
            memory_kills=0,
            moved_from=self.moved_from,
            data=self.data,
            data_began=self.data_began,
            seed=self.seed,
            seed_began=self.seed_began,
        )


@dataclasses.dataclass(frozen=True)
class NotLaunched:
    """The attempt could not be sent to Mesos; it does not count as a try of a job."""

    event: ClassVar = Event.NOT_LAUNCHED
    reason: Reason

    def change(self, unit: _Unit) -> _Unit:
        if isinstance(unit, JobRecord):
            unit = dataclasses.replace(unit, tries=unit.tries - 1)
        return reasons.give(unit, self.reason)


@dataclasses.dataclass(frozen=True)
class Alive:
    """The task exists; `reason` is a problem with it, or NONE."""

    event: ClassVar = Event.ALIVE
    reason: Reason

    def change(self, unit: _Unit) -> _Unit:
        return reasons.give(unit, self.reason)


@dataclasses.dataclass(frozen=True)
class Failed:
    """The unit fails, and there is no other attempt.

    `event` is FAILED, UNFIT if it has not even begun, or GIVEN_UP after too many losses or too long
    a time. `losses` is how many there were in a row, if that is new.
    """

    failure: Failure
    event: Event = Event.FAILED
    losses: int | None = None

    def change(self, unit: _Unit) -> _Unit:
        losses = unit.consecutive_losses if self.losses is None else self.losses
        failed = dataclasses.replace(
            unit, failure=self.failure, consecutive_losses=losses, reason="", reason_kind=""
        )
        if isinstance(failed, JobRecord):
            return dataclasses.replace(
                failed, phase="", detail="", starts_again=False, exit_code=self.failure.exit_code
            )
        # Its page shows how far it has come.
        return failed


@dataclasses.dataclass(frozen=True)
class Again:
    """Another attempt follows, at `retry_at` at the earliest, and not on `avoid_agent` if possible.

    `event` is LOST, or TRIED_AGAIN if the application failed. The counts are the `losses` in a row
    and, of a job, its `failures` so far.
    """

    event: Event
    losses: int
    retry_at: float
    avoid_agent: str | None
    reason: Reason
    failures: int = 0

    def change(self, unit: _Unit) -> _Unit:
        again = dataclasses.replace(
            unit,
            consecutive_losses=self.losses,
            retry_at=self.retry_at,
            avoid_agent=self.avoid_agent,
            phase="",
            detail="",
            reason=self.reason.text,
            reason_kind=self.reason.kind.value,
        )
        if isinstance(again, JobRecord):
            return dataclasses.replace(again, failures=self.failures)
        return dataclasses.replace(again, started=None)


@dataclasses.dataclass(frozen=True)
class Ended:
    """The attempt ended as it should; `wanted` if the unit starts again. Its reason stays."""

    wanted: bool

    @property
    def event(self) -> Event:
        return Event.ENDED_WANTED if self.wanted else Event.ENDED

    def change(self, unit: _Unit) -> _Unit:
        return dataclasses.replace(unit, starts_again=False, phase="", detail="")


@dataclasses.dataclass(frozen=True)
class AttemptEnded(Generic[_Unit]):
    """The current attempt ended `at` that time, with what becomes of the unit.

    The record keeps the attempt (`find_ended`), with its `failure` if it ended by itself and
    without success.
    """

    outcome: Transition[_Unit]
    failure: Failure | None
    at: float

    @property
    def event(self) -> Event:
        return self.outcome.event

    def change(self, unit: _Unit) -> _Unit:
        if isinstance(unit, JobRecord) and self.failure:
            unit = dataclasses.replace(unit, exit_code=self.failure.exit_code)
        return self.outcome.change(unit)


def find_ended(unit: _Unit, transition: Transition[_Unit]) -> tuple[EndedAttempt, ...]:
    """Return the ended attempts that a unit has after a transition."""
    if isinstance(transition, AttemptEnded):
        return ended_attempts.note(unit, transition.failure, transition.at)
    return unit.attempts
