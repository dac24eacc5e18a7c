"""Which queued previews may be placed now, in which order, and why others may not. No I/O."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from framework.apps import effective_settings
from framework.matching.agents import Home
from framework.matching.match import Demand, Rank
from framework.preview import branch_data, volumes
from framework.preview.branch_data import Pulls
from prevs.records import AppRecord, PreviewRecord
from prevs.units import Unit

IMAGE_WAIT_SECONDS = 1.0
"""How long a preview waits for the agent that has its image: less time than most builds take."""
STAY_SECONDS = 300.0
"""How long a preview waits for the agent that has the data of its branch, or, if its commit says
`stay`, its own volumes."""
UNREADABLE = "The settings of its app cannot be read."

_RANKS = {False: Rank.AWAITED, True: Rank.AHEAD}
"""The rank of a preview, by whether it is built ahead."""

Queued = tuple[Unit, PreviewRecord]
"""A preview in the state queued, with its unit."""


class LaunchQueue(NamedTuple):
    """The previews that may be placed, and why some others are held back.

    The lowest rank comes first; within a rank, first come is first served.

    A preview that waits for its next attempt after a loss keeps the reason that it has. One whose
    settings are not read yet needs no reason: reading takes milliseconds. One whose app is being
    removed stops.
    """

    demands: tuple[Demand, ...]
    held_back: Mapping[Unit, str]


def build_queue(
    apps: Mapping[str, AppRecord],
    queued: Iterable[Queued],
    of_app: Callable[[str], Collection[PreviewRecord]],
    now: float,
    *,
    pulls_of: Callable[[str], Pulls] = lambda _: {},
) -> LaunchQueue:
    """Return the launch queue at `now` (seconds since the epoch) of the `queued` previews.

    `of_app` returns all previews of an app, `pulls_of` its pull requests.
    """
    agents: dict[str, frozenset[str]] = {}
    demands: list[Demand] = []
    held_back: dict[Unit, str] = {}
    for unit, preview in sorted(queued, key=order):
        app = apps.get(preview.app)
        if app is None:
            held_back[unit] = UNREADABLE
        elif (
            not app.removed
            and preview.retry_at <= now
            and effective_settings.is_current(app, preview)
        ):
            if app.name not in agents:
                agents[app.name] = frozenset(p.agent_id for p in of_app(app.name) if p.agent_id)
            branch = branch_data.find_branch(preview, pulls_of(app.name))
            others = of_app(app.name) if branch else ()
            home = _find_home(preview, branch, others, now)
            demands.append(_demand(app, (unit, preview), agents[app.name], now, home=home))
    return LaunchQueue(tuple(demands), held_back)


def places(queued: Iterable[Queued], now: float) -> Mapping[Unit, int]:
    """Return the place in the queue of each preview that waits for an agent; 1 is the next.

    A preview in the pause before its next attempt has no place.
    """
    waits = [one for one in queued if one[1].retry_at <= now]
    return {unit: place for place, (unit, _) in enumerate(sorted(waits, key=order), 1)}


def find_pause_end(queued: Iterable[Queued], now: float) -> float:
    """Return when the first pause before an attempt ends; infinity if there is none."""
    pauses = (preview.retry_at for _, preview in queued if preview.retry_at > now)
    return min(pauses, default=math.inf)


def order(queued: Queued) -> tuple[int, float, float, str, str]:
    """Return the sort key of a queued preview. Unlike its place, it stays while it waits."""
    unit, preview = queued
    return (_RANKS[preview.ahead], preview.changed, preview.created, unit.app, unit.name)


def _demand(
    app: AppRecord, queued: Queued, agents: frozenset[str], now: float, *, home: Home | None
) -> Demand:
    unit, preview = queued
    cpus, mem = effective_settings.resources(app, preview.settings)
    return Demand(
        unit=unit,
        cpus=cpus,
        mem=mem,
        ports=effective_settings.count_ports(preview.settings),
        rank=_RANKS[preview.ahead],
        image_agent=preview.agent_id,
        previous_agents=agents,
        waits_for_image=preview.consecutive_losses == 0
        and now - preview.changed < IMAGE_WAIT_SECONDS,
        constraints=app.constraints,
        # Its data are worth another try, also where an attempt was lost.
        avoid_agent=None if home else preview.avoid_agent,
        since=_find_since(preview),
        home=home,
    )


def _find_since(preview: PreviewRecord) -> float:
    return max(preview.changed, preview.retry_at)


def _find_home(
    preview: PreviewRecord, branch: str, previews: Collection[PreviewRecord], now: float
) -> Home | None:
    """Return the agent that a preview does not leave for the first; None if it may go anywhere.

    `previews` are those of its app. One that is built ahead has no visitor: it would not stay for
    its own volumes, and does not begin the data of its branch anew.
    """
    is_late = now - _find_since(preview) >= STAY_SECONDS
    stays = bool(preview.settings and preview.settings.run.stay)
    of_branch, of_own = not is_late or preview.ahead, stays and not is_late and not preview.ahead
    waits = of_branch if branch else of_own
    keeper = volumes.find_keeper(preview, branch, previews) if waits else None
    return (
        Home(keeper.agent_id, keeper.host or keeper.agent_id, branch=keeper.branch)
        if keeper
        else None
    )
