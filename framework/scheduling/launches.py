"""From queued to placed: stores the intent, then accepts the offer. Service thread only."""

import dataclasses
import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import structlog

from framework.attempts import tasks
from framework.attempts.attempts import Attempts
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.errors import OutcomeUnknown, SecretsUnreadable, Unavailable
from framework.matching import match as matching
from framework.matching import resources
from framework.matching.job_queue import JobQueue
from framework.matching.launch_queue import build_queue
from framework.matching.limits import Limits
from framework.matching.match import Demand, InUse, Launch, Match, Rank
from framework.matching.quotas import Quotas
from framework.matching.refusals import Refusal, Shortage
from framework.matching.roles import Roles
from framework.metrics import Metrics
from framework.ports.tasks import Task
from framework.pulls.errors import NOT_LET_THROUGH
from framework.scheduling import waiting as waiting_units
from framework.scheduling.data_turns import DataTurns
from framework.scheduling.eviction import REQUEST_SECONDS, Eviction
from framework.scheduling.job_launches import JobLaunches, PlacedJob
from framework.scheduling.job_room import find_job_room
from framework.scheduling.offers import Offers
from framework.scheduling.offers_by_role import OffersByRole
from framework.state.records import Records
from framework.units import reasons, transitions
from framework.units.lifecycle import STARTING, WITH_TASK, Event
from framework.units.reasons import Reason, ReasonKind
from prevs import names
from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.states import Cause, State
from prevs.units import Unit, UnitKind

log = structlog.get_logger(__name__)

TURN_SECONDS = 0.5
"""How long one turn may launch: the events of Mesos and people wait meanwhile."""
NO_OFFER_SECONDS = 3.0
"""How long a preview waits before its reason says that no agent offers anything."""
REASON_SECONDS = 5.0
REASONS = 50
"""How often the reason of a waiting preview may change, and how many are written in one turn."""
_SHOWN_BY_OFFERS = frozenset({Shortage.ROOM, Shortage.HOME})
NO_OFFER = Reason(
    ReasonKind.NO_OFFER,
    "No agent offers anything: all are full, away, or none is registered with the master.",
)


class LaunchTerms(NamedTuple):
    """What holds for every launch.

    `origin` has what all tasks share except the framework id, which comes from the store.
    `new_attempt` returns a name that was never used. `control_plane` knows which machines no
    preview may reach. `roles` are those for which Mesos makes offers.
    """

    origin: Origin
    limits: Limits
    control_plane: ControlPlane
    new_attempt: Callable[[], str]
    roles: Roles = Roles()


class _Placed(NamedTuple):
    """What goes to one agent, stored and not yet sent."""

    previews: list[tuple[PreviewRecord, Launch]]
    jobs: list[PlacedJob]


