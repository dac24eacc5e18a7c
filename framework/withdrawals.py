"""Who may still be sent to a host and port, after its placement is gone.

A task is killed, and its port given to another, only when every live proxy has applied the
placements without it. A proxy that says nothing for two seconds holds nobody up any longer: it
serves from what it last knew, and finds the port closed.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prevs.records import PlacementsRecord, ProxyRecord

LIMIT_SECONDS = 2.0


class Withdrawal(NamedTuple):
    """A placement that proxies may not have let go of. `until` is in the service's seconds."""

    app: str
    version: int
    host: str
    port: int
    until: float


def withdrawn(
    before: PlacementsRecord | None, after: PlacementsRecord, version: int, now: float
) -> list[Withdrawal]:
    """Return what the change from `before` to `after`, written as `version`, takes away."""
    kept = {(p.host, p.port) for p in after.placements.values()}
    gone = [p for p in before.placements.values() if (p.host, p.port) not in kept] if before else []
    return [Withdrawal(after.app, version, p.host, p.port, now + LIMIT_SECONDS) for p in gone]


def still_held(
    withdrawals: Iterable[Withdrawal], proxies: Sequence[ProxyRecord], now: float
) -> list[Withdrawal]:
    """Return those that some proxy has not let go of, and whose limit has not passed."""
    return [
        withdrawal
        for withdrawal in withdrawals
        if now < withdrawal.until
        and any(p.applied.get(withdrawal.app, -1) < withdrawal.version for p in proxies)
    ]
