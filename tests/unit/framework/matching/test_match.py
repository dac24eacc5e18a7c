from collections.abc import Iterable, Mapping, Sequence

import pytest

from framework.matching import resources
from framework.matching.agents import Home
from framework.matching.limits import Limits
from framework.matching.match import Demand, InUse, Match
from framework.matching.match import match as decide
from framework.matching.quotas import Quotas
from framework.matching.refusals import Shortage
from framework.matching.resources import Offer
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import Unit, job_unit, preview_unit
from tests.fakes.offers import offer, quotas

A, B, C = "a" * 40, "b" * 40, "c" * 40
UNIT_A, UNIT_B, UNIT_C = (preview_unit("hello", sha) for sha in (A, B, C))
NOW = 5000.0


def demand(sha: str = A, cpus: float = 0.1, mem: int = 128, **more: object) -> Demand:
    return Demand(preview_unit("hello", sha), cpus=cpus, mem=mem, **more)  # type: ignore[arg-type] # fields vary per test


def match(
    waiting: Sequence[Demand],
    offers: Sequence[Offer],
    used: Iterable[tuple[str, int]],
    *,
    kept: Mapping[Unit, str] | None = None,
    limits: Quotas | None = None,
) -> Match:
    in_use = InUse(used, kept or {})
    return decide(waiting, offers, in_use, quotas=limits or quotas(), now=NOW)


def test_a_preview_takes_its_cpus_its_memory_and_a_port() -> None:
    (launch,) = match([demand()], [offer()], ()).launches
    assert resources.total(launch.task_resources, "cpus") == 0.1
    assert resources.total(launch.task_resources, "mem") == 128
    assert [list(span) for span in resources.free_ports(launch.task_resources)] == [[31000]]
    assert launch.ports == (31000,)


def test_a_demand_gets_as_many_ports_as_it_asks_for() -> None:
    none, two = match([demand(A, ports=0), demand(B, ports=2)], [offer(end=31001)], ()).launches
    assert (none.ports, two.ports) == ((), (31000, 31001))
    assert resources.free_ports(none.task_resources) == ()
    assert [list(span) for span in resources.free_ports(two.task_resources)] == [[31000], [31001]]


def test_an_agent_without_a_port_takes_only_what_needs_none() -> None:
    full = [("127.0.0.1", 31000)]
    waiting = [demand(A), demand(B, ports=0)]
    decision = match(waiting, [offer(end=31000)], full)
    assert [launch.demand.unit for launch in decision.launches] == [UNIT_B]
    assert "has a free port" in decision.refusals[UNIT_A].reason


def test_the_executor_takes_its_own_share_beside_the_preview() -> None:
    (launch,) = match([demand()], [offer()], ()).launches
    assert resources.total(launch.executor_resources, "cpus") == 0.01
    assert resources.total(launch.executor_resources, "mem") == 64


@pytest.mark.parametrize(
    ("wanted", "offers", "reason"),
    [
        (demand(mem=2048), [offer(mem=1600), offer("o2", agent="agent-2", mem=512)],
         "No agent has 2048 MB free; the most is 1536."),
        (demand(cpus=2), [offer(cpus=1.51)], "No agent has 2 CPUs free; the most is 1.5."),
        (demand(cpus=1), [offer(mem=64), offer("o2", agent="agent-2", cpus=0.1)],
         "No agent has 1 CPUs and 128 MB free at once."),
        (demand(), [offer(begin=5, end=5)],
         "No agent with enough CPUs and memory has a free port."),
        (demand(), [], "No agent offers anything now."),
        (demand(constraints=("zone=c",)), [offer(), offer("o2", attributes={"zone": "b"})],
         "No agent that offers anything has zone=c."),
    ],
)  # fmt: skip
def test_the_reason_names_the_missing_resource(
    wanted: Demand, offers: Sequence[Offer], reason: str
) -> None:
    assert match([wanted], offers, [("127.0.0.1", 5)]).refusals[UNIT_A].reason == reason


def test_a_port_in_use_on_that_host_is_not_assigned_again() -> None:
    used = [("127.0.0.1", 31000), ("127.0.0.2", 31001)]
    (launch,) = match([demand()], [offer()], used).launches
    assert launch.ports == (31001,)


