"""Builds ahead never take what visitors need, whatever the load is."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM, Space
from framework.matching.launch_queue import Queued, places
from framework.matching.limits import Limits
from framework.matching.match import Demand, InUse, Match, Rank, match
from framework.matching.preemption import Candidate, Turn, UnmetDemand, plan
from framework.matching.quotas import AHEAD_IN_ALL, AHEAD_PER_APP, Quotas
from framework.matching.refusals import NO_ROOM_AHEAD, VISITORS_WAIT, Refusal, Shortage
from framework.matching.resources import Offer
from framework.units.lifecycle import STARTING, WITH_TASK
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.offers import offer

APPS = {name: AppRecord(name, "/srv/git", max_previews=3) for name in ("hello", "shop")}
LIMITS = Limits(previews=5, starts_per_agent=2, starts_per_app=2)


class Load(NamedTuple):
    """What runs already, what is offered, who waits, and what is to be built ahead."""

    previews: Sequence[PreviewRecord]
    offers: Sequence[Offer]
    visitors: Sequence[Demand]
    ahead: Sequence[Demand]

    def quotas(self) -> Quotas:
        return Quotas(
            APPS,
            with_task=[one for one in self.previews if one.state in WITH_TASK],
            starting=[one for one in self.previews if one.state in STARTING],
            limits=LIMITS,
        )

    def match(self, *demands: Demand, quotas: Quotas | None = None) -> Match:
        return match(demands, self.offers, InUse(), quotas=quotas or self.quotas(), now=0.0)


apps = st.sampled_from(sorted(APPS))
agents = st.sampled_from(["agent-1", "agent-2", "agent-3"])
sizes = st.sampled_from([128, 192])
previews = st.builds(
    PreviewRecord,
    app=apps,
    sha=st.uuids().map(str),
    state=st.sampled_from([State.PLACED, State.BUILDING, State.RUNNING, State.DRAINING]),
    agent_id=agents,
    ahead=st.booleans(),
)
offers = st.dictionaries(
    agents,
    st.tuples(st.sampled_from([192, 256, 384, 640]), st.integers(31000, 31002)),
    min_size=1,
    max_size=2,
).map(
    lambda of: [
        offer(f"o{name}", agent=name, host=f"host-{name}", cpus=1, mem=mem, end=end)
        for name, (mem, end) in of.items()
    ]
)


def demands(rank: Rank, least: int, most: int) -> st.SearchStrategy[list[Demand]]:
    one = st.builds(
        Demand,
        unit=st.builds(preview_unit, apps, st.uuids().map(str)),
        cpus=st.sampled_from([0.05, 0.1]),
        mem=sizes,
        ports=st.just(1),
        previous_agents=st.frozensets(agents, max_size=1),
        rank=st.just(rank),
    )
    return st.lists(one, min_size=least, max_size=most)


loads = st.builds(
    Load,
    st.lists(previews, max_size=6),
    offers,
    demands(Rank.AWAITED, 0, 4),
    demands(Rank.AHEAD, 0, 4),
)
quiet = st.builds(
    Load,
    st.lists(previews, min_size=2, max_size=4),
    offers,
    demands(Rank.AWAITED, 0, 1),
    demands(Rank.AHEAD, 1, 3),
)
"""Loads under which something is often built ahead."""


@given(loads)
def test_who_waits_gets_the_same_with_and_without_builds_ahead(load: Load) -> None:
    alone, beside = load.match(*load.visitors), load.match(*load.visitors, *load.ahead)
    assert beside.launches[: len(alone.launches)] == alone.launches
    assert all(one.demand.rank is Rank.AHEAD for one in beside.launches[len(alone.launches) :])
    units = {one.unit for one in load.visitors}
    assert {k: why for k, why in beside.refusals.items() if k in units} == alone.refusals


@given(quiet, apps)
def test_the_next_visitor_finds_room_as_if_nothing_was_built_ahead(load: Load, app: str) -> None:
    visitor = Demand(preview_unit(app, "next"), cpus=0.05, mem=128)  # no build ahead is smaller
    without = load.match(*load.visitors, visitor)
    quotas = load.quotas()
    before = load.match(*load.visitors, *load.ahead, quotas=quotas)
    left = [Offer(one.id, one.id, one.host, tuple(one.resources)) for one in before.agents.values()]
    now = match([visitor], left, InUse(), quotas=quotas, now=0.0)
    if any(one.demand is visitor for one in without.launches):
        assert [one.demand for one in now.launches] == [visitor]


@given(quiet)
def test_builds_ahead_are_bounded(load: Load) -> None:
    found = load.match(*load.visitors, *load.ahead)
    new = [one for one in found.launches if one.demand.rank is Rank.AHEAD]
    old = [one for one in load.previews if one.ahead]
    for app in APPS:
        of_app = [one for one in old if one.app == app]
        added = sum(one.demand.unit.app == app for one in new)
        assert not added or len(of_app) + added <= AHEAD_PER_APP
    assert not new or len(old) + len(new) <= AHEAD_IN_ALL
    busy = {one.agent_id for one in old if one.state in STARTING}
    hosts = [one.agent_id for one in new]
    assert len(set(hosts)) == len(hosts)
    assert not busy & set(hosts)


candidates = st.lists(
    st.tuples(apps, agents, sizes, st.integers(1, 9), st.booleans()), max_size=8
).map(
    lambda rows: [
        Candidate(
            Turn.IDLE,
            0.0 if ahead else float(used),
            preview_unit(app, f"{number}"),
            agent,
            AppRecord(app, "/srv/git", mem=mem),
            None,
        )
        for number, (app, agent, mem, used, ahead) in enumerate(rows)
    ]
)


@given(candidates, sizes, st.sampled_from([Shortage.ROOM, Shortage.SLOT, Shortage.APP_SLOT]))
def test_nothing_that_was_visited_stops_if_builds_ahead_are_enough(
    running: list[Candidate], mem: int, shortage: Shortage
) -> None:
    need = [UnmetDemand(Demand(preview_unit("hello", "n"), cpus=0.1, mem=mem), shortage)]
    spaces = [Space(f"agent-{number}", mem=64.0, starts=1) for number in (1, 2, 3)]
    ahead = [one for one in running if not one.age]
    if plan(need, spaces, ahead).preemptions:
        (made,) = plan(need, spaces, running).preemptions
        assert all(not one.age for one in made.victims)


def built(app: str, *, state: State = State.BUILDING, agent: str = "agent-9") -> PreviewRecord:
    return PreviewRecord(app, "x", state, agent_id=agent, ahead=True)


def refusal(load: Load, *demands: Demand) -> Refusal:
    found = load.match(*demands)
    assert not [one for one in found.launches if one.demand.rank is Rank.AHEAD]
    return found.refusals[demands[-1].unit]


AHEAD = Demand(preview_unit("hello", "a"), cpus=0.1, mem=128, rank=Rank.AHEAD)
ROOMY = [offer()]


def test_it_waits_while_a_visitor_waits_for_room() -> None:
    large = Demand(preview_unit("shop", "v"), cpus=0.1, mem=9000)
    assert refusal(Load([], ROOMY, [], []), large, AHEAD) == VISITORS_WAIT


def test_it_waits_for_visitors_of_its_own_app_at_a_limit_but_not_for_others() -> None:
    full = [PreviewRecord("shop", f"{n}", State.RUNNING) for n in range(3)]
    load = Load(full, ROOMY, [], [])
    visitor = Demand(preview_unit("shop", "v"), cpus=0.1, mem=128)
    assert refusal(load, visitor, AHEAD._replace(unit=preview_unit("shop", "a"))) == VISITORS_WAIT
    assert [one.demand for one in load.match(visitor, AHEAD).launches] == [AHEAD]


@pytest.mark.parametrize(
    ("mem", "end", "is_placed"),
    [
        (2 * (128 + EXECUTOR_MEM), 31001, True),
        (2 * (128 + EXECUTOR_MEM) - 1, 31001, False),
        (2 * (128 + EXECUTOR_MEM), 31000, False),
    ],
)
def test_it_goes_only_where_one_more_like_it_has_room(mem: int, end: int, is_placed: bool) -> None:
    load = Load([], [offer(mem=mem, cpus=2 * (0.1 + EXECUTOR_CPUS), end=end)], [], [])
    found = load.match(AHEAD)
    assert bool(found.launches) is is_placed
    assert is_placed or found.refusals[AHEAD.unit] == NO_ROOM_AHEAD


@pytest.mark.parametrize(
    ("previews", "words"),
    [
        ([built("hello"), built("hello", state=State.RUNNING)], "2 of hello are being built"),
        ([PreviewRecord("hello", f"{n}", State.RUNNING) for n in range(2)], "max_previews (3)"),
        ([PreviewRecord("shop", f"{n}", State.RUNNING) for n in range(4)], "the last place"),
        ([built("hello", agent="agent-1")], NO_ROOM_AHEAD.reason),
    ],
)
def test_it_waits_with_the_reason(previews: list[PreviewRecord], words: str) -> None:
    assert words in refusal(Load(previews, ROOMY, [], []), AHEAD).reason


def test_it_has_the_last_place_in_the_queue_however_long_it_waits() -> None:
    def queued(sha: str, changed: float, *, ahead: bool = False) -> Queued:
        preview = PreviewRecord("hello", sha, State.QUEUED, changed=changed, ahead=ahead)
        return preview_unit("hello", sha), preview

    found = places([queued("old", 1.0, ahead=True), queued("b", 3.0), queued("a", 2.0)], 9.0)
    assert [unit.name for unit in sorted(found, key=lambda unit: found[unit])] == ["a", "b", "old"]


def test_one_starts_on_an_agent_at_a_time_and_two_of_an_app() -> None:
    more = [AHEAD._replace(unit=preview_unit("hello", sha)) for sha in "abc"]
    one = Load([], ROOMY, [], []).match(*more)
    assert [launch.demand.unit.name for launch in one.launches] == ["a"]
    agents = [offer(f"o{n}", agent=f"agent-{n}", host=f"host-{n}") for n in range(3)]
    several = Load([], agents, [], []).match(*more[:2])
    assert len({launch.agent_id for launch in several.launches}) == 2


def test_it_takes_no_turn_from_visitors() -> None:
    visitors = [Demand(preview_unit("shop", f"v{n}"), cpus=0.1, mem=128) for n in range(2)]
    load = Load([built("hello", agent="agent-1")], ROOMY, [], [])
    assert [one.demand for one in load.match(*visitors).launches] == visitors
