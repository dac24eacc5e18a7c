"""Idle previews stop so that those that wait find room. Service thread only.

Which ones is decided in framework.matching.preemption; here is what has to be remembered for that:
what agents had free when they last offered something, and for whom room is being made where.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.clock import Clock
from framework.matching import preemption
from framework.matching.agents import Agent, Space
from framework.matching.match import Demand, Key, Match
from framework.matching.preemption import Candidate, Preemption, UnmetDemand
from framework.matching.quotas import Quotas
from framework.matching.refusals import Shortage
from framework.preview import keep_warm
from framework.preview.lifecycle import WITH_TASK
from framework.preview.reasons import Reason, ReasonKind
from framework.scheduling.idleness import Idleness
from framework.state.records import Records
from prevs import names
from prevs.records import PreviewRecord
from prevs.states import State

HEADS = 10
"""For how many of those that wait room is made at a time, the first in the queue."""
PAUSE_SECONDS = 1.0
"""How long after one decision the next is taken: all that is idle is looked at for it."""
ASKING_SECONDS = 1.0
"""How long a preview has waited, and agents have been asked, at least: those that have room offer
it within milliseconds."""
SEEN_SECONDS = 15.0
"""How long what an agent has offered is relied on; all offer anew every 10 s while some wait."""
FREED_SECONDS = 5.0
"""How long after a task's end its room may take to be offered, its executor's at the latest."""
EXECUTOR_SECONDS = 1.0
"""How long after a task's end an offer may be without what its executor had."""

_ENDING = frozenset(State) - WITH_TASK | {State.DRAINING}
_TURNS = frozenset({Shortage.TURN, Shortage.APP_TURN})
MAKING = "Room is being made for it"
NOTHING_IDLE = "What runs is in use, was used just now, or is pinned."

log = structlog.get_logger(__name__)


class _Seen(NamedTuple):
    agent: Agent
    at: float


@dataclasses.dataclass
class Reservation:
    agent_id: str
    task_ids: frozenset[str]
    reason: Reason
    until: float