def test_two_agents_of_one_host_never_use_the_same_port() -> None:
    offers = [offer("o1", mem=200), offer("o2", agent="agent-2", mem=200)]
    one, two = match([demand(A), demand(B)], offers, ()).launches
    assert (one.agent_id, two.agent_id) == ("agent-1", "agent-2")
    assert (one.ports, two.ports) == ((31000,), (31001,))


def test_two_previews_on_one_agent_get_ports_and_resources_of_their_own() -> None:
    one, two = match([demand(A), demand(B)], [offer(cpus=0.22, mem=384)], ()).launches
    assert (one.ports, two.ports) == ((31000,), (31001,))
    assert match([demand(A), demand(B), demand(C)], [offer(cpus=0.22, mem=384)], ()).refusals


def test_all_offers_of_an_agent_are_used_together() -> None:
    offers = [offer("o1", mem=110), offer("o2", mem=110, begin=1, end=1)]
    (launch,) = match([demand(mem=150)], offers, ()).launches
    assert resources.total(launch.task_resources, "mem") == 150


@pytest.mark.parametrize(
    "wanted",
    [
        demand(image_agent="agent-2", previous_agents=frozenset({"agent-1"})),
        demand(previous_agents=frozenset({"agent-2"})),
        demand(constraints=("zone=a|b",)),
        demand(
            image_agent="agent-1", previous_agents=frozenset({"agent-1"}), avoid_agent="agent-1"
        ),
    ],
    ids=["it has the image", "it has built the app", "it meets the constraints", "to avoid one"],
)
def test_a_preferred_agent_is_chosen_before_the_fullest(wanted: Demand) -> None:
    offers = [offer("o1", mem=300), offer("o2", agent="agent-2", attributes={"zone": "b"})]
    (launch,) = match([wanted], offers, ()).launches
    assert launch.agent_id == "agent-2"


def test_the_fullest_agent_is_chosen_so_that_large_previews_still_find_room() -> None:
    offers = [offer("o1"), offer("o2", agent="agent-2", mem=300)]
    (launch,) = match([demand()], offers, ()).launches
    assert launch.agent_id == "agent-2"


def test_a_patient_preview_waits_for_the_agent_that_has_its_image() -> None:
    decision = match([demand(image_agent="agent-9", waits_for_image=True)], [offer()], ())
    assert not decision.launches
    assert decision.refusals[UNIT_A].hold_offers


def test_a_preview_that_has_waited_long_enough_goes_elsewhere() -> None:
    assert match([demand(image_agent="agent-9")], [offer()], ()).launches


def test_a_small_preview_passes_a_large_one_that_fits_nowhere() -> None:
    decision = match([demand(A, mem=9999), demand(B)], [offer()], ())
    assert [launch.demand.unit.name for launch in decision.launches] == [B]
    assert set(decision.refusals) == {UNIT_A}


def test_an_unknown_constraint_is_reported() -> None:
    refusal = match([demand(constraints=("zone<3",))], [offer()], ()).refusals[UNIT_A]
    assert "'zone<3' is not a constraint" in refusal.reason


def test_an_agent_shortly_before_maintenance_is_not_used() -> None:
    offers = [offer("o1", mem=300, away=NOW + 3599), offer("o2", agent="agent-2", away=NOW + 3600)]
    (launch,) = match([demand(image_agent="agent-1")], offers, ()).launches
    assert launch.agent_id == "agent-2"
    refusal = match([demand()], offers[:1], ()).refusals[UNIT_A]
    assert "maintenance within the hour" in refusal.reason
    assert match([demand()], [offer(away=NOW - 9)], ()).refusals


def test_the_agent_of_a_lost_attempt_is_used_where_no_other_matches() -> None:
    offers = [offer("o1"), offer("o2", agent="agent-2", mem=64)]
    (launch,) = match([demand(avoid_agent="agent-1")], offers, ()).launches
    assert launch.agent_id == "agent-1"


def starting(number: int) -> list[PreviewRecord]:
    return [
        PreviewRecord("other", f"{n:040}", State.BUILDING, agent_id="agent-1")
        for n in range(number)
    ]


def test_the_starts_at_once_on_an_agent_are_limited() -> None:
    limits = quotas(starting(3), Limits(starts_per_agent=4, starts_per_app=9))
    decision = match([demand(A), demand(B)], [offer()], (), limits=limits)
    assert [launch.demand.unit.name for launch in decision.launches] == [A]
    assert decision.refusals[UNIT_B].shortage is Shortage.TURN
    assert "is starting others now" in decision.refusals[UNIT_B].reason


