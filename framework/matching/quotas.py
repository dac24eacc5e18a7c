"""How many more previews may start: of one app, in all, and at once on one agent. Pure.

Builds ahead count against the limits of previews, and leave one place free there. They take no turn
from others: so at most one more preview than `starts_per_agent` starts on an agent.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from operator import attrgetter

from framework.matching.limits import Limits
from framework.matching.refusals import Refusal, Shortage
from framework.units.lifecycle import JOB_STARTING
from prevs.jobs import JobRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.units import Unit, UnitKind

AHEAD_PER_APP, AHEAD_IN_ALL = 2, 10
"""How many builds ahead may have a task at a time; on one agent, only one starts at a time."""


_JOB = UnitKind.JOB


class Quotas:
    """What is left of each limit; `reserve` takes one place of it."""

    def __init__(
        self,
        apps: Mapping[str, AppRecord],
        *,
        with_task: Iterable[PreviewRecord],
        starting: Iterable[PreviewRecord],
        limits: Limits,
        jobs: Iterable[JobRecord] = (),
    ) -> None:
        """Count the previews and `jobs` with a task, and those previews that are `starting`."""
        self._apps = apps
        self._limits = limits
        known = tuple(with_task)
        self._with_task = Counter(map(attrgetter("app"), known))
        self._total = self._with_task.total()
        self._ahead = Counter(preview.app for preview in known if preview.ahead)
        self._starting: Counter[str] = Counter()
        self._on_agent: Counter[str] = Counter()
        self._ahead_on: set[str] = set()
        for preview in starting:
            if preview.ahead:
                self._ahead_on.add(preview.agent_id or "")
            else:
                self._starting[preview.app] += 1
                self._on_agent[preview.agent_id or ""] += 1
        self._jobs: Counter[str] = Counter()
        for job in jobs:
            self._jobs[job.app] += 1
            if job.state in JOB_STARTING:
                self._on_agent[job.agent_id or ""] += 1
        self._all_jobs = self._jobs.total()

    @property
    def jobs_share(self) -> float:
        """The share of an agent's memory that jobs may take."""
        return self._limits.jobs_share

    def refusal(self, unit: Unit) -> Refusal | None:
        """Return why a unit may not start now; None if it may."""
        app = unit.app
        if unit.kind is _JOB:
            return self._refusal_of_job(app)
        most = self._apps[app].max_previews
        if self._with_task[app] >= most:
            return Refusal(
                f"{app} has {most} previews already, which is its max_previews. "
                "Stop one, or raise the limit.",
                Shortage.APP_SLOT,
            )
        if self._total >= self._limits.previews:
            return Refusal(
                f"There are already {self._limits.previews} previews, as many as are allowed.",
                Shortage.SLOT,
            )
        if self._starting[app] >= self._limits.starts_per_app:
            return Refusal(
                f"{self._starting[app]} previews of {app} are starting; it starts when one of "
                "them is done.",
                Shortage.APP_TURN,
            )
        return None

    def _refusal_of_job(self, app: str) -> Refusal | None:
        most = self._apps[app].max_jobs
        if self._jobs[app] >= most:
            why = f"{most} jobs of {app} run already, which is its max_jobs"
        elif self._all_jobs >= self._limits.jobs:
            why = f"{self._limits.jobs} jobs run already, which is PREVS_MAX_JOBS"
        else:
            return None
        return Refusal(f"{why}; it starts when one has ended.", Shortage.JOB_SLOT)

    def refusal_ahead(self, unit: Unit) -> Refusal | None:
        """Return why a unit may not be built ahead now; None if it may."""
        app = unit.app
        if self._ahead[app] >= AHEAD_PER_APP or self._ahead.total() >= AHEAD_IN_ALL:
            of_app = self._ahead[app] >= AHEAD_PER_APP
            most = f"{AHEAD_PER_APP} of {app}" if of_app else f"{AHEAD_IN_ALL}"
            why = f"It is built ahead once others are done: {most} are being built ahead now."
        elif self._with_task[app] + 1 >= self._apps[app].max_previews:
            why = (
                f"Builds ahead leave a place of {app}'s max_previews "
                f"({self._apps[app].max_previews}) to visitors. Its address starts it now."
            )
        elif self._total + 1 >= self._limits.previews:
            why = "Builds ahead leave the last place for a preview to visitors."
        elif self._starting[app] >= self._limits.starts_per_app:
            why = f"{self._starting[app]} previews of {app} are starting for visitors."
        else:
            return None
        return Refusal(why, Shortage.AHEAD)

    def may_build_ahead(self, agent_id: str) -> bool:
        """Return whether something may be built ahead on an agent now: nothing else is."""
        return agent_id not in self._ahead_on

    def start_slots_left(self, agent_id: str) -> int:
        """Return how many more previews may start on an agent now."""
        return self._limits.starts_per_agent - self._on_agent.get(agent_id, 0)

    def agents_at_start_limit(self) -> frozenset[str]:
        """Return the agents on which no preview may start until another one has started."""
        most = self._limits.starts_per_agent
        return frozenset(agent for agent, number in self._on_agent.items() if number >= most)

    def reserve(self, unit: Unit, agent_id: str, *, ahead: bool = False) -> None:
        """Count a unit that starts on an agent."""
        app = unit.app
        if unit.kind is _JOB:
            self._jobs[app] += 1
            self._all_jobs += 1
            self._on_agent[agent_id] += 1
            return
        self._with_task[app] += 1
        self._total += 1
        if ahead:
            self._ahead[app] += 1
            self._ahead_on.add(agent_id)
        else:
            self._starting[app] += 1
            self._on_agent[agent_id] += 1
