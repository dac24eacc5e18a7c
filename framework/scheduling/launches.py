"""From queued to placed: intent is stored, then the offer is taken. Service thread only."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from framework.attempts import tasks
from framework.attempts.attempts import Attempts
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.errors import OutcomeUnknown, SecretsUnreadable, Unavailable
from framework.matching import match as matching
from framework.matching.launch_queue import LaunchQueue, build_queue
from framework.matching.limits import Limits
from framework.matching.match import InUse, Key, Launch, Match
from framework.matching.quotas import Quotas
from framework.matching.refusals import Refusal, Shortage
from framework.metrics import Metrics
from framework.ports.tasks import Task
from framework.preview import reasons, transitions
from framework.preview.lifecycle import STARTING, WITH_TASK
from framework.preview.reasons import Reason, ReasonKind
from framework.scheduling.eviction import ASKING_SECONDS, Eviction
from framework.scheduling.offers import Offers
from framework.state.records import Records
from prevs import names
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

log = structlog.get_logger(__name__)

TURN_SECONDS = 0.5
"""How long launches may follow each other: what Mesos and people say waits meanwhile."""
NO_OFFER_SECONDS = 3.0
"""How long a preview waits before its reason says that no agent offers anything."""
REASON_SECONDS = 5.0
REASONS = 50
"""How often the reason of one that waits may change, and how many are written in one turn."""
NO_OFFER = Reason(
    ReasonKind.NO_OFFER,
    "No agent offers anything: all are full, away, or none is registered with the master.",
)


class Launcher:
    """Gives what waits to the agents that offer room for it."""

    def __init__(  # noqa: PLR0913 - wiring; each is given by name
        self,
        records: Records,
        offers: Offers,
        attempts: Attempts,
        *,
        eviction: Eviction,
        limits: Limits,
        origin: Origin,
        control_plane: ControlPlane,
        new_attempt: Callable[[], str],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._offers = offers
        self._attempts = attempts
        self._eviction = eviction
        self._limits = limits
        self._origin = origin
        self._control_plane = control_plane
        self._new_attempt = new_attempt
        self._clock = clock
        self._metrics = metrics
        self._explained: dict[Key, float] = {}
        self._crowded: frozenset[str] = frozenset()
        self.hold_offers = False

    def place(self, framework_id: str) -> None:
        """Launch what fits; ask for offers for the rest, or for none when nothing waits.

        Raises Unavailable, OutcomeUnknown; what was not launched then is queued still.
        """
        now = self._clock.now()
        apps = {app.name: app for app in self._records.apps}
        self._refuse_sealed()
        queued = self._records.in_state(State.QUEUED)
        queue = build_queue(apps, queued, self._records.of_app, now)
        quotas = Quotas(
            apps,
            held=self._records.in_state(*WITH_TASK),
            starting=self._records.in_state(*STARTING),
            limits=self._limits,
        )
        if self._crowded - quotas.agents_at_start_limit():
            self._offers.renew_request()
        self._crowded = quotas.agents_at_start_limit()
        offered = bool(self._offers.held)
        unfit = self._unfit()
        match = matching.match(
            queue.demands,
            self._offers.held,
            InUse(self._records.routes.in_use(), self._eviction.reservations(), unfit),
            quotas=quotas,
            now=now,
        )
        wanted = self._wanting_offers(match.refusals)
        origin = self._origin._replace(
            framework_id=framework_id, control_plane=self._control_plane.addresses()
        )
        is_done = self._launch(match.launches, origin, busy=bool(wanted))
        holds_out = any(refusal.hold_offers for refusal in match.refusals.values())
        self.hold_offers = holds_out or not is_done
        if is_done:
            self._request_offers(wanted)
        coming = self._eviction.make_room(
            queue.demands, match, quotas, asked_for=self._offers.requested_for(), unfit=unfit
        )
        self._explain_all(queue, match, coming, offered=offered)

    def _unfit(self) -> Mapping[str, str]:
        """Return the agents where nothing is tried now, and why: none where there is no other.

        Who else there is shows when offers have been asked for long enough.
        """
        self._attempts.fitness.look()
        unfit = self._attempts.fitness.unfit
        if not unfit:
            return {}
        others = self._eviction.agents() | {offer.agent_id for offer in self._offers.held}
        if others <= unfit.keys() and self._offers.requested_for() >= ASKING_SECONDS:
            return {}
        return {agent: one.reason for agent, one in unfit.items()}

    def _refuse_sealed(self) -> None:
        """Fail what would have to start without what its app is given."""
        sealed = self._records.secrets.sealed()
        for preview in self._records.in_state(State.QUEUED) if sealed else ():
            if why := sealed.get(preview.app):
                failure = Failure(Cause.SETTINGS_INVALID, str(SecretsUnreadable(preview.app, why)))
                self._records.change(preview, transitions.Unfit(failure))

    def _wanting_offers(self, refusals: Mapping[Key, Refusal]) -> tuple[Key, ...]:
        """Return whom an offer would help: also those for whom something may stop.

        Where that has to make room is known only once all agents have offered what they have.
        """
        lacks = {refusal.lack for refusal in refusals.values()}
        helped = {Shortage.ROOM, Shortage.TURN}
        if lacks - helped and self._eviction.could_stop():
            helped |= {Shortage.SLOT, Shortage.APP_SLOT}
        return tuple(key for key, refusal in refusals.items() if refusal.lack in helped)

    def _request_offers(self, wanted: tuple[Key, ...]) -> None:
        """Ask for offers for those that an offer would help, or for none."""
        self._offers.give_back(busy=bool(wanted), holding=self.hold_offers)
        if wanted:
            self._offers.request(wanted)
        else:
            self._offers.suppress()

    def _launch(self, launches: tuple[Launch, ...], origin: Origin, *, busy: bool) -> bool:
        """Launch on one agent after the other; tell whether the turn was long enough for all."""
        until = self._clock.monotonic() + TURN_SECONDS
        by_agent: dict[str, list[Launch]] = {}
        for launch in launches:
            by_agent.setdefault(launch.agent_id, []).append(launch)
        for agent_id, on_agent in by_agent.items():
            if self._clock.monotonic() > until:
                return False
            placed = self._intend(on_agent)
            self._accept(agent_id, placed, origin, busy=busy)
        return True

    def _intend(self, launches: Sequence[Launch]) -> list[tuple[PreviewRecord, Launch]]:
        """Store the attempts before Mesos hears of them, so that their tasks are always known."""
        changes = []
        for launch in launches:
            preview = self._records.preview(launch.demand.app, launch.demand.sha)
            launched = transitions.Launched(
                names.task_id(preview.app, preview.sha, self._new_attempt()),
                agent_id=launch.agent_id,
                agent_host=launch.host,
                host_port=launch.port,
            )
            changes.append((preview, launched))
        placed = self._records.change_all(changes)
        return list(zip(placed, launches, strict=True))

    def _accept(
        self,
        agent_id: str,
        placed: list[tuple[PreviewRecord, Launch]],
        origin: Origin,
        *,
        busy: bool,
    ) -> None:
        described = self._describe(agent_id, placed, origin)
        try:
            self._offers.accept(agent_id, described, busy=busy)
        except Unavailable as error:
            for preview, _ in placed:
                reason = Reason(ReasonKind.NOT_SENT, str(error))
                self._records.change(preview, transitions.NotLaunched(reason))
            raise
        except OutcomeUnknown as error:
            # Sent again, it could make Mesos call a task lost that runs.
            log.warning("a launch has an unknown outcome", why=str(error))
            self._attempts.query({p.task_id: p.agent_id for p, _ in placed if p.task_id})
        self._attempts.copies.launched(p.task_id for p, _ in placed if p.task_id)
        self._metrics.launches.inc(len(placed))

    def _describe(
        self, agent_id: str, placed: Sequence[tuple[PreviewRecord, Launch]], origin: Origin
    ) -> list[Task]:
        is_there = origin.executor.is_unpacked and self._attempts.copies.is_on(agent_id)
        return [
            tasks.describe(
                self._records.app(preview.app),
                preview,
                launch,
                origin,
                given=self._records.secrets.of(preview.app),
                fetches=not is_there,
            )
            for preview, launch in placed
        ]

    def _explain_all(
        self, queue: LaunchQueue, match: Match, coming: Mapping[Key, Reason], *, offered: bool
    ) -> None:
        """Say to everybody who waits why; `coming` is what those wait for who get room."""
        refused = {
            key: refusal.reason
            for key, refusal in match.refusals.items()
            if key not in coming and (offered or refusal.lack is not Shortage.ROOM)
        }
        self._explain(coming)
        self._explain_calmly(refused)
        self._explain(_waits(queue.held_back))
        self._explain_silence(match.refusals)

    def _explain(self, why: Mapping[Key, Reason]) -> None:
        self._records.save_all(
            [reasons.give(self._records.preview(*key), reason) for key, reason in why.items()]
        )

    def _explain_calmly(self, why: Mapping[Key, str]) -> None:
        """Say what changes with every offer: to some in one turn, to the same not in every one."""
        now = self._clock.monotonic()
        before = now - REASON_SECONDS
        due = (key for key in why if self._explained.get(key, before) <= before)
        said = {key: why[key] for key in itertools.islice(due, REASONS)}
        self._explain(_waits(said))
        told = {key: at for key, at in self._explained.items() if key in why}
        self._explained = told | dict.fromkeys(said, now)

    def _explain_silence(self, refusals: Mapping[Key, Refusal]) -> None:
        """Say that nothing is offered, where that has lasted and nothing better is known."""
        now = self._clock.now()
        silent: dict[Key, Reason] = {}
        for key in refusals:
            preview = self._records.preview(*key)
            if not preview.reason and now - preview.changed > NO_OFFER_SECONDS:
                silent[key] = NO_OFFER
        self._explain(silent)


def _waits(texts: Mapping[Key, str]) -> Mapping[Key, Reason]:
    return {key: Reason(ReasonKind.WAITS, text) for key, text in texts.items()}


def next_attempt(choice: Callable[[str], Any]) -> str:
    """Return a name for an attempt, of ten characters picked by `choice`."""
    return "".join(choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(10))
