"""Indexes over all previews by app, state, label, task and as instances of variants.

A lookup costs O(result). What is typical of an app is computed again only after a change. No I/O.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Set
from itertools import chain
from types import MappingProxyType

from framework.preview import steps
from framework.units.lifecycle import WITH_TASK
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import Unit, preview_unit

_NOTHING: Mapping[Unit, PreviewRecord] = MappingProxyType({})


class PreviewIndex:
    """Every preview once, by unit, by app, by state, by label and by task.

    Those that are instances of variants of stacks are in an index of their own, too.
    """

    def __init__(self, previews: Iterable[PreviewRecord]) -> None:
        self._all: dict[Unit, PreviewRecord] = {}
        self._of_app: dict[str, dict[Unit, PreviewRecord]] = {}
        self._in_state: dict[State, dict[Unit, PreviewRecord]] = {state: {} for state in State}
        self._with_label: dict[tuple[str, str], dict[Unit, PreviewRecord]] = {}
        self._shared: dict[tuple[str, str], tuple[PreviewRecord, ...]] = {}
        self._of_task: dict[str, Unit] = {}
        self._instances: dict[Unit, PreviewRecord] = {}
        self._watched: dict[str, dict[Unit, PreviewRecord]] = {}
        self._places: Counter[tuple[str, int]] = Counter()
        self._typical_durations: Mapping[str, Mapping[str, float]] = {}
        self._stale_durations: set[str] = set()
        for preview in previews:
            self.put(preview)

    @property
    def all(self) -> Mapping[Unit, PreviewRecord]:
        """Every preview; changes with the index."""
        return self._all

    @property
    def shared(self) -> Mapping[tuple[str, str], tuple[PreviewRecord, ...]]:
        """The previews of each (app, label) that several previews hold; changes with the index."""
        return self._shared

    @property
    def instances(self) -> Mapping[Unit, PreviewRecord]:
        """The previews that are instances of variants of stacks; changes with the index."""
        return self._instances

    @property
    def places(self) -> Set[tuple[str, int]]:
        """Every (host, port) of a preview that may have a task; changes with the index."""
        return self._places.keys()

    @property
    def apps(self) -> Set[str]:
        """The name of every app that has previews; changes with the index."""
        return self._of_app.keys()

    def of_app(self, app: str) -> Collection[PreviewRecord]:
        """Return the previews of an app."""
        return tuple(self._of_app.get(app, _NOTHING).values())

    def in_state(self, *states: State) -> Collection[PreviewRecord]:
        """Return the previews in one of some states."""
        return tuple(chain.from_iterable(self._in_state[state].values() for state in states))

    def units_in_state(self, *states: State) -> Collection[tuple[Unit, PreviewRecord]]:
        """Return the same as `in_state`, each preview with its unit."""
        return tuple(chain.from_iterable(self._in_state[state].items() for state in states))

    def with_label(self, app: str, labels: Iterable[str]) -> Collection[PreviewRecord]:
        """Return the previews of an app that hold one of some labels, each once."""
        found: dict[Unit, PreviewRecord] = {}
        for label in labels:
            found |= self._with_label.get((app, label), _NOTHING)
        return tuple(found.values())

    def watched(self, app: str) -> Collection[PreviewRecord]:
        """Return the previews of an app that are made of a part of its repository."""
        return self._watched.get(app, _NOTHING).values()

    def find_watched(self) -> Mapping[str, Collection[PreviewRecord]]:
        """Return those of every app that has some."""
        return {app: tuple(found.values()) for app, found in self._watched.items() if found}

    def of_task(self, task_id: str) -> Unit | None:
        """Return the unit whose current attempt has that task; None if no attempt has it now."""
        return self._of_task.get(task_id)

    def counts(self) -> Mapping[State, int]:
        """Return how many previews are in each state."""
        return {state: len(previews) for state, previews in self._in_state.items()}

    def find_typical_durations(self) -> Mapping[str, Mapping[str, float]]:
        """Return the seconds that each step usually takes, of each app that has had some."""
        if self._stale_durations:
            new = {app: steps.typical_durations(self.of_app(app)) for app in self._stale_durations}
            self._typical_durations = {
                app: known for app, known in {**self._typical_durations, **new}.items() if known
            }
            self._stale_durations = set()
        return self._typical_durations

    def put(self, preview: PreviewRecord) -> None:
        """Add a preview, or replace the one of its unit."""
        unit = preview_unit(preview.app, preview.sha)
        before = self._all.get(unit)
        if before:
            self._leave(unit, before)
        if preview.step_seconds != (before.step_seconds if before else {}):
            self._stale_durations.add(preview.app)
        self._all[unit] = preview
        self._of_app.setdefault(preview.app, {})[unit] = preview
        self._in_state[preview.state][unit] = preview
        for label in preview.labels:
            holders = self._with_label.setdefault((preview.app, label), {})
            holders[unit] = preview
            if len(holders) > 1:
                self._shared[preview.app, label] = tuple(holders.values())
        if preview.instance:
            self._instances[unit] = preview
        if preview.settings is not None and preview.settings.watch:
            self._watched.setdefault(preview.app, {})[unit] = preview
        if preview.task_id and preview.state in WITH_TASK:
            self._of_task[preview.task_id] = unit
        for place in _places(preview):
            self._places[place] += 1

    def drop(self, unit: Unit) -> None:
        """Remove a preview, if there is one."""
        if before := self._all.pop(unit, None):
            self._leave(unit, before)
            if before.step_seconds:
                self._stale_durations.add(before.app)
            del self._of_app[before.app][unit]
            if not self._of_app[before.app]:
                del self._of_app[before.app]

    def _leave(self, unit: Unit, before: PreviewRecord) -> None:
        del self._in_state[before.state][unit]
        if before.instance:
            del self._instances[unit]
        if before.app in self._watched:
            self._watched[before.app].pop(unit, None)
        for label in set(before.labels):
            holders = self._with_label[before.app, label]
            holders.pop(unit, None)
            if not holders:
                del self._with_label[before.app, label]
            if self._shared:
                self._leave_shared(before.app, label)
        if before.task_id:
            self._of_task.pop(before.task_id, None)
        for place in _places(before):
            self._places[place] -= 1
            if not self._places[place]:
                del self._places[place]

    def _leave_shared(self, app: str, label: str) -> None:
        holders = self._with_label.get((app, label), _NOTHING)
        if len(holders) > 1:
            self._shared[app, label] = tuple(holders.values())
        else:
            self._shared.pop((app, label), None)


def _places(preview: PreviewRecord) -> Iterable[tuple[str, int]]:
    if preview.state in WITH_TASK and preview.agent_host:
        host = preview.agent_host
        return [(host, port) for port in preview.ports]
    return ()
