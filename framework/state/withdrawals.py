"""Withdrawn placements: proxies may still send requests to their tasks, or have open ones there.

A task is killed and its port reused only after every live proxy has applied placements without it,
and has no open request that began before. A proxy that has not applied them after two seconds is
no longer waited for: it uses the placements that it knows, and finds the port closed. Open requests
are waited for as long as an operator's limit allows. A proxy that is gone is not waited for.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from prevs.records import PlacementsRecord, PreviewRecord, ProxyRecord
from prevs.states import State

LIMIT_SECONDS = 2.0


class Withdrawal(NamedTuple):
    """A withdrawn placement that proxies may still use. `since` is on the monotonic clock."""

    app: str
    version: int
    task_id: str
    host: str
    ports: tuple[int, ...]
    since: float


def withdrawn(
    before: PlacementsRecord | None, after: PlacementsRecord, version: int, now: float
) -> list[Withdrawal]:
    """Return what the change from `before` to `after`, written as `version`, withdraws."""
    left = {p.task_id for p in after.placements.values()}
    gone = [p for p in before.placements.values() if p.task_id not in left] if before else []
    return [Withdrawal(after.app, version, p.task_id, p.host, p.ports, now) for p in gone]


def inherited(
    previews: Iterable[PreviewRecord],
    placements: Mapping[str, PlacementsRecord],
    versions: Mapping[str, int],
    now: float,
) -> list[Withdrawal]:
    """Return the withdrawals that a new leader must assume, from what is stored.

    The previous leader may have withdrawn a placement a moment ago, with the stored version at the
    latest. No task may be killed and no port reused before proxies have applied that version.
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
                    preview.ports,
                    now,
                )
            )
    return found


def still_held(
    withdrawals: Iterable[Withdrawal], proxies: Sequence[ProxyRecord], now: float, drain: float
) -> list[Withdrawal]:
    """Return the withdrawals that proxies still hold up; requests may continue for `drain`."""
    holding: Collection[str] = frozenset(task for proxy in proxies for task in proxy.holding)
    return [
        w
        for w in withdrawals
        if (w.task_id in holding and now < w.since + drain)
        or (is_awaited(w, now) and any(p.applied.get(w.app, -1) < w.version for p in proxies))
    ]


def is_awaited(withdrawal: Withdrawal, now: float) -> bool:
    """Return whether proxies will soon apply it, usually within milliseconds."""
    return now < withdrawal.since + LIMIT_SECONDS