class Launcher:
    """Places waiting previews on agents that offer room for them."""

    def __init__(
        self,
        records: Records,
        offers: OffersByRole,
        attempts: Attempts,
        *,
        eviction: Eviction,
        data: DataTurns,
        terms: LaunchTerms,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._offers = offers
        self._attempts = attempts
        self._eviction = eviction
        self._data = data
        self._terms = terms
        self._clock = clock
        self._metrics = metrics
        self._jobs = JobLaunches(records, attempts.executors, clock, terms.new_attempt)
        self._explained: dict[Unit, float] = {}
        self._full_agents: frozenset[str] = frozenset()
        self.hold_offers = False

    def place(self, framework_id: str) -> None:
        """Launch what fits; request offers for the rest, or no offers if nothing waits.

        Raises Unavailable, OutcomeUnknown; previews that were not launched then stay queued.
        """
        now = self._clock.now()
        self._end_hopeless()
        apps = {app.name: app for app in self._records.apps}
        queued = self._records.units_in_state(State.QUEUED)
        others, pulls = self._records.of_app, self._records.pulls.of
        queue = build_queue(apps, queued, others, now, pulls_of=pulls)
        reserved = self._eviction.reservations()
        jobs = self._jobs.build_queue(apps, reserved, now)
        quotas = self._count_quotas(apps)
        self._note_full_agents(quotas.agents_at_start_limit())
        offered = bool(self._offers.held)
        unfit = self._unfit()
        # What jobs may take of a role of their own is Mesos's to say.
        job_room = self._find_job_room() if jobs and not self._terms.roles.jobs else {}
        idle = self._attempts.executors.idle() if jobs else ()
        match = matching.match(
            _merge(queue.demands, jobs),
            self._offers.held,
            InUse(self._records.routes.in_use(), reserved, unfit, job_room, idle),
            quotas=quotas,
            now=now,
            refuse=jobs.refuse,
            jobs_role=self._terms.roles.jobs,
        )
        wanted = self._offers.split(self._wanting_offers(match.refusals))
        is_done = self._launch(match.launches, self._origin_of(framework_id), wanted)
        is_held = any(refusal.hold_offers for refusal in match.refusals.values())
        self.hold_offers = is_held or not is_done
        if is_done:
            self._request_offers(wanted, jobs.find_lane)
        requested_for = self._offers.of_previews.requested_for()
        evicting = self._eviction.preempt(match, quotas, requested_for=requested_for, unfit=unfit)
        evicting = {**evicting, **self._data.make_way(match)}
        self._explain_all({**queue.held_back, **jobs.held_back}, match, evicting, offered=offered)

    def _end_hopeless(self) -> None:
        """End what waits and may not start, or no more. Raises Unavailable."""
        self._fail_unreadable()
        self._stop_refused()
        self._jobs.end_hopeless()

    def _find_job_room(self) -> Mapping[str, float]:
        free: dict[str, float] = defaultdict(float)
        for offer in self._offers.held:
            free[offer.agent_id] += resources.totals(offer.resources)[1]
        return find_job_room(self._records, free, self._terms.limits.jobs_share)

    def _count_quotas(self, apps: Mapping[str, AppRecord]) -> Quotas:
        return Quotas(
            apps,
            with_task=self._records.in_state(*WITH_TASK),
            starting=self._records.in_state(*STARTING),
            limits=self._terms.limits,
            jobs=self._records.jobs.with_task(),
        )

    def _note_full_agents(self, full: frozenset[str]) -> None:
        """Request offers again if an agent may start more than before."""
        if self._full_agents - full:
            self._offers.renew_request()
        self._full_agents = full

    def _origin_of(self, framework_id: str) -> Origin:
        return self._terms.origin._replace(
            framework_id=framework_id,
            control_plane=self._terms.control_plane.addresses(),
            proxies=self._attempts.proxies.known,
        )

    def _unfit(self) -> Mapping[str, str]:
        """Return the agents where nothing is tried now, and why; none if all agents are unfit.

        Whether there are other agents is known once offers have been requested for long enough.
        """
        self._attempts.fitness.refresh()
        unfit = self._attempts.fitness.unfit
        if not unfit:
            return {}
        others = self._eviction.agents() | {offer.agent_id for offer in self._offers.held}
        asked = max(self._offers.of_previews, self._offers.of_jobs, key=Offers.requested_for)
        if others <= unfit.keys() and asked.requested_for() >= REQUEST_SECONDS:
            return {}
        return {agent: one.reason for agent, one in unfit.items()}

    def _fail_unreadable(self) -> None:
        """Fail the queued previews of apps whose secrets cannot be opened."""
        unreadable = self._records.secrets.unreadable()
        for preview in self._records.in_state(State.QUEUED) if unreadable else ():
            if why := unreadable.get(preview.app):
                failure = Failure(Cause.SETTINGS_INVALID, str(SecretsUnreadable(preview.app, why)))
                self._records.change(preview, transitions.Failed(failure, Event.UNFIT))

    def _stop_refused(self) -> None:
        """Stop the queued previews that the gate does not let through (any more).

        Nothing of a fork, or of a repository that has taken the app's address, starts without this
        check, however its preview came into the queue.
        """
        for preview in self._records.in_state(State.QUEUED):
            is_other = bool(self._records.find_other_repository(preview.app))
            if not is_other and not names.find_pull(preview.refs):
                continue
            app = self._records.find_app(preview.app)
            if app is None or app.removed:
                continue
            try:
                stranger = self._records.check_gate(
                    preview.app, preview.commit, preview.refs, in_variant=bool(preview.instance)
                )
            except NOT_LET_THROUGH as error:
                kind = ReasonKind.OTHER_REPOSITORY if is_other else ReasonKind.NOT_APPROVED
                reason = Reason(kind, str(error))
                self._records.change(preview, transitions.Stopped(reason))
            else:
                self._records.save(dataclasses.replace(preview, stranger=stranger))

    def _wanting_offers(self, refusals: Mapping[Unit, Refusal]) -> tuple[Unit, ...]:
        """Return the previews that need offers, also to find out whether another unit must stop.

        Where room must be made is known only once all agents have offered what they have.
        """
        shortages = {refusal.shortage for refusal in refusals.values()}
        helped = {Shortage.ROOM, Shortage.TURN, Shortage.HOME}
        if shortages - helped and self._eviction.could_stop():
            helped |= {Shortage.SLOT, Shortage.APP_SLOT}
        return tuple(unit for unit, refusal in refusals.items() if refusal.shortage in helped)

    def _request_offers(
        self,
        wanted: Mapping[Offers, Sequence[Unit]],
        find_lane: Callable[[Unit], Hashable | None],
    ) -> None:
        """Request offers for the `wanted` previews and lanes of jobs, or none if nothing waits."""
        for offers, units in wanted.items():
            holds = self.hold_offers and offers is self._offers.of_previews
            offers.give_back(busy=bool(units), holding=holds)
            if units:
                offers.request([find_lane(unit) or unit for unit in units])
            else:
                offers.suppress()

    def _launch(
        self,
        launches: tuple[Launch, ...],
        origin: Origin,
        wanted: Mapping[Offers, Sequence[Unit]],
    ) -> bool:
        """Launch on one agent after the other; return whether the turn was long enough for all.

        Mesos offers the rest of an agent again at once if anything is `wanted` of such offers.
        """
        until = self._clock.monotonic() + TURN_SECONDS
        by_offers: dict[tuple[str, Offers], list[Launch]] = {}
        for launch in launches:
            offers = self._offers.of(launch.demand.unit)
            by_offers.setdefault((launch.agent_id, offers), []).append(launch)
        for (agent_id, offers), on_agent in by_offers.items():
            if self._clock.monotonic() > until:
                return False
            placed = self._intend(on_agent)
            if placed.previews or placed.jobs:
                busy = bool(wanted[offers])
                self._accept((agent_id, offers), placed, origin, busy=busy)
        return True

    def _intend(self, launches: Sequence[Launch]) -> _Placed:
        """Store the attempts before they are sent to Mesos, so that all tasks are known."""
        changes = []
        of_previews = [one for one in launches if one.demand.unit.kind is UnitKind.PREVIEW]
        for launch in of_previews:
            preview = self._records.preview(launch.demand.unit)
            port, *others = launch.ports
            services = preview.settings.run.services if others and preview.settings else ()
            data = self._data.find(preview, launch.agent_id)
            launched = transitions.Launched(
                names.task_id(preview.app, preview.sha, self._terms.new_attempt()),
                agent_id=launch.agent_id,
                agent_host=launch.host,
                host_port=port,
                service_ports={one.name: at for one, at in zip(services, others, strict=True)},
                moved_from=data.left,
                data=data.branch,
                data_began=data.began,
                seed=data.seed,
                seed_began=data.seed_began,
            )
            changes.append((preview, launched))
        placed = self._records.change_all(changes)
        jobs = self._jobs.intend(one for one in launches if one.demand.unit.kind is UnitKind.JOB)
        return _Placed(list(zip(placed, of_previews, strict=True)), jobs)

    def _accept(
        self, where: tuple[str, Offers], placed: _Placed, origin: Origin, *, busy: bool
    ) -> None:
        agent_id, offers = where
        described = self._describe(agent_id, placed, origin)
        try:
            offers.accept(agent_id, described, busy=busy)
        except Unavailable as error:
            reason = Reason(ReasonKind.NOT_SENT, str(error))
            for preview, _ in placed.previews:
                self._records.change(preview, transitions.NotLaunched(reason))
            self._jobs.take_back(placed.jobs, reason)
            raise
        except OutcomeUnknown as error:
            # Not sent again: Mesos could then report a running task as lost.
            log.warning("a launch has an unknown outcome", why=str(error))
            self._attempts.query({task.id: task.agent_id for task in described})
        self._attempts.copies.launched(task.id for task in described)
        if placed.previews:
            self._attempts.proxies.launched(agent_id, origin.proxies)
        self._metrics.attempts.launches.inc(len(described))

    def _describe(self, agent_id: str, placed: _Placed, origin: Origin) -> list[Task]:
        is_there = origin.executor.is_unpacked and self._attempts.copies.is_on(agent_id)
        previews = [
            tasks.describe(
                self._records.app(preview.app),
                preview,
                launch,
                origin,
                given=self._records.secrets.of(preview.app),
                fetches=not is_there,
                ref=self._records.find_ref(preview),
                stacks=self._records.stacks.of_app(preview.app),
            )
            for preview, launch in placed.previews
        ]
        return [*previews, *self._jobs.describe(placed.jobs, origin, fetches=not is_there)]

    def _explain_all(
        self,
        held_back: Mapping[Unit, str],
        match: Match,
        evicting: Mapping[Unit, Reason],
        *,
        offered: bool,
    ) -> None:
        """Write why each unit waits; `evicting` has the reasons that eviction gives."""
        refused = {
            unit: refusal.reason
            for unit, refusal in match.refusals.items()
            if unit not in evicting and (offered or refusal.shortage not in _SHOWN_BY_OFFERS)
        }
        self._explain(evicting)
        self._explain_calmly(refused)
        self._explain(_waits(held_back))
        self._explain_silence(match.refusals)

    def _explain(self, why: Mapping[Unit, Reason]) -> None:
        previews = [(u, r) for u, r in why.items() if u.kind is UnitKind.PREVIEW]
        self._records.save_all(
            [reasons.give(self._records.preview(unit), reason) for unit, reason in previews]
        )
        self._jobs.explain({u: r for u, r in why.items() if u.kind is UnitKind.JOB})

    def _explain_calmly(self, why: Mapping[Unit, str]) -> None:
        """Write reasons that change with every offer: not too many in one turn, or too often."""
        now = self._clock.monotonic()
        before = now - REASON_SECONDS
        due = (unit for unit in why if self._explained.get(unit, before) <= before)
        written = {unit: why[unit] for unit in itertools.islice(due, REASONS)}
        self._explain(_waits(written))
        earlier = {unit: at for unit, at in self._explained.items() if unit in why}
        self._explained = earlier | dict.fromkeys(written, now)

    def _explain_silence(self, refusals: Mapping[Unit, Refusal]) -> None:
        """Write that nothing is offered, if that has lasted and no other reason is known."""
        now = self._clock.now()
        silent: dict[Unit, Reason] = {}
        for unit, refusal in refusals.items():
            waiting = waiting_units.find(self._records, unit)
            if waiting and not waiting.reason and now - waiting.changed > NO_OFFER_SECONDS:
                names_role = self._terms.roles.jobs and unit.kind is UnitKind.JOB
                says_more = names_role or refusal.shortage is Shortage.HOME
                silent[unit] = NO_OFFER._replace(text=refusal.reason) if says_more else NO_OFFER
        self._explain(silent)


def _merge(previews: Sequence[Demand], jobs: JobQueue) -> Iterator[Demand]:
    """Yield what waits by rank: visitors, jobs, builds ahead."""
    ahead = bisect_left(previews, Rank.AHEAD, key=attrgetter("rank"))
    return itertools.chain(previews[:ahead], jobs, previews[ahead:])


def _waits(texts: Mapping[Unit, str]) -> Mapping[Unit, Reason]:
    return {unit: Reason(ReasonKind.WAITS, text) for unit, text in texts.items()}


def next_attempt(choice: Callable[[str], Any]) -> str:
    """Return a name for an attempt, of ten characters picked by `choice`."""
    return "".join(choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(10))
