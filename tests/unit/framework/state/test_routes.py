"""Stopping in order: placement gone, applied by the proxies, drained, killed; then the port."""

from concurrent.futures import Future

from framework import events
from framework.matching.limits import Limits
from framework.units.transitions import Failed
from prevs.records import Failure, PlacementsRecord, PreviewRecord, ProxyRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, Driven
from tests.fakes.mishaps import Fate

DRAIN = Limits().drain


def proxy(version: int, *holding: str) -> ProxyRecord:
    return ProxyRecord({"hello": version}, holding)


def test_stopping_waits_until_every_live_proxy_has_removed_the_route(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [ProxyRecord({"hello": 0}), ProxyRecord({"hello": 1})]
    driven.stop()
    driven.tick(0.5)
    assert driven.cluster.of("kill") == []
    driven.znodes.proxies[0] = ProxyRecord({"hello": 1})
    driven.tick(0.1)
    assert len(driven.cluster.of("kill")) == 1


def test_a_port_is_not_assigned_again_before_the_proxies_have_removed_its_route(
    driven: Driven,
) -> None:
    driven.run()
    driven.znodes.proxies = [ProxyRecord({"hello": 0})]
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.BUILD_FAILED)
    driven.start(B, "other")
    driven.offer("o2")
    assert driven.preview(B).host_port == 31001


def test_open_requests_delay_the_kill_and_the_port_until_they_end(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [proxy(0), proxy(0)]
    driven.stop()
    driven.znodes.proxies = [proxy(1), proxy(1, driven.task())]
    driven.tick(DRAIN / 2)
    assert driven.cluster.of("kill") == []
    driven.start(B, "other")
    driven.offer("o2")
    assert driven.preview(B).host_port == 31001
    driven.znodes.proxies[1] = proxy(1, driven.task(B))
    driven.tick()
    assert driven.cluster.of("kill") == [(driven.task(), "agent-1")]


def test_open_requests_delay_it_no_longer_than_the_limit(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [proxy(0)]
    driven.stop()
    driven.znodes.proxies = [proxy(1, driven.task())]
    driven.tick(DRAIN - 0.1)
    assert driven.cluster.of("kill") == []
    driven.tick(0.1)
    assert len(driven.cluster.of("kill")) == 1


def test_draining_requests_are_checked_at_a_slow_pace(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [proxy(0, driven.task())]
    driven.stop()
    assert driven.records.routes.awaits_proxies()
    driven.tick(2)
    assert not driven.records.routes.awaits_proxies()
    assert driven.cluster.of("kill") == []


def test_a_new_framework_kills_nothing_that_proxies_still_route_to(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [proxy(0)]
    driven.stop()
    task = driven.task()
    again = Driven(driven.znodes, driven.clock)
    assert again.cluster.of("kill") == []
    driven.znodes.proxies[0] = proxy(1, task)
    again.tick(DRAIN - 1)
    assert again.cluster.of("kill") == []
    driven.znodes.proxies[0] = proxy(1)
    again.tick()
    assert again.cluster.of("kill") == [(task, "agent-1")]


def test_a_new_framework_removes_an_existing_placement_first(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [proxy(0)]

    def stop_and_lose_the_store() -> None:
        driven.service.commands.stop("hello", A)
        driven.store.away = True

    driven.call(stop_and_lose_the_store)
    assert driven.placements() == {A: ("main",)}
    again = Driven(driven.znodes, driven.clock)
    assert again.preview().state is State.DRAINING
    assert again.placements() == {}
    assert again.cluster.of("kill") == []
    driven.znodes.proxies[0] = proxy(1)
    again.tick(0.1)
    assert len(again.cluster.of("kill")) == 1


def test_a_step_without_a_change_of_an_app_writes_nothing_of_it(driven: Driven) -> None:
    driven.run()
    before = [r for r in driven.store.written if isinstance(r, PlacementsRecord)]
    driven.start(B, "other")
    driven.tick()
    assert [r for r in driven.store.written if isinstance(r, PlacementsRecord)] == before


def test_a_routed_port_is_in_use_until_its_removal_is_written(driven: Driven) -> None:
    driven.run()
    place = (driven.preview().agent_host, driven.preview().host_port)

    def lose_it() -> object:
        failure = Failure(Cause.START_FAILED, "It broke.")
        driven.records.change(driven.preview(), Failed(failure))
        return set(driven.records.routes.in_use())

    assert driven.call(lose_it) == {place}
    assert not set(driven.records.routes.in_use())


def test_a_finished_command_is_visible_in_the_placements(driven: Driven) -> None:
    driven.run()
    found: list[object] = []
    answer: Future[PreviewRecord] = Future()
    answer.add_done_callback(lambda _: found.append(driven.placements()))
    driven.step(events.Call(lambda: driven.service.commands.start("hello", A, "v1"), answer))
    assert found == [{A: ("main", "v1")}]


NO_ANSWER = [Fate.GOOD, Fate.UNANSWERED, *[Fate.REFUSED] * 2]
"""The record is written; the placements are too, but nobody says so for a whole step."""


def test_a_placement_that_may_be_stored_is_withdrawn_before_the_kill(driven: Driven) -> None:
    driven.place()
    driven.mishaps.plan([Fate.GOOD, *NO_ANSWER])  # where agents have ports is written between
    driven.report("TASK_RUNNING", Phase.RUNNING)
    driven.znodes.proxies = [ProxyRecord({"hello": 0})]
    driven.stop()
    assert driven.placements() == {}
    driven.tick(1.9)
    assert driven.cluster.of("kill") == []
    driven.tick(0.2)
    assert len(driven.cluster.of("kill")) == 1


def test_a_placement_that_may_be_gone_is_written_again(driven: Driven) -> None:
    driven.run()
    driven.mishaps.plan(NO_ANSWER)
    driven.update("TASK_UNREACHABLE")
    assert driven.placements() == {}
    driven.update("TASK_RUNNING")
    assert driven.placements() == {A: ("main",)}


def test_placements_name_a_newer_commit_that_failed_and_when_it_is_retried(driven: Driven) -> None:
    driven.run()
    driven.place(B, "main")
    assert stored(driven).failed == {}
    driven.report("TASK_FAILED", Phase.ENDED, sha=B, cause=Cause.BUILD_FAILED)
    assert stored(driven).failed == {"main": B}
    assert stored(driven).placements[A].labels == ("main",)
    driven.retry(B)
    assert stored(driven).failed == {}


def stored(driven: Driven) -> PlacementsRecord:
    record, _ = driven.znodes.records["placements", "hello"]
    assert isinstance(record, PlacementsRecord)
    return record
