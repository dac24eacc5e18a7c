"""Who may still be sent to a task, or is still being served by it, after its placement is gone.

A task is killed, and its port given to another, only when every live proxy has applied the
placements without it and none has a request open that began before. A proxy that says nothing for
two seconds holds nobody up any longer: it serves from what it last knew, and finds the port closed.
Requests may take as long as an operator's limit says. A proxy that is gone holds nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from prevs.records import PlacementsRecord, PreviewRecord, ProxyRecord
from prevs.states import State

LIMIT_SECONDS = 2.0


class Withdrawal(NamedTuple):
    """A placement that proxies may not have let go of. `since` is in the service's seconds."""

    app: str
    version: int
    task_id: str
    host: str
    port: int
    since: float


def withdrawn(
    before: PlacementsRecord | None, after: PlacementsRecord, version: int, now: float
) -> list[Withdrawal]:
    """Return what the change from `before` to `after`, written as `version`, takes away."""
    kept = {p.task_id for p in after.placements.values()}
    gone = [p for p in before.placements.values() if p.task_id not in kept] if before else []
    return [Withdrawal(after.app, version, p.task_id, p.host, p.port, now) for p in gone]


def inherited(
    previews: Iterable[PreviewRecord],
    placements: Mapping[str, PlacementsRecord],
    versions: Mapping[str, int],
    now: float,
) -> list[Withdrawal]:
    """Return what a framework that has just begun must take for withdrawn, by what is stored.

    Whoever led before may have taken a placement away only a moment ago, at the latest with the
    version that is stored. That matters to tasks that are to be killed, and to any port.
    """
    found: list[Withdrawal] = []
    for preview in previews:
        if preview.state is State.RUNNING or not (preview.task_id and preview.agent_host):
            continue
        record = placements.get(preview.app)
        placed = record.placements.get(preview.sha) if record else None
        if (placed is None or placed.task_id != preview.task_id) and preview.app in versions:
            found.append(
                Withdrawal(
                    preview.app,
                    versions[preview.app],
                    preview.task_id,
                    preview.agent_host,
                    preview.host_port or 0,
                    now,
                )
            )
    return found


def still_held(
    withdrawals: Iterable[Withdrawal], proxies: Sequence[ProxyRecord], now: float, drain: float
) -> list[Withdrawal]:
    """Return those that hold up a kill and a port: `drain` is how long requests may go on."""
    holding: Collection[str] = frozenset(task for proxy in proxies for task in proxy.holding)
    return [
        w
        for w in withdrawals
        if (w.task_id in holding and now < w.since + drain)
        or (hurried(w, now) and any(p.applied.get(w.app, -1) < w.version for p in proxies))
    ]


def hurried(withdrawal: Withdrawal, now: float) -> bool:
    """Tell whether proxies are about to apply it, in milliseconds mostly."""
    return now < withdrawal.since + LIMIT_SECONDS
