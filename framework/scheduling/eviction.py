"""Stops idle previews, and jobs that are preemptible, to make room. Service thread only.

framework.matching.preemption decides what stops for which preview or job. This module remembers
what each agent had free when it last offered something, and for which unit an agent is reserved.
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.clock import Clock
from framework.matching import preemption
from framework.matching.agents import Agent, Space
from framework.matching.match import Match, Rank
from framework.matching.preemption import Candidate, Preemption, Turn, UnmetDemand
from framework.matching.quotas import Quotas
from framework.matching.refusals import Shortage
from framework.preview import keep_warm
from framework.scheduling import waiting as waiting_units
from framework.scheduling.idleness import Idleness
from framework.scheduling.job_room import find_job_room
from framework.scheduling.last_use import NEVER
from framework.state.records import Records
from framework.units.lifecycle import WITH_TASK
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Leaves
from prevs import names
from prevs.jobs import JobRecord, JobState
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import Unit, UnitKind, job_unit

HEADS = 10
"""How many waiting previews may preempt at a time: the first in the queue."""
PAUSE_SECONDS = 1.0
"""The pause between two decisions: each one goes through all idle previews."""
REQUEST_SECONDS = 1.0
"""How long a preview must have waited, and offers must have been requested, before anything stops.

Agents with free resources offer them within milliseconds."""
SEEN_SECONDS = 15.0
"""How long an agent's last offer is relied on; all agents offer every 10 s while previews wait."""
FREED_SECONDS = 5.0
"""How long after a task's end its resources, and its executor's, may take to be offered."""
UNSEEN_PORTS = 1
"""The free ports of an agent that is full since this framework leads: agents have a thousand."""
EXECUTOR_SECONDS = 1.0
"""How long after a task's end an offer may lack the resources of its executor."""

_ENDING = frozenset(State) - WITH_TASK | {State.DRAINING}
_MAY_GIVE_WAY = (JobState.PLACED, JobState.BUILDING, JobState.RUNNING)
_TURNS = frozenset({Shortage.TURN, Shortage.APP_TURN, Shortage.JOB_SLOT, Shortage.JOB_ROOM})
"""What passes without anything being stopped."""
MAKING = "Room is being made for it"
NOTHING_IDLE = "Everything that runs is in use, was used just now, or is pinned."
NOTHING_FOR_JOB = (
    "Only previews make room for a job: those that nobody uses, neither pinned nor kept warm."
)

log = structlog.get_logger(__name__)


class _Seen(NamedTuple):
    agent: Agent
    at: float


@dataclasses.dataclass
class _Reservation:
    agent_id: str
    task_ids: frozenset[str]
    reason: Reason
    until: float


