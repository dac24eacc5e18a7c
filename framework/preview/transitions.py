"""The events that happen to previews alone, and what every event changes in a preview.

framework.units.transitions has those of all units, and says how they are written.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import ClassVar

from framework.preview import steps
from framework.units import lifecycle, reasons
from framework.units.lifecycle import Event
from framework.units.reasons import Reason
from framework.units.transitions import Again, Failed, Transition, find_ended
from prevs.commit_settings import CommitSettings
from prevs.records import DataPlace, PreviewRecord, Step
from prevs.states import State


def follow(
    preview: PreviewRecord,
    transition: Transition[PreviewRecord],
    now: float,
    *,
    contested: Collection[str] = (),
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
        changed = _note_data(changed, now)
        took = {**took, **_usual_durations(changed, noted)}
    elif preview.state is State.RUNNING:
        labels = tuple(label for label in labels if label not in contested)
    return dataclasses.replace(
        changed,
        state=state,
        steps=noted,
        changed=now,
        step_seconds=took,
        labels=labels,
        attempts=find_ended(preview, transition),
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
            preview = reasons.give(dataclasses.replace(preview, starts_again=True), reasons.NONE)
        return dataclasses.replace(
            preview,
            last_used=preview.last_used if self.ahead else self.at,
            refs=self.refs,
            stranger=self.stranger,
            ahead=self.ahead,
        )


def request_new(app: str, sha: str, requested: Requested) -> PreviewRecord:
    """Return the record of a preview that was never requested before."""
    now, ahead = requested.at, requested.ahead
    new = PreviewRecord(
        app=app,
        sha=sha,
        stranger=requested.stranger,
        state=State.QUEUED,
        created=now,
        changed=now,
        last_used=None if ahead else now,
        steps=steps.begin(now),
        refs=requested.refs,
        ahead=ahead,
    )
    return reasons.give(new, reasons.AHEAD if ahead else reasons.NONE)


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
class StoppedIdle:
    """The preview must stop because nobody has used it since `last_used`."""

    event: ClassVar = Event.STOP_REQUESTED
    reason: Reason
    last_used: float

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        stopped = dataclasses.replace(preview, starts_again=False, last_used=self.last_used)
        return reasons.give(stopped, self.reason)


@dataclasses.dataclass(frozen=True)
class SettingsRead:
    """The commit's settings are known; `settings_for` is the settings_key of the app then."""

    event: ClassVar = Event.READ
    settings: CommitSettings
    settings_for: str

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        before, now = preview.settings, self.settings
        is_as_before = before is not None and before.watch == now.watch
        same = preview.same if is_as_before else ()  # what was the same may not be so any more
        return dataclasses.replace(preview, settings=now, settings_for=self.settings_for, same=same)


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
class SettingsNotRead:
    """The commit's settings cannot be used; `outcome` is what happens to the preview.

    The fields of its last attempt are cleared: they have nothing to do with this failure.
    """

    outcome: Failed | Again

    @property
    def event(self) -> Event:
        if isinstance(self.outcome, Again):
            return Event.UNREAD
        return Event.GIVEN_UP if self.outcome.event is Event.GIVEN_UP else Event.UNFIT

    def change(self, preview: PreviewRecord) -> PreviewRecord:
        bare = dataclasses.replace(
            preview,
            task_id=None,
            host_port=None,
            service_ports={},
            phase="",
            detail="",
            settings=None,
        )
        return self.outcome.change(bare)


def _note_data(preview: PreviewRecord, now: float) -> PreviewRecord:
    """Return a preview that begins to run, with where the data of its branch are."""
    if not preview.data:
        return preview
    agent_id, host = preview.agent_id or "", preview.agent_host or ""
    place = DataPlace(agent_id, host, now, began=preview.data_began)
    return dataclasses.replace(preview, data_places={**preview.data_places, preview.data: place})


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
        starts_again=False,
        consecutive_losses=0,
        retry_at=0.0,
        avoid_agent=None,
    )
    return reasons.give(renewed, reasons.NONE)
