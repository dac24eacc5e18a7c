"""Which agents are unfit: what Docker, the disk or the network of one did to an attempt.

Owned by the service's thread. A framework that begins to lead knows of none, and finds out anew.
"""

from collections.abc import Mapping

import structlog

from framework.clock import Clock
from framework.matching.agents import Unfit
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

log = structlog.get_logger(__name__)

FIRST_SECONDS, GROWTH, LONGEST_SECONDS = 60.0, 2.0, 600.0
"""For how long an agent gets nothing after the first fault, and after one more each."""
_WITNESSES = 2
"""Apps that have to see that a registry does not answer: one may name one that never does."""
_BUILD = frozenset({State.PLACED, State.BUILDING})


class Fitness:
    """Remembers what attempts say of their agents.

    `unfit` is replaced, never changed: any thread may look at it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Unfit] = {}
        self._silent: dict[str, set[str]] = {}
        self.unfit: Mapping[str, Unfit] = {}

    def failed(self, preview: PreviewRecord, failure: Failure) -> None:
        """Hear how an attempt ended by itself, whose preview is as it was before."""
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
        self.look()

    def _blames(self, agent: str, preview: PreviewRecord, failure: Failure) -> bool:
        if failure.cause is Cause.REGISTRY_UNREACHABLE:
            witnesses = self._silent.setdefault(agent, set())
            witnesses.add(preview.app)
            return len(witnesses) >= _WITNESSES
        # A Docker that was restarted takes along what ran, and works again.
        away = failure.cause is Cause.DOCKER_UNAVAILABLE and preview.state is not State.RUNNING
        return away or failure.cause is Cause.AGENT_UNFIT

    def succeeded(self, preview: PreviewRecord) -> None:
        """Hear that an attempt came to run.

        Where a build had failed another one has to have succeeded: what was built before starts
        without what builds need.
        """
        agent = preview.agent_id or ""
        built = any(step.name == "building" for step in preview.steps)
        if built:
            self._silent.pop(agent, None)
        known = self._known.get(agent)
        if known is not None and (built or not known.builds):
            del self._known[agent]
            log.info("an agent is fit again", agent=agent)
            self.look()

    def look(self) -> None:
        """Forget what was long ago, and show what is left."""
        if not self._known and not self.unfit:
            return
        now = self._clock.now()
        before = now - LONGEST_SECONDS
        self._known = {agent: one for agent, one in self._known.items() if one.until > before}
        unfit = {agent: one for agent, one in self._known.items() if one.until > now}
        if unfit != self.unfit:
            self.unfit = unfit