def test_a_preview_that_may_start_on_another_agent_does_not_wait_for_its_turn() -> None:
    limits = quotas(starting(4), Limits(starts_per_agent=4, starts_per_app=9))
    offers = [offer("o1", mem=300), offer("o2", agent="agent-2")]
    (launch,) = match([demand(image_agent="agent-1")], offers, (), limits=limits).launches
    assert launch.agent_id == "agent-2"


def test_the_starts_at_once_of_an_app_are_limited() -> None:
    limits = quotas((), Limits(starts_per_app=2))
    decision = match([demand(A), demand(B), demand(C)], [offer()], (), limits=limits)
    assert len(decision.launches) == 2
    assert decision.refusals[UNIT_C].reason == (
        "2 previews of hello are starting; it starts when one of them is done."
    )


def test_the_limits_of_an_app_and_of_all_count_launched_previews() -> None:
    decision = match([demand(A), demand(B)], [offer()], (), limits=quotas(max_previews=1))
    assert decision.refusals[UNIT_B].shortage is Shortage.APP_SLOT
    limits = quotas((), Limits(previews=1))
    decision = match([demand(A), demand(B)], [offer()], (), limits=limits)
    assert decision.refusals[UNIT_B].shortage is Shortage.SLOT


def test_a_preview_that_fits_nowhere_uses_up_no_limit() -> None:
    decision = match([demand(A, mem=9999), demand(B)], [offer()], (), limits=quotas(max_previews=1))
    assert [launch.demand.unit.name for launch in decision.launches] == [B]


def test_room_reserved_for_one_preview_is_not_given_to_others() -> None:
    offers = [offer("o1"), offer("o2", agent="agent-2")]
    kept = {UNIT_B: "agent-1"}
    decision = match(
        [demand(A, image_agent="agent-1"), demand(B, image_agent="agent-2")], offers, (), kept=kept
    )
    assert [launch.agent_id for launch in decision.launches] == ["agent-2", "agent-1"]
    assert match([demand(A)], offers[:1], (), kept=kept).refusals[UNIT_A].shortage is Shortage.ROOM


def test_the_rest_of_each_agent_is_reported() -> None:
    decision = match([demand(mem=128)], [offer(mem=1000, cpus=1, begin=1, end=3)], ())
    space = decision.agents["agent-1"].space(4)
    assert (space.mem, space.cpus, space.ports, space.starts) == (808, 0.89, 2, 4)


@pytest.mark.parametrize(
    ("room", "cpus", "shortage"),
    [
        (128 + 64, 0.1, None),
        (128 + 63, 0.1, Shortage.JOB_ROOM),
        (128 + 63, 3.99, Shortage.JOB_ROOM),
        (128 + 63, 4.0, Shortage.ROOM),
    ],
    ids=["enough", "the share is used", "on the last CPUs", "there are too few CPUs too"],
)
def test_a_job_takes_no_more_than_what_jobs_may_have(
    room: int, cpus: float, shortage: Shortage | None
) -> None:
    job = Demand(job_unit("hello", "j1"), cpus=cpus, mem=128, ports=0)
    decision = decide(
        [job], [offer()], InUse(job_room={"agent-1": room}), quotas=quotas(max_jobs=9), now=NOW
    )
    refusal = decision.refusals.get(job.unit)
    assert (refusal.shortage if refusal else None) is shortage
    if shortage is Shortage.JOB_ROOM:
        assert "PREVS_JOBS_SHARE" in decision.refusals[job.unit].reason


def test_each_job_takes_from_what_jobs_may_have_and_a_preview_does_not() -> None:
    jobs = [Demand(job_unit("hello", name), cpus=0.1, mem=128, ports=0) for name in ("j1", "j2")]
    in_use = InUse(job_room={"agent-1": 2 * (128 + 64) - 1})
    decision = decide([demand(), *jobs], [offer()], in_use, quotas=quotas(max_jobs=9), now=NOW)
    assert [launch.demand.unit.name for launch in decision.launches] == [A, "j1"]
    assert decision.refusals[jobs[1].unit].shortage is Shortage.JOB_ROOM


def test_what_jobs_may_not_have_is_no_reason_for_a_preview() -> None:
    """Its room is there; it lacks a port."""
    in_use = InUse(ports=[("127.0.0.1", 5)], job_room={"agent-1": 0})
    decision = decide([demand()], [offer(begin=5, end=5)], in_use, quotas=quotas(), now=NOW)
    assert "has a free port" in decision.refusals[UNIT_A].reason


