"""Decides when a part is started, given up and started again. Pure.

waiting ─► starting ─► ready
   ▲           │         │     it has a problem, or isn't ready in time:
   └───────────┴─────────┘     waiting again, each time longer
"""

import dataclasses
import enum
from collections.abc import Collection, Mapping

START_LIMIT = 90.0  # seconds in which a part must get ready or show progress
LONGEST_START = 1800.0  # seconds that a part which shows progress may take to get ready
SLOW_START = 30.0  # seconds after which one that is not ready is called slow
STEP = 10.0
"""CPU seconds that count as progress. A part that waits in vain uses far less in START_LIMIT, even
on a machine that is twenty times slower."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STEADY = 60.0  # seconds of being ready after which earlier problems no longer count


class Phase(enum.Enum):
    """The phase of a part."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"


class Action(enum.Enum):
    """What to do with a part now."""

    NOTHING = "nothing"
    START = "start"
    STOP = "stop"


@dataclasses.dataclass(frozen=True)
class PartState:
    """`since`, `moved` and `not_before` are monotonic seconds; `failures` counts the recent ones.

    `restarts` counts all of them. `moved` is when it last made progress, having used `used` CPU
    seconds by then. `late` is True if its problem is that it did not get ready in time.
    """

    phase: Phase = Phase.WAITING
    since: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    restarts: int = 0
    problem: str = ""
    moved: float = 0.0
    used: float = 0.0
    late: bool = False


def advance(
    state: PartState,
    *,
    needs_met: bool,
    ready: bool,
    problem: str | None,
    now: float,
    used: float = 0.0,
) -> tuple[PartState, Action]:
    """Return a part's next state, and what to do now.

    `used` is how many CPU seconds it has used since its start.
    """
    if state.phase is Phase.WAITING:
        if not needs_met or now < state.not_before:
            return state, Action.NOTHING
        begun = dataclasses.replace(state, phase=Phase.STARTING, since=now, moved=now, used=0.0)
        return begun, Action.START
    if problem is None and state.phase is Phase.STARTING:
        if ready:
            changed = dataclasses.replace(state, phase=Phase.READY, since=now, problem="")
            return changed, Action.NOTHING
        if used - state.used >= STEP:
            state = dataclasses.replace(state, moved=now, used=used)
        if now - state.moved > START_LIMIT or now - state.since > LONGEST_START:
            problem = f"was not ready after {now - state.since:.0f} s"
            return failed(state, problem, now, late=True), Action.STOP
    if problem is None:
        return state, Action.NOTHING
    return failed(state, problem, now), Action.STOP


def is_slow(state: PartState, now: float) -> bool:
    """Return whether a part is still starting after SLOW_START."""
    return state.phase is Phase.STARTING and now - state.since > SLOW_START


def failed(state: PartState, problem: str, now: float, *, late: bool = False) -> PartState:
    """Return the state of a failed part: it waits, longer after each failure in a row."""
    steady = state.phase is Phase.READY and now - state.since > _STEADY
    failures = 1 if steady else state.failures + 1
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures - 1, 10))
    return PartState(
        since=now,
        not_before=now + pause,
        failures=failures,
        restarts=state.restarts + 1,
        problem=problem,
        late=late,
    )


def clear_failures(state: PartState) -> PartState:
    """Return the state of a part that somebody holds down: its end does not count as a failure."""
    if state.phase is not Phase.WAITING:
        return state
    return dataclasses.replace(state, not_before=0.0, failures=0)


def stop_order(needs: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Return the groups of parts in the order of stopping them; a group may stop at once.

    A part stops after all parts that need it. A need that is not among the parts is ignored.
    """
    left = dict(needs)
    order = []
    while left:
        group = [name for name in left if not any(name in left[other] for other in left)]
        if not group:
            raise ValueError(f"the parts need each other in a circle: {sorted(left)}")
        order.append(group)
        for name in group:
            del left[name]
    return order
