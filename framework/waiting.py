"""Which queued previews may have an offer, in which order, and why others may not. No I/O."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from framework.matching import Demand, Key
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

PATIENCE_SECONDS = 1.0
"""How long a preview waits for the agent that has its image: less than most builds take."""
UNREADABLE = "The settings of its app cannot be read."


class Waiting(NamedTuple):
    """Who may be placed, first come first served, and for some of the others the reason.

    One that waits after a loss for its next attempt has a reason already, which stays.
    """

    demands: tuple[Demand, ...]
    held_back: Mapping[Key, str]


def waiting(
    apps: Mapping[str, AppRecord], previews: Iterable[PreviewRecord], now: float
) -> Waiting:
    """Return what waits at `now` (seconds since the epoch)."""
    previews = tuple(previews)
    queued = _queue(previews)
    known = _known(previews, {preview.app for preview in queued})
    demands: list[Demand] = []
    held_back: dict[Key, str] = {}
    for preview in queued:
        app = apps.get(preview.app)
        if app is None:
            held_back[preview.app, preview.sha] = UNREADABLE
        elif preview.not_before <= now:
            demands.append(_demand(app, preview, known[app.name], now))
    return Waiting(tuple(demands), held_back)


def places(previews: Iterable[PreviewRecord]) -> Mapping[Key, int]:
    """Return the place in the queue of everybody who waits, 1 being the next."""
    return {(p.app, p.sha): place for place, p in enumerate(_queue(previews), 1)}


def _queue(previews: Iterable[PreviewRecord]) -> list[PreviewRecord]:
    return sorted(
        (p for p in previews if p.state is State.QUEUED),
        key=lambda p: (p.changed, p.created, p.app, p.sha),
    )


def _known(previews: Iterable[PreviewRecord], apps: set[str]) -> Mapping[str, frozenset[str]]:
    """Return the agents on which each of `apps` was last built."""
    agents: defaultdict[str, set[str]] = defaultdict(set)
    if apps:
        for preview in previews:
            if preview.app in apps and preview.agent_id:
                agents[preview.app].add(preview.agent_id)
    return defaultdict(frozenset, {app: frozenset(ids) for app, ids in agents.items()})


def _demand(app: AppRecord, preview: PreviewRecord, known: frozenset[str], now: float) -> Demand:
    return Demand(
        app=app.name,
        sha=preview.sha,
        cpus=app.cpus,
        mem=app.mem,
        home=preview.agent_id,
        known=known,
        patient=preview.lost == 0 and now - preview.changed < PATIENCE_SECONDS,
        constraints=app.constraints,
        avoid=preview.avoid,
        since=preview.changed,
    )
