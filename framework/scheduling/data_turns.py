"""Lets the newest commit of a branch have its data: the older one stops. Service thread only.

The newer one is built while the older one serves, if the agent with the data has room for both. Its
executor waits until the data are let go (executor/data/turn.py), so that nothing here is late.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from framework.clock import Clock
from framework.matching.match import Match, Rank
from framework.matching.refusals import Shortage
from framework.preview import branch_data, volumes
from framework.state.records import Records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Leaves, Stopped
from prevs import names
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import Unit

ROOM_SECONDS = 15.0
"""How long a preview may wait for room before the older one, whose data it goes on with, stops. All
agents offer what they have every 10 s while previews wait."""
HEADS = 10
"""For how many that wait older ones stop in one turn."""
_NEEDS_ROOM = frozenset({Shortage.HOME, Shortage.SLOT, Shortage.APP_SLOT})


class Given(NamedTuple):
    """What data a preview has: those of a branch, "" for its own, and when they began.

    New ones begin with those of the branch `seed`, which began at `seed_began`. `left` is the host
    of the agent that has what it leaves behind, "" if it leaves nothing.
    """

    branch: str = ""
    began: float = 0.0
    seed: str = ""
    seed_began: float = 0.0
    left: str = ""


class DataTurns:
    """Finds which branch's data a preview has, where they are, and who lets go of them."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._unfit: set[str] = set()

    def find(self, preview: PreviewRecord, agent_id: str) -> Given:
        """Return what data a preview has if it starts on an agent."""
        branch = self._find_branch(preview)
        previews = self._records.of_app(preview.app) if branch else ()
        left = volumes.find_left(volumes.find_keeper(preview, branch, previews), agent_id)
        if not branch:
            return Given(left=left)
        began = branch_data.find_beginning(preview, branch, previews, agent_id)
        seed = branch_data.find_seed(preview, branch, previews)
        source = branch_data.find_place(previews, seed) if seed else None
        began = began or self._clock.now()
        return Given(branch, began, seed, source.began if source else 0.0, left)

    def reconcile(self) -> None:
        """Stop the older previews of all whose images are there. Raises Unavailable.

        And those whose data are copied, for that long.
        """
        for newer in self._records.in_state(State.STARTING):
            if newer.data:
                self._stop_older(newer, newer.data)
            if newer.seed:
                self._stop_copied(newer)

    def make_way(self, match: Match) -> Mapping[Unit, Reason]:
        """Stop older previews in whose place newer ones start; return why these wait.

        Raises Unavailable.
        """
        reasons = {}
        for unit, branch in itertools.islice(self._list_short(match), HEADS):
            newer = self._records.preview(unit)
            self._stop_older(newer, branch)
            if holder := branch_data.find_holder(branch, self._records.of_app(newer.app)):
                reasons[unit] = _wait_for(holder)
        return reasons

    def _list_short(self, match: Match) -> Iterator[tuple[Unit, str]]:
        """Yield what has waited for room on the fit agent of its branch's data, with the branch."""
        before = self._clock.now() - ROOM_SECONDS
        # An agent that offers nothing now is what it was when it last did.
        unfit = {agent.id for agent in match.agents.values() if agent.leaving or agent.unfit}
        self._unfit = (self._unfit - match.agents.keys()) | unfit
        for demand in match.unmet:
            if not demand.home or not demand.home.branch or demand.since > before:
                continue
            # Nobody stops for good as others copy its data.
            own = self._find_branch(self._records.preview(demand.unit)) == demand.home.branch
            is_fit = demand.home.agent_id not in self._unfit
            needs_room = match.refusals[demand.unit].shortage in _NEEDS_ROOM
            if own and is_fit and needs_room and demand.rank is not Rank.AHEAD:
                yield demand.unit, demand.home.branch

    def _find_branch(self, preview: PreviewRecord) -> str:
        return branch_data.find_branch(preview, self._records.pulls.of(preview.app))

    def _stop_copied(self, newer: PreviewRecord) -> None:
        why = f"Its data are copied for the branch {newer.data}; it starts again by itself."
        for one in branch_data.find_copied(newer, self._records.of_app(newer.app)):
            self._records.change(one, Leaves(Reason(ReasonKind.DATA, why)))

    def _stop_older(self, newer: PreviewRecord, branch: str) -> None:
        reason = Reason(
            ReasonKind.DATA,
            f"{names.short(newer.commit)} of the same branch goes on with its data. Opened by its "
            "digits, this commit has data of its own.",
        )
        for one in branch_data.find_older(newer, branch, self._records.of_app(newer.app)):
            self._records.change(one, Stopped(reason))


def _wait_for(holder: PreviewRecord) -> Reason:
    other = names.short(holder.commit)
    return Reason(
        ReasonKind.DATA,
        f"It waits until {other} of the same branch has stopped: they share its data.",
    )
