"""How many more previews may start: of one app, in all, and at once on one agent. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from operator import attrgetter

from framework.matching.limits import Limits
from framework.matching.refusals import Refusal, Shortage
from prevs.records import AppRecord, PreviewRecord


class Quotas:
    """What is left of each limit; `reserve` takes one place of it."""

    def __init__(
        self,
        apps: Mapping[str, AppRecord],
        *,
        with_task: Iterable[PreviewRecord],
        starting: Iterable[PreviewRecord],
        limits: Limits,
    ) -> None:
        """Count the previews `with_task`, and those of them that are `starting`."""
        self._apps = apps
        self._limits = limits
        self._with_task = Counter(map(attrgetter("app"), with_task))
        self._total = self._with_task.total()
        self._starting: Counter[str] = Counter()
        self._on_agent: Counter[str] = Counter()
        for preview in starting:
            self._starting[preview.app] += 1
            self._on_agent[preview.agent_id or ""] += 1

    def refusal(self, app: str) -> Refusal | None:
        """Return why no preview of `app` may start now; None if one may."""
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

    def start_slots_left(self, agent_id: str) -> int:
        """Return how many more previews may start on an agent now."""
        return self._limits.starts_per_agent - self._on_agent.get(agent_id, 0)

    def agents_at_start_limit(self) -> frozenset[str]:
        """Return the agents on which no preview may start until another one has started."""
        most = self._limits.starts_per_agent
        return frozenset(agent for agent, number in self._on_agent.items() if number >= most)

    def reserve(self, app: str, agent_id: str) -> None:
        """Count a preview of `app` that starts on an agent."""
        self._with_task[app] += 1
        self._total += 1
        self._starting[app] += 1
        self._on_agent[agent_id] += 1
