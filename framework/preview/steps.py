"""The steps of an attempt until it runs: when each begins, and how long it takes. No I/O.

Times are seconds since the epoch. A step ends when a later one begins. A step that an attempt does
not need, like the build of an image that exists already, is never noted.
"""

import itertools
import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prevs.records import PreviewRecord, Step
from prevs.states import Phase, State

RUNNING = "running"
STEPS = (
    State.QUEUED.value,
    State.PLACED.value,
    Phase.FETCHING.value,
    Phase.BUILDING.value,
    Phase.STARTING.value,
    Phase.CHECKING.value,
)
"""The steps that lead to running, in order."""

_ORDER = {name: position for position, name in enumerate((*STEPS, RUNNING))}
_UNDER_WAY = frozenset({State.QUEUED, State.PLACED, State.BUILDING, State.STARTING})
_ATTEMPTS = 10
"""How many attempts of an app the typical durations are taken from."""


class Interval(NamedTuple):
    """When a step began and ended; the current step has no end."""

    began: float
    ended: float | None


def begin(now: float) -> tuple[Step, ...]:
    """Return the steps of a preview that is queued for a new attempt."""
    return (Step(State.QUEUED.value, now),)


def note(preview: PreviewRecord, state: State, phase: str, now: float) -> tuple[Step, ...]:
    """Return the steps of `preview` after it got `state` and its executor reported `phase`.

    No step begins twice in an attempt, and none begins after a later one.
    """
    if state is State.QUEUED:
        return preview.steps if preview.state is State.QUEUED else begin(now)
    name = phase if state in (State.BUILDING, State.STARTING) else state.value
    return _add(preview.steps, Step(name, now))


def catch_up(preview: PreviewRecord, began: Mapping[str, float], now: float) -> tuple[Step, ...]:
    """Return the steps with missed ones added; each began `began[name]` seconds before `now`."""
    steps = preview.steps
    if preview.state in _UNDER_WAY:
        for name in (name for name in STEPS if name in began):
            earliest = steps[-1].began if steps else 0.0
            steps = _add(steps, Step(name, max(earliest, now - max(0.0, began[name]))))
    return steps


def _add(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    last = _ORDER.get(steps[-1].name, -1) if steps else -1
    return (*steps, step) if _ORDER.get(step.name, -1) > last else steps


def intervals(preview: PreviewRecord) -> Mapping[str, Interval]:
    """Return when each step of the current or last attempt began and ended, without running.

    No step ends before it began, even if the clock has gone back since.
    """
    found: dict[str, Interval] = {}
    end = None if preview.state in _UNDER_WAY else preview.changed
    for step in reversed(preview.steps):
        if step.name != RUNNING:
            found[step.name] = Interval(step.began, end if end is None else max(step.began, end))
        end = step.began
    return found


def durations(steps: tuple[Step, ...]) -> Mapping[str, float]:
    """Return how many seconds each finished step took."""
    return {a.name: max(0.0, b.began - a.began) for a, b in itertools.pairwise(steps)}


def typical_durations(previews: Iterable[PreviewRecord]) -> Mapping[str, float]:
    """Return how many seconds each step usually takes, from the previews of one app.

    That is the median over the attempts of the newest previews that have run. A step that none of
    them had is left out.
    """
    ran = sorted(
        (p for p in previews if p.step_seconds), key=lambda p: (p.created, p.sha), reverse=True
    )
    found: dict[str, float] = {}
    for name in STEPS:
        took = (p.step_seconds[name] for p in ran if name in p.step_seconds)
        if seconds := list(itertools.islice(took, _ATTEMPTS)):
            found[name] = statistics.median(seconds)
    return found