class Eviction:
    """Makes room, and keeps it for whom it is made."""

    def __init__(self, records: Records, idling: Idleness, clock: Clock) -> None:
        self._records = records
        self._idling = idling
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._reservations: dict[Key, Reservation] = {}
        self._reasons: Mapping[Key, Reason] = {}
        self._lacks: Mapping[Key, str] = {}
        self._due = 0.0

    def could_stop(self) -> bool:
        """Tell whether anything is idle."""
        return next(self._idling.idle(), None) is not None

    def reservations(self) -> Mapping[Key, str]:
        """Return the agents whose room is kept, by the preview that it is kept for."""
        now = self._clock.monotonic()
        for key, promise in tuple(self._reservations.items()):
            preview = self._records.find(*key)
            if any(map(self._records.of_task, promise.task_ids)):
                promise.until = now + FREED_SECONDS
            if preview is None or preview.state is not State.QUEUED or now > promise.until:
                del self._reservations[key]
        return {key: promise.agent_id for key, promise in self._reservations.items()}

    def make_room(
        self,
        waiting: Sequence[Demand],
        match: Match,
        quotas: Quotas,
        *,
        asked_for: float,
        unfit: Collection[str] = (),
    ) -> Mapping[Key, Reason]:
        """Stop what has to, for the first of those that wait; return what they wait for.

        Offers have been `asked_for` so many seconds. Before that is long enough nothing stops: an
        agent that has not offered anything lately may have room. None is made at `unfit` agents.

        Raises Unavailable; what was not stopped then is looked at again.
        """
        now = self._clock.now()
        self._seen |= {name: _Seen(agent, now) for name, agent in match.agents.items()}
        if self._clock.monotonic() >= self._due and asked_for >= ASKING_SECONDS:
            self._reasons = self._decide(waiting, match, quotas, unfit)
        told = {key: promise.reason for key, promise in self._reservations.items()}
        return {k: r for k, r in {**self._reasons, **told}.items() if k in match.refusals}

    def _decide(
        self, waiting: Sequence[Demand], match: Match, quotas: Quotas, unfit: Collection[str]
    ) -> Mapping[Key, Reason]:
        needs, promised = self._needs(waiting, match, quotas)
        if not needs:
            return {}
        self._due = self._clock.monotonic() + PAUSE_SECONDS
        if not self._idling.knows_use():
            return {}
        decision = preemption.plan(
            needs,
            tuple(self._spaces(quotas, unfit)),
            self._idle(),
            draining=self._leaving(),
            promised=promised,
        )
        coming = Reason(ReasonKind.MAKING_ROOM, f"{MAKING}.")
        reasons = dict.fromkeys(decision.coming, coming)
        for plan in decision.plans:
            reasons[plan.demand.key] = self._carry_out(plan)
        self._lacks = {key: self._find_lack(key, match) for key in decision.hopeless}
        for key, lack in self._lacks.items():
            reasons[key] = Reason(ReasonKind.NOTHING_IDLE, f"{lack} {NOTHING_IDLE}")
        return reasons

    def _find_lack(self, key: Key, match: Match) -> str:
        """Return what one waits for; what agents lack is known only while they offer something."""
        refusal, preview = match.refusals[key], self._records.preview(*key)
        if match.agents or refusal.lack is not Shortage.ROOM:
            return refusal.reason
        if preview.reason_kind == ReasonKind.NOTHING_IDLE:
            return self._lacks.get(key, refusal.reason)
        if preview.reason_kind in (ReasonKind.NONE, ReasonKind.MAKING_ROOM):
            return refusal.reason
        return preview.reason

    def _needs(
        self, waiting: Sequence[Demand], match: Match, quotas: Quotas
    ) -> tuple[list[UnmetDemand], list[Key]]:
        """Return the first of those that want room, and who waits for a place in a limit already.

        Uses `quotas` up for those for whom there is a place.
        """
        asked_before = self._clock.now() - ASKING_SECONDS
        needs: list[UnmetDemand] = []
        promised: list[Key] = []
        for demand in waiting:
            refusal = match.refusals.get(demand.key)
            if refusal is None or refusal.hold_offers or refusal.lack in _TURNS:
                continue
            if refusal.lack is Shortage.ROOM:
                # Those before it may have used up what was left of a limit.
                limit = quotas.refusal(demand.app)
                if limit is None:
                    quotas.take(demand.app, "")
                elif limit.lack in _TURNS:
                    continue
                else:
                    refusal = limit
            if demand.key in self._reservations:
                if refusal.lack is not Shortage.ROOM:
                    promised.append(demand.key)
            elif demand.since <= asked_before and len(needs) < HEADS:
                needs.append(UnmetDemand(demand, refusal.lack))
        return needs, promised

    def _spaces(self, quotas: Quotas, unfit: Collection[str]) -> Iterator[Space]:
        """Return what each agent has free, as far as is known, where room may be made."""
        kept = {promise.agent_id for promise in self._reservations.values()}
        fresh = self._clock.now() - SEEN_SECONDS
        for agent_id in self.agents() - kept - set(unfit):
            seen, starts = self._seen.get(agent_id), quotas.start_slots_left(agent_id)
            if seen is None:
                yield Space(agent_id, starts=starts)
            elif seen.at >= fresh:
                yield seen.agent.space(starts)
            else:
                # It offers nothing any more: all that it had is taken.
                space = seen.agent.space(starts)
                yield space._replace(cpus=0.0, mem=0.0, ports=0)

    def agents(self) -> set[str]:
        """Return the agents that there are, by our tasks and by what was offered lately."""
        before = self._clock.now() - SEEN_SECONDS
        agents = {p.agent_id for p in self._records.in_state(*WITH_TASK) if p.agent_id}
        self._seen = {a: s for a, s in self._seen.items() if a in agents or s.at >= before}
        return agents | self._seen.keys()

    def _idle(self) -> Iterator[Candidate]:
        now = self._clock.now()
        apps = {
            app.name: (app, keep_warm.is_warm(app.keep_warm, now)) for app in self._records.apps
        }
        for preview, used in self._idling.idle():
            app, warm = apps[preview.app]
            key = (preview.app, preview.sha)
            yield Candidate(warm, used, key, preview.agent_id or "", app, preview)

    def _leaving(self) -> Iterator[Candidate]:
        """Return what is ending, or has ended and may not have been offered yet."""
        now = self._clock.now()
        for preview in self._records.in_state(*_ENDING):
            if preview.state is State.DRAINING or self._was_freed(preview, now):
                app = self._records.find_app(preview.app)
                if app and preview.agent_id:
                    key = (preview.app, preview.sha)
                    yield Candidate(False, 0.0, key, preview.agent_id, app, preview)

    def _was_freed(self, preview: PreviewRecord, now: float) -> bool:
        if now - preview.changed > FREED_SECONDS:
            return False
        seen = self._seen.get(preview.agent_id or "")
        return seen is None or seen.at < preview.changed + EXECUTOR_SECONDS

    def _carry_out(self, plan: Preemption) -> Reason:
        """Stop what a plan says; return what the one that it is for waits for."""
        demand = plan.demand
        task_ids: set[str] = set()
        for victim in plan.victims:
            preview = self._records.preview(*victim.key)
            log.info("room is made", app=demand.app, commit=demand.sha[:12], stops=preview.task_id)
            whom = _name(preview.app, [demand.key])
            why = f"It was stopped to make room for {whom}; its address starts it again."
            self._idling.stop(preview, victim.used, Reason(ReasonKind.EVICTED, why))
            task_ids.add(preview.task_id or "")
        stopped = _name(demand.app, [victim.key for victim in plan.victims])
        making = f"{MAKING}; what nobody uses stops: {stopped}."
        reason = Reason(ReasonKind.MAKING_ROOM, making)
        if plan.agent_id:
            until = self._clock.monotonic() + FREED_SECONDS
            promise = Reservation(plan.agent_id, frozenset(task_ids), reason, until)
            self._reservations[demand.key] = promise
        return reason


def _name(app: str, keys: Sequence[Key]) -> str:
    """Return some previews for whoever may look at an app: of others no name is told."""
    told = [f"{name} at {names.short(sha)}" for name, sha in keys if name == app]
    others = len(keys) - len(told)
    if others:
        told.append("a preview of another app" if others == 1 else f"{others} of other apps")
    return ", ".join(told)
