"""Which queued previews may have an offer, in which order, and why others may not. No I/O."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from framework.lifecycle import WITH_TASK
from framework.matching import Demand, Key
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

PATIENCE_SECONDS = 1.0
"""How long a preview waits for the agent that has its image: less than most builds take."""


class Waiting(NamedTuple):
    """Who may be placed, first come first served, and for the others the reason."""

    demands: tuple[Demand, ...]
    held_back: Mapping[Key, str]


def waiting(apps: Iterable[AppRecord], previews: Iterable[PreviewRecord], now: float) -> Waiting:
    """Return what waits at `now` (seconds since the epoch)."""
    settings = {app.name: app for app in apps}
    previews = tuple(previews)
    held = {
        name: sum(p.app == name and p.state in WITH_TASK for p in previews) for name in settings
    }
    queued = sorted(
        # One whose last attempt ended by itself says so itself, until it is tried again.
        (p for p in previews if p.state is State.QUEUED and p.not_before <= now),
        key=lambda p: (p.changed, p.created, p.sha),
    )
    demands: list[Demand] = []
    held_back: dict[Key, str] = {}
    for preview in queued:
        app = settings.get(preview.app)
        if app is None:
            held_back[preview.app, preview.sha] = "The settings of its app cannot be read."
        elif held[app.name] >= app.max_previews:
            held_back[preview.app, preview.sha] = (
                f"{app.name} has {app.max_previews} previews already, which is its max_previews. "
                "Stop one, or raise the limit."
            )
        else:
            held[app.name] += 1
            demands.append(_demand(app, preview, previews, now))
    return Waiting(tuple(demands), held_back)


def _demand(
    app: AppRecord, preview: PreviewRecord, previews: Iterable[PreviewRecord], now: float
) -> Demand:
    return Demand(
        app=app.name,
        sha=preview.sha,
        cpus=app.cpus,
        mem=app.mem,
        home=preview.agent_id,
        known=frozenset(p.agent_id for p in previews if p.app == app.name and p.agent_id),
        patient=preview.lost == 0 and now - preview.changed < PATIENCE_SECONDS,
    )
