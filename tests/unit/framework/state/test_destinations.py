import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import events
from framework.state import destinations
from prevs.records import AgentsRecord, PlacementsRecord, PortRange
from prevs.signatures import are_agents_signed, derive_key, is_placement_signed
from tests.fakes.driven import A, B, Driven
from tests.fakes.placements import KEY

ranges = st.lists(
    st.builds(lambda a, n: PortRange(a, a + n), st.integers(1, 60), st.integers(0, 9)), max_size=8
)


def written(driven: Driven) -> AgentsRecord:
    record = driven.znodes.values()["agents",]
    assert isinstance(record, AgentsRecord)
    assert are_agents_signed((KEY,), record)
    return record


def placed(driven: Driven) -> PlacementsRecord:
    record = driven.znodes.values()["placements", "hello"]
    assert isinstance(record, PlacementsRecord)
    return record


def test_an_agents_ports_are_written_before_a_placement_uses_them(driven: Driven) -> None:
    driven.run()
    place = placed(driven).placements[A]
    spans = written(driven).ports[place.host]
    assert any(span.begin <= place.port <= span.end for span in spans)
    kinds = [type(record) for record in driven.store.written]
    assert kinds.index(AgentsRecord) < kinds.index(PlacementsRecord)


def test_placements_are_signed(driven: Driven) -> None:
    driven.run()
    record = placed(driven)
    place, signature = record.placements[A], record.signatures[A]
    assert is_placement_signed((KEY,), "hello", A, place, signature=signature)


def test_the_same_offer_again_writes_nothing(driven: Driven) -> None:
    driven.run()
    count = driven.store.written.count(written(driven))
    driven.offer("o7")
    assert driven.store.written.count(written(driven)) == count == 1


def test_a_lost_agent_is_forgotten_unless_it_has_a_task(driven: Driven) -> None:
    driven.offer("o7", agent="agent-2", host="127.0.0.7")
    driven.run()
    before = written(driven).ports
    assert set(before) == {placed(driven).placements[A].host, "127.0.0.7"}
    driven.step(events.AgentFailed("agent-2", None))
    driven.step(events.AgentFailed("agent-1", None))
    driven.run(B, "other")
    assert set(written(driven).ports) == {placed(driven).placements[B].host}


def test_a_record_that_somebody_else_wrote_is_written_again(driven: Driven) -> None:
    driven.run()
    good = written(driven), placed(driven)
    for key, record in (
        (("agents",), AgentsRecord({"10.9.9.9": (PortRange(1, 65535),)}, "0" * 64)),
        (("placements", "hello"), replace(good[1], signatures={})),
    ):
        _, version = driven.znodes.records[key]
        driven.znodes.records[key] = (record, version + 1)
    again = Driven(driven.znodes, driven.clock)
    again.tick()
    assert "10.9.9.9" not in written(again).ports
    assert placed(again) == good[1]


def test_the_right_ports_with_another_signature_are_signed_again(driven: Driven) -> None:
    driven.run()
    place = placed(driven).placements[A]
    _, version = driven.znodes.records["agents",]
    forged = AgentsRecord({place.host: (PortRange(place.port, place.port),)}, "0" * 64)
    driven.znodes.records["agents",] = (forged, version + 1)
    again = Driven(driven.znodes, driven.clock)
    again.stop()
    written(again)


def test_a_new_framework_keeps_hosts_with_tasks_and_forgets_others(driven: Driven) -> None:
    driven.offer("o7", agent="agent-2", host="127.0.0.7")
    driven.run()
    before = written(driven).ports
    assert "127.0.0.7" in before
    again = Driven(driven.znodes, driven.clock)
    again.run(B, "other")
    host = placed(again).placements[A].host
    assert written(again).ports == {host: before[host]}


def test_during_a_change_of_the_token_ports_signed_with_the_other_stay_and_are_signed_again() -> (
    None
):
    former, next_one = derive_key("former"), derive_key("next")
    driven = Driven(signed_with=(former,))
    driven.add_app()
    driven.run()
    before = driven.znodes.values()["agents",]
    assert isinstance(before, AgentsRecord)
    [spans] = before.ports.values()
    assert spans[0].begin < spans[0].end, "more than where a task is"
    for keys in ((former, next_one), (next_one, former), (next_one,)):
        driven = Driven(driven.znodes, driven.clock, signed_with=keys)
        driven.tick()
        found = driven.znodes.values()["agents",]
        assert isinstance(found, AgentsRecord)
        assert found.ports == before.ports
        assert are_agents_signed(keys[:1], found)
    other = Driven(driven.znodes, driven.clock, signed_with=(former,))
    other.tick()
    found = other.znodes.values()["agents",]
    assert isinstance(found, AgentsRecord)
    assert found.ports != before.ports, "records with another signature are ignored"


@pytest.mark.parametrize("stored", [{}, {"10.0.0.9": (PortRange(1, 9),)}])
def test_a_port_that_nobody_offered_counts_too(stored: dict[str, tuple[PortRange, ...]]) -> None:
    places = [("10.0.0.1", 31000), ("10.0.0.1", 31001), ("10.0.0.2", 5)]
    assert destinations.keep(stored, places) == {
        "10.0.0.1": (PortRange(31000, 31001),),
        "10.0.0.2": (PortRange(5, 5),),
    }


@given(ranges)
def test_merged_ranges_have_the_same_ports_and_do_not_touch(spans: list[PortRange]) -> None:
    def ports(some: object) -> set[int]:
        assert isinstance(some, (list, tuple))
        return {port for span in some for port in range(span.begin, span.end + 1)}

    merged = destinations.merge(spans)
    assert ports(merged) == ports(spans)
    assert all(a.end + 1 < b.begin for a, b in itertools.pairwise(merged))
