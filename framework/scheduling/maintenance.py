"""Agents that operators will take away: agreed to, and left in time. Owned by the service's thread.

Mesos asks by an inverse offer, tells who has agreed, and takes the agent away in any case.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.clock import Clock
from framework.ports import Cluster, InverseOffer
from framework.preview import keep_warm
from framework.preview.reasons import Reason, ReasonKind
from framework.preview.transitions import AgentLeaves
from framework.state.records import Records
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

AHEAD_SECONDS = 300.0
"""How long before an agent goes its previews leave: a build elsewhere may take some minutes."""
LATELY_SECONDS = 900.0
"""What was used within this time starts elsewhere at once; the rest when it is asked for."""
HOLDS_SECONDS = 60.0
"""How long a window is believed after it was last told. Mesos repeats an inverse offer while it
holds (every `framework.mesos.scheduler.INVERSE_SECONDS`), and does not say that an accepted one is
off."""

_WITH_TASK = frozenset({State.PLACED, State.BUILDING, State.STARTING, State.RUNNING})


class Move(NamedTuple):
    """A preview that leaves its agent; `again` if it is to start elsewhere at once."""

    preview: PreviewRecord
    again: bool
    reason: Reason


def moves(
    apps: Iterable[AppRecord],
    previews: Iterable[PreviewRecord],
    windows: Mapping[str, float],
    now: float,
) -> Iterator[Move]:
    """Return what has to leave at `now` the agents that go away at the times in `windows`.

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
        used = max(preview.last_used or 0.0, preview.started or 0.0)
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
    heard: float


class Maintenance:
    """Remembers the windows that Mesos tells of, agrees to them, and acts when they come near."""

    def __init__(self, records: Records, cluster: Cluster, clock: Clock) -> None:
        self._records = records
        self._cluster = cluster
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._unanswered: list[str] = []

    def clear(self) -> None:
        """Forget everything: the link is gone, and the next one tells what still holds."""
        self._windows.clear()
        self._unanswered.clear()

    def offered(self, offers: Sequence[InverseOffer]) -> None:
        """Take inverse offers."""
        for offer in offers:
            known = self._windows.get(offer.agent_id)
            if known is None or known.start != offer.start:
                log.info("an agent goes into maintenance", agent=offer.agent_id, at=offer.start)
            heard = self._clock.monotonic()
            self._windows[offer.agent_id] = _Window(offer.id, offer.start, heard)
            self._unanswered.append(offer.id)

    def rescinded(self, offer_id: str) -> None:
        """Forget an inverse offer; where the window was merely changed, another one follows."""
        self._windows = {a: w for a, w in self._windows.items() if w.offer_id != offer_id}
        if offer_id in self._unanswered:
            self._unanswered.remove(offer_id)

    def reconcile(self) -> None:
        """Agree to what is asked, and leave the agents that go soon.

        Raises Unavailable, OutcomeUnknown; what was not done then is done the next time.
        """
        latest = self._clock.monotonic() - HOLDS_SECONDS
        self._windows = {a: w for a, w in self._windows.items() if w.heard >= latest}
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
            records.change(move.preview, AgentLeaves(move.reason, move.again))