class Eviction:
    """Stops previews, and reserves what that frees for the preview that needs it.

    Nothing stops for jobs that are `jobs_apart`, in a role of their own: whether Mesos then offers
    more to that role depends on its quota, which is not known here.
    """

    def __init__(
        self, records: Records, idleness: Idleness, clock: Clock, *, jobs_apart: bool = False
    ) -> None:
        self._jobs_apart = jobs_apart
        self._records = records
        self._idleness = idleness
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._reservations: dict[Unit, _Reservation] = {}
        self._reasons: Mapping[Unit, Reason] = {}
        self._shortages: Mapping[Unit, str] = {}
        self._due = 0.0

    def could_stop(self) -> bool:
        """Return whether any preview is idle, or is built ahead."""
        return any(True for _ in itertools.chain(self._idleness.idle(), self._idleness.unvisited()))

    def reservations(self) -> Mapping[Unit, str]:
        """Return the reserved agents, by the preview that they are reserved for."""
        now = self._clock.monotonic()
        for unit, reservation in tuple(self._reservations.items()):
            if any(map(self._has_task, reservation.task_ids)):
                reservation.until = now + FREED_SECONDS
            if not waiting_units.is_queued(self._records, unit) or now > reservation.until:
                del self._reservations[unit]
        return {unit: reservation.agent_id for unit, reservation in self._reservations.items()}

    def _has_task(self, task_id: str) -> bool:
        records = self._records
        return bool(records.of_task(task_id) or records.jobs.of_task(task_id))

    def preempt(
        self,
        match: Match,
        quotas: Quotas,
        *,
        requested_for: float,
        unfit: Collection[str] = (),
    ) -> Mapping[Unit, Reason]:
        """Stop what must stop for the first waiting previews; return the reasons of these.

        Offers have been requested for `requested_for` seconds. Nothing stops before that is long
        enough: an agent that has not offered anything lately may have room. Nothing stops on
        `unfit` agents.

        Raises Unavailable; the next decision considers again what was not stopped then.
        """
        now = self._clock.now()
        self._seen |= {name: _Seen(agent, now) for name, agent in match.agents.items()}
        if self._clock.monotonic() >= self._due and requested_for >= REQUEST_SECONDS:
            self._reasons = self._decide(match, quotas, unfit)
        reserved = {unit: reservation.reason for unit, reservation in self._reservations.items()}
        return {k: r for k, r in {**self._reasons, **reserved}.items() if k in match.refusals}

    def _decide(
        self, match: Match, quotas: Quotas, unfit: Collection[str]
    ) -> Mapping[Unit, Reason]:
        needs, reserved = self._needs(match, quotas)
        if not needs:
            return {}
        self._due = self._clock.monotonic() + PAUSE_SECONDS
        if not self._idleness.knows_use():
            return {}
        decision = preemption.plan(
            needs,
            self._find_spaces(needs, quotas, unfit),
            itertools.chain(self._idle(), self._preemptible()),
            draining=self._leaving(),
            reserved=reserved,
        )
        pending = Reason(ReasonKind.MAKING_ROOM, f"{MAKING}.")
        reasons = dict.fromkeys(decision.pending, pending)
        for planned in decision.preemptions:
            reasons[planned.demand.unit] = self._carry_out(planned)
        self._shortages = {unit: self._find_shortage(unit, match) for unit in decision.impossible}
        for unit, shortage in self._shortages.items():
            if match.refusals[unit].shortage is Shortage.HOME:
                continue  # its own reason says more: the agent may be away
            nothing = NOTHING_FOR_JOB if unit.kind is UnitKind.JOB else NOTHING_IDLE
            reasons[unit] = Reason(ReasonKind.NOTHING_IDLE, f"{shortage} {nothing}")
        return reasons

    def _find_shortage(self, unit: Unit, match: Match) -> str:
        """Return what a preview waits for.

        Without an offer, the refusal does not show what agents lack: then the last text stays.
        """
        refusal, waiting = match.refusals[unit], waiting_units.find(self._records, unit)
        if match.agents or refusal.shortage is not Shortage.ROOM or waiting is None:
            return refusal.reason
        if waiting.reason_kind == ReasonKind.NOTHING_IDLE:
            return self._shortages.get(unit, refusal.reason)
        if waiting.reason_kind in (ReasonKind.NONE, ReasonKind.MAKING_ROOM):
            return refusal.reason
        return waiting.reason

    def _needs(self, match: Match, quotas: Quotas) -> tuple[list[UnmetDemand], list[Unit]]:
        """Return the first unmet demands, and the previews with a reservation that lack a place.

        Counts in `quotas` what will run beside the rest: also for a place that another one leaves.
        """
        latest, agents = self._clock.now() - REQUEST_SECONDS, self.agents()
        needs: list[UnmetDemand] = []
        reserved: list[Unit] = []
        for demand in match.unmet:
            refusal = match.refusals[demand.unit]
            if refusal.hold_offers or refusal.shortage in _TURNS:
                continue
            is_apart = self._jobs_apart and demand.unit.kind is UnitKind.JOB
            is_away = demand.home is not None and demand.home.agent_id not in agents
            if demand.rank is Rank.AHEAD or is_apart or is_away:
                continue  # nothing stops for these
            # Demands before this one may have used up a limit, or take the last place of its app.
            limit = quotas.refusal(demand.unit)
            if limit is not None and limit.shortage in _TURNS:
                continue
            shortage = limit.shortage if limit else Shortage.ROOM
            if shortage is not Shortage.APP_SLOT:  # there it takes the place of one that stops
                quotas.reserve(demand.unit, "")
            if demand.unit in self._reservations:
                if shortage is not Shortage.ROOM:
                    reserved.append(demand.unit)
            elif demand.since <= latest and len(needs) < HEADS:
                needs.append(UnmetDemand(demand, shortage))
        return needs, reserved

    def _find_spaces(
        self, needs: Sequence[UnmetDemand], quotas: Quotas, unfit: Collection[str]
    ) -> Sequence[Space]:
        spaces = tuple(self._spaces(quotas, unfit))
        if not any(need.demand.unit.kind is UnitKind.JOB for need in needs):
            return spaces
        free = {space.agent_id: space.mem for space in spaces}
        room = find_job_room(self._records, free, quotas.jobs_share)
        return [space._replace(job_mem=room[space.agent_id]) for space in spaces]

    def _spaces(self, quotas: Quotas, unfit: Collection[str]) -> Iterator[Space]:
        """Yield what is free, as far as known, on each agent that is neither reserved nor unfit."""
        reserved = {reservation.agent_id for reservation in self._reservations.values()}
        fresh = self._clock.now() - SEEN_SECONDS
        for agent_id in self.agents() - reserved - set(unfit):
            seen, starts = self._seen.get(agent_id), quotas.start_slots_left(agent_id)
            if seen is None:
                yield Space(agent_id, starts=starts, ports=UNSEEN_PORTS)
            elif seen.at >= fresh:
                yield seen.agent.space(starts)
            else:
                # It offers nothing any more: CPUs or memory are taken, and ports are none alone.
                yield seen.agent.space(starts)._replace(cpus=0.0, mem=0.0)

    def agents(self) -> set[str]:
        """Return the agents that have a task of ours or have offered something lately."""
        before = self._clock.now() - SEEN_SECONDS
        agents = {p.agent_id for p in self._records.in_state(*WITH_TASK) if p.agent_id}
        agents |= {j.agent_id for j in self._records.jobs.with_task() if j.agent_id}
        self._seen = {a: s for a, s in self._seen.items() if a in agents or s.at >= before}
        return agents | self._seen.keys()

    def _idle(self) -> Iterator[Candidate]:
        now = self._clock.now()
        apps = {
            app.name: (app, keep_warm.is_warm(app.keep_warm, now)) for app in self._records.apps
        }
        uses = self._idleness.find_variant_uses()
        # What nobody has used yet stops first.
        unvisited = ((unit, preview, NEVER) for unit, preview in self._idleness.unvisited())
        for unit, preview, used in itertools.chain(unvisited, self._idleness.idle()):
            app, warm = apps[preview.app]
            if uses and preview.instance in uses:
                warm = any(apps[name][1] for name in uses[preview.instance].apps)
            turn = Turn.WARM if warm and not preview.ahead else Turn.IDLE
            yield Candidate(turn, used, unit, preview.agent_id or "", app, preview.settings)

    def _preemptible(self) -> Iterator[Candidate]:
        """Yield the jobs that may give way to previews."""
        now = self._clock.now()
        for job in self._records.jobs.in_state(*_MAY_GIVE_WAY):
            if job.terms.may_be_ended:
                yield from self._candidate_of(job, -(now if job.began is None else job.began))

    def _candidate_of(self, job: JobRecord, age: float = 0.0) -> Iterator[Candidate]:
        app, unit = self._records.find_app(job.app), job_unit(job.app, job.id)
        if app and job.agent_id:
            yield Candidate(Turn.JOB, age, unit, job.agent_id, app, job, job.revocable)

    def _leaving(self) -> Iterator[Candidate]:
        """Yield what is stopping, or has stopped and may not have been offered again yet."""
        now = self._clock.now()
        for unit, preview in self._records.units_in_state(*_ENDING):
            if preview.state is State.DRAINING or self._was_freed(preview, now):
                app = self._records.find_app(preview.app)
                if app and preview.agent_id:
                    agent_id, settings = preview.agent_id, preview.settings
                    yield Candidate(Turn.IDLE, 0.0, unit, agent_id, app, settings)
        for job in self._records.jobs.in_state(JobState.ENDING):
            yield from self._candidate_of(job)
        for job in self._records.jobs.freed_since(now - FREED_SECONDS):
            if self._was_freed(job, now):
                yield from self._candidate_of(job)

    def _was_freed(self, record: PreviewRecord | JobRecord, now: float) -> bool:
        if now - record.changed > FREED_SECONDS:
            return False
        seen = self._seen.get(record.agent_id or "")
        return seen is None or seen.at < record.changed + EXECUTOR_SECONDS

    def _stop(self, victim: Candidate, waits: Unit) -> str:
        """Stop what makes room for a unit that waits; return the id of its task."""
        if victim.unit.kind is UnitKind.JOB:
            job = self._records.jobs.job(victim.unit.app, victim.unit.name)
            whom = self._name(job.app, [waits])
            why = f"It gave way to {whom}, which a visitor waits for; it starts again by itself."
            self._records.jobs.change(job, Leaves(Reason(ReasonKind.EVICTED, why)))
            task_id = job.task_id
        else:
            preview = self._records.preview(victim.unit)
            whom = self._name(preview.app, [waits])
            why = f"It was stopped to make room for {whom}; its address starts it again."
            self._idleness.stop(preview, victim.age, Reason(ReasonKind.EVICTED, why))
            task_id = preview.task_id
        log.info("room is made", app=waits.app, unit=waits.name[:12], stops=task_id)
        return task_id or ""

    def _carry_out(self, plan: Preemption) -> Reason:
        """Stop the victims of a preemption; return the reason of what waits for it."""
        unit = plan.demand.unit
        stopped = {self._stop(victim, unit) for victim in plan.victims}
        reason = Reason(ReasonKind.MAKING_ROOM, f"{MAKING}; {self._describe_stops(plan)}.")
        if plan.agent_id:
            until = self._clock.monotonic() + FREED_SECONDS
            reservation = _Reservation(plan.agent_id, frozenset(stopped), reason, until)
            self._reservations[unit] = reservation
        return reason

    def _describe_stops(self, plan: Preemption) -> str:
        """Return what stops, for whoever waits for the room."""
        app = plan.demand.unit.app
        previews = [one.unit for one in plan.victims if one.unit.kind is UnitKind.PREVIEW]
        jobs = [one.unit for one in plan.victims if one.unit.kind is UnitKind.JOB]
        found = [f"these unused previews stop: {self._name(app, previews)}"] if previews else []
        found += [f"these jobs give way: {self._name(app, jobs)}"] if jobs else []
        return "; ".join(found)

    def _name(self, app: str, units: Sequence[Unit]) -> str:
        """Return a list of units of one kind for a reader of one app; other apps are not named."""
        shown = [self._describe(unit) for unit in units if unit.app == app]
        others = len(units) - len(shown)
        if others:
            one = f"a {units[0].kind.value} of another app"
            shown.append(one if others == 1 else f"{others} of other apps")
        return ", ".join(shown)

    def _describe(self, unit: Unit) -> str:
        if unit.kind is UnitKind.JOB:
            return f"the job {unit.name} of {unit.app}"
        preview = self._records.find(unit)
        return f"{unit.app} at {names.short(preview.commit if preview else unit.name)}"
