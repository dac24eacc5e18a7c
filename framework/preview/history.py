"""Recent events, in sentences for people. Pure: compares one snapshot with the next.

A change that is undone between two snapshots does not appear.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from framework.gates import gate_sentences
from framework.preview import job_changes, schedule_changes, stale_refs
from framework.preview.reason_clauses import give_reason
from framework.preview.shared_map import SharedMap
from framework.stacks import stack_changes
from framework.trust import RecordKind, RefusedRecords
from prevs import event_kinds, names
from prevs.event_kinds import PREVIEW, EventKind
from prevs.gates import GateRecord
from prevs.jobs import JobRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.schedules import ScheduleRecord
from prevs.stacks import StackRecord
from prevs.states import State
from prevs.units import Unit

KEPT = 1000
_OF_REFUSED = {
    RecordKind.GATE: event_kinds.GATE,
    RecordKind.STACK: event_kinds.STACK,
    RecordKind.ACCESS: event_kinds.APP,
}

K = TypeVar("K")
T = TypeVar("T")


class ActivityEvent(NamedTuple):
    """Something that happened at `at` (epoch seconds), and a sentence that describes it.

    `type` is PREVIEW or the name of one of `event_kinds.TYPES`, whose `subject` it has; fields of a
    preview are None for all others. `state` is None for a preview whose record was removed,
    `before` is None for a new preview. `instance` is the label of a preview that is an instance of
    a variant.
    """

    id: str
    at: float
    type: str
    app: str
    sha: str | None
    label: str | None
    state: State | None
    before: State | None
    sentence: str
    task_id: str | None
    subject: str | None = None
    instance: str = ""

    @property
    def kind(self) -> str:
        """The name of its kind, which receivers choose."""
        if self.type != PREVIEW:
            return self.type
        if self.state is None:
            return event_kinds.FORGOTTEN.name
        return event_kinds.PIN.name if self.state is self.before else self.state.value


class History(NamedTuple):
    """The last KEPT events, the oldest first, of `total` since this framework leads.

    `leader_token` marks the events of one leader; a new leader begins with an empty history.
    """

    leader_token: str
    total: int = 0
    events: tuple[ActivityEvent, ...] = ()

    @property
    def last(self) -> str:
        """The id of the last event; it exists before the first event too."""
        return f"{self.leader_token}-{self.total}"

    def last_of(self, sees: Callable[[str], bool]) -> str:
        """Return the id of the last kept event of the apps that somebody `sees`."""
        return next(
            (one.id for one in reversed(self.events) if sees(one.app)), f"{self.leader_token}-0"
        )

    def after(self, last: str) -> Sequence[ActivityEvent] | None:
        """Return the events after the one with the id `last`; None if that id is unknown."""
        place = self._find(last)
        first = self.total - len(self.events)
        if place is None or not first <= place <= self.total:
            return None
        return self.events[place - first :]

    def before(self, last: str) -> Sequence[ActivityEvent] | None:
        """Return the kept events before the one with the id `last`; None if that id is unknown."""
        place = self._find(last)
        if place is None or place > self.total:
            return None
        return self.events[: max(0, place - 1 - (self.total - len(self.events)))]

    def _find(self, event_id: str) -> int | None:
        token, _, number = event_id.rpartition("-")
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        return int(number) if token == self.leader_token and is_number else None


class Snapshot(Protocol):
    """All apps, previews, jobs, schedules, gates and stacks at one moment."""

    @property
    def apps(self) -> Mapping[str, AppRecord]:
        """Return every app, by name."""
        ...

    @property
    def previews(self) -> Mapping[Unit, PreviewRecord]:
        """Return every preview, by its unit."""
        ...

    @property
    def jobs(self) -> Mapping[tuple[str, str], JobRecord]:
        """Return every job that is in no block, by app and id."""
        ...

    @property
    def schedules(self) -> Mapping[tuple[str, str], ScheduleRecord]:
        """Return every schedule, by app and name."""
        ...

    @property
    def gates(self) -> Mapping[str, GateRecord]:
        """Return every gate, by name."""
        ...

    @property
    def stacks(self) -> Mapping[str, StackRecord]:
        """Return every stack, by name."""
        ...

    @property
    def refused(self) -> RefusedRecords:
        """Return the records that none of our tokens has signed."""
        ...


class _Change(NamedTuple):
    app: str
    sentence: str
    before: PreviewRecord | None = None
    now: PreviewRecord | None = None
    kind: EventKind = event_kinds.APP
    subject: str | None = None


def note(history: History, before: Snapshot, now: Snapshot, at: float) -> History:
    """Return the history with the changes from one snapshot to the next, which happened at `at`.

    Records are compared by identity: ten thousand take one or two milliseconds.
    """
    changes = (
        *_find_app_changes(before, now),
        *_find_preview_changes(before, now),
        *_find_job_changes(before, now),
        *_find_schedule_changes(before, now),
        *_find_gate_changes(before, now),
        *_find_stack_changes(before, now),
        *_find_refused(before, now),
    )
    if not changes:
        return history
    added = (
        _make_event(change, f"{history.leader_token}-{number}", at)
        for number, change in enumerate(changes, history.total + 1)
    )
    return History(
        history.leader_token, history.total + len(changes), (*history.events, *added)[-KEPT:]
    )


def _make_event(change: _Change, event_id: str, at: float) -> ActivityEvent:
    shown = change.now or change.before
    return ActivityEvent(
        id=event_id,
        at=at,
        type=PREVIEW if shown else change.kind.name,
        app=change.app,
        sha=shown.sha if shown else None,
        label=_find_label(shown, change.before) if shown else None,
        state=change.now.state if change.now else None,
        before=change.before.state if change.before else None,
        sentence=change.sentence,
        task_id=shown.task_id if shown else None,
        subject=change.subject,
        instance=shown.instance if shown else "",
    )


def _find_app_changes(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    changed, gone = _compare(before.apps, now.apps)
    for app in gone:
        yield _Change(app.name, f"app {app.name} was removed")
    for old, app in changed:
        if old is None:
            yield _Change(app.name, f"app {app.name} was added")
        elif settings := _name_changes(old, app):
            yield _Change(app.name, f"app {app.name} was changed: {settings}")


def _find_preview_changes(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    changed, gone = _compare(before.previews, now.previews)
    for preview in gone:
        # The removal of an app removes its previews; no event for each of them.
        if preview.app in now.apps:
            why = "no variant has it" if preview.instance else "no branch or tag leads to it"
            removed = f"{_name(preview, None)} was forgotten: {why} any more"
            yield _Change(preview.app, removed, before=preview)
    for old, preview in sorted(changed, key=lambda pair: pair[1].changed):
        if sentence := _describe_change(old, preview):
            yield _Change(preview.app, sentence, old, preview)


def _find_job_changes(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    # What is gone was removed with its app, or is in a block.
    was, jobs = before.jobs, now.jobs
    if isinstance(was, SharedMap) and isinstance(jobs, SharedMap):
        was, jobs = jobs.compare(was)
    changed, _ = _compare(was, jobs)
    changed = sorted(changed, key=lambda pair: (pair[1].changed, pair[1].id))
    for app, sentence, job in job_changes.describe(changed):
        if app in now.apps:
            yield _Change(app, sentence, kind=event_kinds.JOB, subject=job.id)


def _find_schedule_changes(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    changed, _ = _compare(before.schedules, now.schedules)
    for app, sentence, name in schedule_changes.describe(changed):
        if app in now.apps:
            yield _Change(app, sentence, kind=event_kinds.SCHEDULE, subject=name)


def _find_gate_changes(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    for app, sentence, name in gate_sentences.describe(*_compare(before.gates, now.gates)):
        if app in now.apps:
            yield _Change(app, sentence, kind=event_kinds.GATE, subject=name)


def _find_stack_changes(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    for app, sentence, name in stack_changes.describe(*_compare(before.stacks, now.stacks)):
        if app in now.apps:
            yield _Change(app, sentence, kind=event_kinds.STACK, subject=name)


def _find_refused(before: Snapshot, now: Snapshot) -> Iterator[_Change]:
    for one, known in now.refused.items():
        if one not in before.refused and known.app in now.apps:
            kind = _OF_REFUSED[known.kind]
            subject = known.name if kind.subject else None
            yield _Change(known.app, known.describe(), kind=kind, subject=subject)


def _compare(
    before: Mapping[K, T], now: Mapping[K, T]
) -> tuple[Sequence[tuple[T | None, T]], Sequence[T]]:
    """Return (each new or replaced object with the one before it, the removed objects)."""
    if before is now:
        return (), ()
    known = before.get
    changed = [(old, one) for key, one in now.items() if (old := known(key)) is not one]
    new = sum(old is None for old, _ in changed)
    if len(before) + new == len(now):
        return changed, ()
    return changed, [one for key, one in before.items() if key not in now]


def _name_changes(before: AppRecord, now: AppRecord) -> str:
    """Return the names of the settings that differ."""
    settings = (field.name for field in dataclasses.fields(AppRecord))
    return ", ".join(name for name in settings if getattr(now, name) != getattr(before, name))


def _describe_change(before: PreviewRecord | None, now: PreviewRecord) -> str | None:
    """Return what happened to a preview; None if nothing worth an event did."""
    if before is None or before.state is not now.state:
        return f"{_name(now, before)} {_describe_state(before, now)}"
    if before.pinned is not now.pinned:
        return f"{_name(now, before)} {'was pinned' if now.pinned else 'is no longer pinned'}"
    return None


def _describe_state(before: PreviewRecord | None, now: PreviewRecord) -> str:
    place = f" on {now.agent_host}" if now.agent_host else ""
    match now.state:
        case State.QUEUED:
            return _describe_queued(before, now)
        case State.PLACED:
            return f"was placed{place}"
        case State.BUILDING:
            return f"is being built{place}"
        case State.STARTING:
            return f"starts{place}"
        case State.RUNNING:
            return f"runs{place}"
        case State.DRAINING:
            return f"is being stopped{give_reason(now.reason)}"
        case State.STOPPED:
            return f"stopped{give_reason(now.reason)}"
        case State.FAILED:
            return f"failed{give_reason(now.why)}"


def _describe_queued(before: PreviewRecord | None, now: PreviewRecord) -> str:
    if before is None:
        return f"was requested{give_reason(now.reason)}"
    if before.state is State.STOPPED:
        return f"was requested again{give_reason(now.reason)}"
    if before.state is State.FAILED:
        return "is tried again"
    return f"starts again{give_reason(now.reason)}"


def _name(preview: PreviewRecord, before: PreviewRecord | None) -> str:
    short = names.short(preview.commit)
    label = _find_label(preview, before)
    if label is None or stale_refs.is_own_commit(preview, label):
        return f"{short} of {preview.app}"
    return f"{label} of {preview.app} ({short})"


def _find_label(preview: PreviewRecord, before: PreviewRecord | None) -> str | None:
    """Return the newest label; if the preview lost all of them, the newest that it had."""
    labels = preview.labels or (before.labels if before else ())
    return labels[-1] if labels else None
