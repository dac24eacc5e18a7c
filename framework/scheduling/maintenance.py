"""Leaves agents in time before their maintenance. Owned by the service's thread.

Mesos sends an inverse offer, shows operators who has accepted it, and takes the agent away in any
case.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.clock import Clock
from framework.ports import Cluster, InverseOffer
from framework.preview import keep_warm
from framework.scheduling.last_use import NEVER
from framework.state.records import Records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Leaves
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

AHEAD_SECONDS = 300.0
"""How long before its maintenance previews leave an agent: a build elsewhere may take minutes."""
LATELY_SECONDS = 900.0
"""A preview that was used within this time starts elsewhere at once; others when requested."""
HOLDS_SECONDS = 60.0
"""How long a window counts after its last inverse offer. Mesos repeats an inverse offer as long as
it is valid (every `framework.mesos.scheduler.INVERSE_SECONDS`), and does not report that an
accepted one is cancelled."""

_WITH_TASK = frozenset({State.PLACED, State.BUILDING, State.STARTING, State.RUNNING})


class Move(NamedTuple):
    """A preview that leaves its agent; `again` if it starts elsewhere at once."""

    preview: PreviewRecord
    again: bool
    reason: Reason


def moves(
    apps: Iterable[AppRecord],
    previews: Iterable[PreviewRecord],
    windows: Mapping[str, float],
    now: float,
) -> Iterator[Move]:
    """Return which previews must leave their agents now; `windows` has when agents go away.

    Times are seconds since the epoch.
    """
    going = {agent_id: start for agent_id, start in windows.items() if start - now <= AHEAD_SECONDS}
    if not going:
        return
    warm = {app.name for app in apps if keep_warm.is_warm(app.keep_warm, now)}
    for preview in previews:
        start = going.get(preview.agent_id or "")
        if start is None or preview.state not in _WITH_TASK:
            continue
        used = max(preview.last_used or NEVER, preview.started or NEVER)
        again = (
            preview.pinned
            or preview.app in warm
            or preview.state is not State.RUNNING
            or now - used < LATELY_SECONDS
        )
        yield Move(preview, again, _reason(start, again=again))


def _reason(start: float, *, again: bool) -> Reason:
    when = time.strftime("%H:%M UTC", time.gmtime(start))
    what = "it moves to another one" if again else "its address starts it on another one"
    text = f"Its agent goes into maintenance at {when}; {what}."
    return Reason(ReasonKind.MAINTENANCE, text)


class _Window(NamedTuple):
    offer_id: str
    start: float
    received: float


class Maintenance:
    """Remembers maintenance windows, accepts inverse offers, and leaves agents in time."""

    def __init__(self, records: Records, cluster: Cluster, clock: Clock) -> None:
        self._records = records
        self._cluster = cluster
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._unanswered: list[str] = []

    def clear(self) -> None:
        """Forget everything: the connection is gone. Mesos sends all of it again after the next."""
        self._windows.clear()
        self._unanswered.clear()

    def offered(self, offers: Sequence[InverseOffer]) -> None:
        """Take inverse offers."""
        for offer in offers:
            known = self._windows.get(offer.agent_id)
            if known is None or known.start != offer.start:
                log.info("an agent goes into maintenance", agent=offer.agent_id, at=offer.start)
            received = self._clock.monotonic()
            self._windows[offer.agent_id] = _Window(offer.id, offer.start, received)
            self._unanswered.append(offer.id)

    def rescinded(self, offer_id: str) -> None:
        """Forget an inverse offer; if the window was only changed, another one follows."""
        self._windows = {a: w for a, w in self._windows.items() if w.offer_id != offer_id}
        if offer_id in self._unanswered:
            self._unanswered.remove(offer_id)

    def reconcile(self) -> None:
        """Leave the agents that go away soon, and accept new inverse offers.

        Raises Unavailable, OutcomeUnknown; the next call does what was not done then.
        """
        latest = self._clock.monotonic() - HOLDS_SECONDS
        self._windows = {a: w for a, w in self._windows.items() if w.received >= latest}
        if self._windows:
            self._leave()
        if self._unanswered:
            self._cluster.accept_inverse(tuple(self._unanswered))
            self._unanswered.clear()

    def _leave(self) -> None:
        windows = {agent_id: window.start for agent_id, window in self._windows.items()}
        records = self._records
        previews = records.in_state(*_WITH_TASK)
        for move in tuple(moves(records.apps, previews, windows, self._clock.now())):
            leaves = Leaves(move.reason, move.preview.agent_id, again=move.again)
            records.change(move.preview, leaves)
