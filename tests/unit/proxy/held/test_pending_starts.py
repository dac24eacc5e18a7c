import asyncio

import pytest

from prevs.records import Failure
from prevs.states import Cause
from proxy.held.releases import Outcome
from proxy.model.preview import Preview
from proxy.model.problems import Problem
from tests.fakes.pending_starts import HOST, ROUTE, Bench
from tests.fakes.placements import OTHER_SHA, SHA
from tests.loops import in_its_loop


@pytest.mark.parametrize("refused", ["", "s"], ids=["a visitor", "refused by an earlier attempt"])
def test_a_routed_host_gets_its_route_without_a_call(bench: Bench, refused: str) -> None:
    bench.table.replace({HOST: ROUTE})
    assert bench.run(lambda: bench.wait(HOST, refused)) == ROUTE
    assert bench.framework.world.requests == []


@in_its_loop
async def test_the_outcome_of_each_start_is_counted_once(bench: Bench) -> None:
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    bench.framework.world.add("hello", "v1", OTHER_SHA)
    await asyncio.gather(*(bench.wait() for _ in range(5)))
    await bench.wait("nothing.hello.localhost")
    bench.add_and_remove("v1.hello.localhost")
    while len(bench.outcomes) < 3:
        await asyncio.sleep(0)
    assert bench.outcomes == ["running", "unknown-label", "left"]


@in_its_loop
async def test_any_number_of_waits_starts_the_preview_once(bench: Bench) -> None:
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    assert await asyncio.gather(*(bench.wait() for _ in range(100))) == [ROUTE] * 100
    assert bench.framework.world.count("start") == 1
    assert bench.framework.world.count("find") <= 3.0 / 0.4


@in_its_loop
async def test_hosts_of_one_preview_share_its_polls(bench: Bench) -> None:
    bench.framework.world.add("hello", "v1", SHA)
    other = "v1.hello.localhost"
    bench.at.append((4.0, lambda: bench.table.replace({HOST: ROUTE, other: ROUTE})))
    assert await asyncio.gather(*(bench.wait(h) for h in (HOST, other))) == [ROUTE, ROUTE]
    assert bench.framework.world.count("start") == 2
    assert bench.framework.world.count("find") <= 4.0 / 0.4 + 1


@pytest.mark.parametrize("refused", ["", "t"], ids=["a visitor", "a refused visitor"])
def test_a_failed_preview_is_reported_with_its_reason(bench: Bench, refused: str) -> None:
    if refused:
        bench.table.replace({HOST: ROUTE})
    failure = Failure(Cause.APP_EXITED, "It exited.", 3)
    bench.at.append((1.0, bench.move("failed", failure=failure, log_tail="oh no")))
    outcome = bench.run(lambda: bench.wait(HOST, refused))
    assert isinstance(outcome, Problem)
    assert outcome.status == 502
    assert (outcome.fields["cause"], outcome.fields["log_tail"]) == ("app-exited", "oh no")
    assert bench.pending_starts.explain_timeout(HOST, 600) == outcome
    assert refused or bench.now < 1.5


def test_a_host_that_is_not_an_address_causes_no_call(bench: Bench) -> None:
    outcome = bench.outcome("localhost")
    assert isinstance(outcome, Problem)
    assert outcome.status == 404
    assert bench.framework.world.requests == []


def test_a_start_waits_while_the_framework_is_away_for_a_moment(bench: Bench) -> None:
    bench.framework.away = True
    bench.at.append((5.0, lambda: setattr(bench.framework, "away", False)))
    bench.at.append((8.0, lambda: bench.table.replace({HOST: ROUTE})))
    assert bench.outcome() == ROUTE


def test_a_start_fails_with_a_retry_time_if_the_framework_stays_away(bench: Bench) -> None:
    bench.framework.away = True
    outcome = bench.outcome()
    assert isinstance(outcome, Problem)
    assert outcome.status == 503
    assert outcome.retry_after
    assert 10 < bench.now < 20


