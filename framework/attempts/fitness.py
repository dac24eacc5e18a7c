"""Which agents are unfit: those whose Docker, disk or network has failed an attempt.

Owned by the service's thread. A new leader knows of none, and finds out again.
"""

from collections.abc import Mapping

import structlog

from framework.clock import Clock
from framework.matching.agents import Unfit
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

log = structlog.get_logger(__name__)

FIRST_SECONDS, GROWTH, LONGEST_SECONDS = 60.0, 2.0, 600.0
"""How long an agent gets no attempts after its first fault, and how this grows with each fault."""
_WITNESSES = 2
"""How many apps must find a registry silent: a single app may name a dead registry."""
_BUILD = frozenset({State.PLACED, State.BUILDING})


class Fitness:
    """Remembers what the ends of attempts show about their agents.

    `unfit` is replaced, never changed: any thread may read it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Unfit] = {}
        self._silent: dict[str, set[str]] = {}
        self.unfit: Mapping[str, Unfit] = {}

    def failed(self, preview: PreviewRecord, failure: Failure) -> None:
        """Note that an attempt ended by itself; `preview` is as it was before."""
        agent = preview.agent_id
        if agent is None or not self._blames(agent, preview, failure):
            return
        now = self._clock.now()
        before = self._known.get(agent)
        times = 1 if before is None else before.times + (now >= before.until)
        until = now + min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH ** (times - 1))
        since = now if before is None else before.since
        builds = preview.state in _BUILD
        self._known[agent] = Unfit(failure.message, since, until, builds, times)
        if before is None:
            log.warning("an agent is unfit", agent=agent, why=failure.message)
        self.refresh()

    def _blames(self, agent: str, preview: PreviewRecord, failure: Failure) -> bool:
        if failure.cause is Cause.REGISTRY_UNREACHABLE:
            witnesses = self._silent.setdefault(agent, set())
            witnesses.add(preview.app)
            return len(witnesses) >= _WITNESSES
        # A restart of Docker ends running containers, but then Docker works again.
        away = failure.cause is Cause.DOCKER_UNAVAILABLE and preview.state is not State.RUNNING
        return away or failure.cause is Cause.AGENT_UNFIT

    def succeeded(self, preview: PreviewRecord) -> None:
        """Note that an attempt runs.

        If a build had failed there, only another successful build counts: an image that exists
        starts without anything that builds need.
        """
        agent = preview.agent_id or ""
        built = any(step.name == "building" for step in preview.steps)
        if built:
            self._silent.pop(agent, None)
        known = self._known.get(agent)
        if known is not None and (built or not known.builds):
            del self._known[agent]
            log.info("an agent is fit again", agent=agent)
            self.refresh()

    def refresh(self) -> None:
        """Drop old faults, and replace `unfit` if that changes it."""
        if not self._known and not self.unfit:
            return
        now = self._clock.now()
        before = now - LONGEST_SECONDS
        self._known = {agent: one for agent, one in self._known.items() if one.until > before}
        unfit = {agent: one for agent, one in self._known.items() if one.until > now}
        if unfit != self.unfit:
            self.unfit = unfit
