"""The objects that the waiting room works with."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from prevs.signatures import derive_pass_key
from program.limits.slots import Slots
from proxy.framework.preview_streams import PreviewStreams
from proxy.framework.slow_lookups import PATIENCE_SECONDS
from proxy.held.pending_starts import PendingStarts
from proxy.held.refused_tasks import RefusedTasks
from proxy.held.releases import Releases
from proxy.held.start_limits import HELD_EACH, StartLimit
from proxy.metrics import Metrics
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.routes import Route
from proxy.model.usage import Count
from proxy.ports import Framework
from proxy.room.tokens import Tokens
from proxy.routing.routing_table import RoutingTable

_KNOWN_SECONDS = 5.0
_MOST = 1000


class _Known(NamedTuple):
    since: float
    answer: asyncio.Task[bool]


class Visibility:
    """Remembers the setting of each app for some seconds. `clock` is in seconds."""

    def __init__(
        self, framework: Framework, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._framework = framework
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def shows_all(self, app: str) -> bool:
        """Return whether an app's room shows everything, also the logs of its builds.

        False if no framework answers.
        """
        now = self._clock()
        known = self._known.get(app)
        if known is None or now - known.since > _KNOWN_SECONDS:
            if len(self._known) >= _MOST:
                self._known = {}
            known = _Known(now, asyncio.create_task(self._framework.shows_all(app)))
            self._known[app] = known
        try:
            return await asyncio.shield(known.answer)
        except (ApiAway, ApiRefused):
            self._known.pop(app, None)
            return False


class RoomContext(NamedTuple):
    """All that the room works with. `holds` limits the held requests of a client.

    `pass_keys` are those of visitors' passes: the first one signs, all are accepted. `patience` is
    as in SlowLookups.
    """

    framework: Framework
    table: RoutingTable
    refused_tasks: RefusedTasks
    pending_starts: PendingStarts
    tokens: Tokens
    visibility: Visibility
    preview_streams: PreviewStreams
    start_limit: StartLimit
    holds: Slots
    metrics: Metrics
    domain: str
    pass_keys: Sequence[str]
    clock: Callable[[], float] = time.time
    patience: float = PATIENCE_SECONDS


class RoomSettings(NamedTuple):
    """The settings of a room. `tokens` are the proxies'.

    `budgets` are those of StartLimit, and `held`: how many requests of one client are held.
    """

    proxy_id: str
    tokens: Sequence[str]
    domain: str
    budgets: Mapping[str, int] = MappingProxyType({})


def make_context(
    framework: Framework,
    table: RoutingTable,
    metrics: Metrics,
    settings: RoomSettings,
    *,
    probe: Callable[[Route], Awaitable[bool]],
    count_open: Callable[[str], Awaitable[Count]],
    clock: Callable[[], float] = time.monotonic,
) -> RoomContext:
    """Return the context of a room.

    `probe` is as in RefusedTasks, `count_open` as in Releases, `clock` as in StartLimit.

    The caller closes `pending_starts`, `refused_tasks` and `preview_streams` at the end.
    """
    proxy_id, tokens, domain, budgets = settings
    refused_tasks = RefusedTasks(table, framework, proxy_id, probe=probe)
    start_limit = StartLimit(budgets, clock=clock)
    pending_starts = PendingStarts(
        framework,
        Releases(table, count_open),
        domain,
        refused_tasks=refused_tasks,
        count_outcome=metrics.count_held,
        forget_refused=start_limit.forget,
    )
    return RoomContext(
        framework,
        table,
        refused_tasks,
        pending_starts,
        Tokens(tokens),
        Visibility(framework),
        PreviewStreams(framework),
        start_limit,
        Slots(budgets.get("held", HELD_EACH)),
        metrics,
        domain,
        tuple(map(derive_pass_key, tokens)),
    )