def test_a_preview_that_is_stopped_meanwhile_is_not_started_again(bench: Bench) -> None:
    bench.at.append((1.0, bench.move("stopped")))
    outcome = bench.outcome()
    assert isinstance(outcome, Problem)
    assert outcome.status == 503
    assert "stopped" in outcome.detail
    assert bench.framework.world.count("start") == 1


def test_a_preview_that_is_forgotten_meanwhile_is_requested_again(bench: Bench) -> None:
    bench.at.append((1.0, bench.framework.world.previews.clear))
    bench.at.append((2.0, lambda: bench.table.replace({HOST: ROUTE})))
    assert bench.outcome() == ROUTE
    assert bench.framework.world.count("start") == 2


def test_a_refused_request_starts_another_attempt_and_waits_for_it(bench: Bench) -> None:
    bench.table.replace({HOST: ROUTE})
    other = ROUTE._replace(task_id="u")
    bench.at.append((2.0, bench.move("queued")))
    bench.at.append((6.0, lambda: bench.table.replace({HOST: other})))
    assert bench.run(lambda: bench.wait(HOST, "t")) == other
    assert bench.framework.world.count("start") == 1
    assert bench.now >= 6.0


def test_a_refused_request_waits_until_the_same_attempt_accepts(bench: Bench) -> None:
    bench.table.replace({HOST: ROUTE})
    bench.at.append((4.0, lambda: setattr(bench, "takes", True)))
    assert bench.run(lambda: bench.wait(HOST, "t")) == ROUTE
    assert bench.now >= 4.0


@in_its_loop
async def test_a_removed_callback_is_not_called_and_the_others_are(bench: Bench) -> None:
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    outcomes: list[Outcome] = []
    bench.pending_starts.add(HOST, outcomes.append)
    staying = asyncio.create_task(bench.wait())
    await asyncio.sleep(0)
    bench.pending_starts.remove(HOST, outcomes.append)
    assert await staying == ROUTE
    assert outcomes == []


@in_its_loop
async def test_a_route_ends_a_wait_though_the_framework_does_not_answer(bench: Bench) -> None:
    never = asyncio.Event()

    async def start(app: str, label: str) -> Preview:
        await never.wait()
        raise AssertionError

    bench.framework.start = start  # type: ignore[method-assign]
    waits = asyncio.create_task(bench.wait())
    await asyncio.sleep(0)
    bench.table.replace({HOST: ROUTE})
    assert await waits == ROUTE


@in_its_loop
async def test_a_request_after_a_preview_stopped_starts_it_again(bench: Bench) -> None:
    async def pause(seconds: float) -> None:
        if seconds > 0.1:  # not a start's turn: all that follows is before the next look
            await asyncio.Event().wait()

    bench.pause_by(pause)
    outcomes = []
    async with asyncio.timeout(10):
        for count in (1, 2):
            waits = asyncio.create_task(bench.wait())
            while bench.framework.world.count("start") < count:
                await asyncio.sleep(0)
            bench.table.replace({HOST: ROUTE})
            outcomes.append(await waits)
            bench.table.replace({})
            bench.move("stopped")()
    assert outcomes == [ROUTE, ROUTE]


def test_a_defect_in_a_start_ends_the_wait_with_a_problem(bench: Bench) -> None:
    async def start(app: str, label: str) -> Preview:
        raise ZeroDivisionError

    bench.framework.start = start  # type: ignore[method-assign]
    outcome = bench.outcome()
    assert isinstance(outcome, Problem)
    assert outcome.status == 503


@in_its_loop
async def test_many_hosts_are_started_one_by_one_and_polled_less_often(bench: Bench) -> None:
    pauses: list[float] = []
    hosts = 300
    looks = hosts / 100

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if seconds >= looks:
            await asyncio.Event().wait()

    bench.pause_by(pause)
    for number in range(hosts):
        bench.framework.world.add("hello", f"b{number}", f"{number:040x}")
        bench.pending_starts.add(f"b{number}.hello.localhost", print)
    while pauses.count(looks) < hosts:
        await asyncio.sleep(0)
    assert bench.framework.world.count("start") == hosts
    assert 0.9 * looks < max(seconds for seconds in pauses if seconds < looks) < looks