SICK = {"agent-2": "Docker does not answer."}


@pytest.mark.parametrize(
    ("cpus", "mem", "is_named"),
    [(1.49, 136, True), (1.5, 136, False), (1.49, 137, False)],
)
def test_an_unfit_agent_is_named_where_it_has_room(cpus: float, mem: int, is_named: bool) -> None:
    offers = [offer(cpus=0.05), offer("o2", agent="agent-2", host="h2", cpus=1.5, mem=200)]
    decision = decide(
        [demand(cpus=cpus, mem=mem)], offers, InUse(unfit=SICK), quotas=quotas(), now=NOW
    )
    named = "h2 is unfit: Docker does not answer." in decision.refusals[UNIT_A].reason
    assert named is is_named


def test_if_no_agent_is_fit_three_of_them_are_named() -> None:
    names = [f"agent-{number}" for number in range(5)]
    offers = [offer(f"o{name}", agent=name, host=f"h-{name}") for name in names]
    decision = decide(
        [demand()], offers, InUse(unfit=dict.fromkeys(names, "Bad.")), quotas=quotas(), now=NOW
    )
    assert decision.refusals[UNIT_A].reason == (
        "No agent is fit for it just now. h-agent-0 is unfit: Bad. h-agent-1 is unfit: Bad. "
        "h-agent-2 is unfit: Bad."
    )


HOME = Home("agent-1", "10.0.0.1")


@pytest.mark.parametrize(
    ("offers", "why"),
    [
        ([offer(agent="agent-9")], "it offers nothing now"),
        ([offer(away=NOW)], "it goes into maintenance within the hour"),
        ([offer(mem=191.5)], "it has 127 MB and 3.99 CPUs free, and this preview needs 128 MB and "
         "0.1 CPUs"),
        ([offer(cpus=0.1)], "it has 4032 MB and 0.09 CPUs free, and this preview needs 128 MB and "
         "0.1 CPUs"),
        ([offer(begin=5, end=5)], "it has too few free ports, or its room is kept for another one"),
    ],
)  # fmt: skip
def test_a_preview_at_home_waits_there_and_says_why(offers: Sequence[Offer], why: str) -> None:
    refusal = match([demand(home=HOME)], offers, [("127.0.0.1", 5)]).refusals[UNIT_A]
    assert refusal.shortage is Shortage.HOME
    assert refusal.reason.startswith(
        f"It waits for the agent 10.0.0.1, which has its volumes: {why}."
    )


def test_a_preview_at_home_takes_the_last_of_it_and_its_turn() -> None:
    assert match([demand(home=HOME)], [offer(cpus=0.11, mem=192)], ()).launches
    sick = InUse(unfit={"agent-1": "Docker does not answer."})
    refusal = decide([demand(home=HOME)], [offer()], sick, quotas=quotas(), now=NOW)
    assert "it is unfit (Docker does not answer)" in refusal.refusals[UNIT_A].reason
    limits = quotas(starting(1), Limits(starts_per_agent=1, starts_per_app=9))
    decision = match([demand(home=HOME)], [offer()], (), limits=limits)
    assert decision.refusals[UNIT_A].shortage is Shortage.TURN
    assert "it is starting others now" in decision.refusals[UNIT_A].reason
    kept = match([demand(home=HOME)], [offer()], (), kept={UNIT_B: "agent-1"})
    assert kept.refusals[UNIT_A].shortage is Shortage.HOME
    assert match([demand(home=HOME)], [offer()], (), kept={UNIT_A: "agent-1"}).launches


def test_the_image_counts_before_the_app_and_then_the_least_free_memory() -> None:
    offers = [
        offer(f"o{n}", agent=f"agent-{n}", mem=mem) for n, mem in ((1, 300), (2, 900), (3, 600))
    ]
    both = frozenset({"agent-2", "agent-3"})
    for wanted, chosen in (
        (demand(previous_agents=both), "agent-3"),
        (demand(previous_agents=both, image_agent="agent-2"), "agent-2"),
        (demand(previous_agents=both, avoid_agent="agent-3"), "agent-2"),
        (demand(avoid_agent="agent-1"), "agent-3"),
        (demand(mem=600), "agent-2"),
    ):
        (launch,) = match([wanted], offers, ()).launches
        assert launch.agent_id == chosen
