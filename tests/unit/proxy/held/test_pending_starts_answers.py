"""What is asked on behalf of those who wait, and who is told the answers, each once."""

import asyncio

import pytest

from prevs.records import Failure
from prevs.states import Cause
from proxy.held.pending_starts import Outcome
from proxy.model.errors import ApiAway
from proxy.model.preview import Preview
from proxy.model.problems import Problem
from tests.fakes.placements import OTHER_SHA, SHA
from tests.fakes.waits import HOST, ROUTE, Bench
from tests.loops import in_its_loop

FAILURE = Failure(Cause.APP_EXITED, "It exited.", 3)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


@in_its_loop
async def test_each_is_told_once(bench: Bench) -> None:
    outcomes: list[Outcome] = []
    bench.at.append((1.0, lambda: bench.table.replace({HOST: ROUTE})))
    bench.pending_starts.add(HOST, outcomes.append)
    await turn()
    assert outcomes == [ROUTE]
    bench.pending_starts.add(HOST, outcomes.append)
    await turn()
    bench.table.replace({})
    bench.table.replace({HOST: ROUTE})
    await turn()
    assert outcomes == [ROUTE, ROUTE]
    assert bench.outcomes == ["running"]
    assert bench.framework.world.count("start") == 1


@in_its_loop
async def test_at_the_end_nobody_is_told_and_nothing_is_asked(bench: Bench) -> None:
    outcomes: list[Outcome] = []
    bench.pending_starts.add(HOST, outcomes.append)
    await turn()
    bench.pending_starts.close()
    await turn()
    asked = len(bench.framework.world.asked)
    await turn()
    assert asked == len(bench.framework.world.asked)
    assert outcomes == []


@in_its_loop
async def test_who_asks_again_as_soon_as_it_was_told_waits_anew(bench: Bench) -> None:
    outcomes: list[Outcome] = []

    def add_again(_: Outcome) -> None:
        bench.table.replace({})
        bench.pending_starts.add(HOST, outcomes.append)

    bench.at.append((1.0, lambda: bench.table.replace({HOST: ROUTE})))
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    bench.pending_starts.add(HOST, add_again)
    await turn(60)
    assert outcomes == [ROUTE]


def test_one_that_was_routed_for_a_moment_is_waited_for_until_it_is_again(bench: Bench) -> None:
    def flicker() -> None:
        bench.table.replace({HOST: ROUTE})
        bench.table.replace({})

    bench.at.append((1.0, flicker))
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    assert bench.outcome() == ROUTE
    assert bench.now >= 3.0


@in_its_loop
async def test_a_start_goes_on_for_some_seconds_after_the_last_who_waited_and_no_longer(
    bench: Bench,
) -> None:
    bench.pending_starts.add(HOST, print)
    while bench.now < 10:
        await asyncio.sleep(0)
    bench.pending_starts.remove(HOST, print)
    while bench.now < 14:
        await asyncio.sleep(0)
    assert bench.outcomes == []
    await turn()
    assert bench.outcomes == ["left"]
    over = bench.now
    await turn(100)
    assert bench.now == over, "it is looked at no longer"
    assert bench.pending_starts.explain_timeout(HOST, 600).status == 503
    assert bench.framework.world.count("start") == 1


def test_a_framework_that_goes_away_later_is_waited_for_too(bench: Bench) -> None:
    bench.at.append((1.0, lambda: setattr(bench.framework, "away", True)))
    bench.at.append((9.0, lambda: setattr(bench.framework, "away", False)))
    bench.at.append((10.0, bench.move("failed", failure=FAILURE)))
    outcome = bench.outcome()
    assert isinstance(outcome, Problem)
    assert outcome.status == 502
    assert bench.framework.world.count("find") < 40, "it is not asked without a pause"


@in_its_loop
async def test_who_is_let_go_too_early_learns_how_far_it_is(bench: Bench) -> None:
    bench.at.append((0.4, bench.move("queued", reason="No agent has room.")))
    before = bench.pending_starts.explain_timeout(HOST, 600)
    bench.pending_starts.add(HOST, print)
    while bench.framework.world.count("find") < 2:
        await asyncio.sleep(0)
    outcome = bench.pending_starts.explain_timeout(HOST, 600)
    assert before.slug == outcome.slug
    assert "queued (No agent has room.)" in outcome.detail
    assert "queued" not in before.detail


@in_its_loop
async def test_once_it_was_retried_it_is_waited_for_again_and_why_it_failed_told_no_more(
    bench: Bench,
) -> None:
    bench.at.append((1.0, bench.move("failed", failure=FAILURE)))
    assert isinstance(await bench.wait(), Problem)
    assert bench.pending_starts.explain_timeout(HOST, 600).status == 502
    bench.framework.world.retry("hello", SHA)
    waits = asyncio.create_task(bench.wait())
    await turn()
    assert bench.pending_starts.explain_timeout(HOST, 600).status == 503
    bench.table.replace({HOST: ROUTE})
    assert await waits == ROUTE


@in_its_loop
async def test_of_those_that_failed_the_last_thousand_are_remembered(bench: Bench) -> None:
    hosts = [f"{number}.elsewhere" for number in range(1001)]
    for host in hosts:
        await bench.wait(host)
    assert [bench.pending_starts.explain_timeout(host, 0).status for host in hosts] == [503] + [
        404
    ] * 1000


def test_one_that_failed_before_is_told_with_its_log_if_there_is_one_still(bench: Bench) -> None:
    bench.framework.world.start("hello", "main")
    bench.move("failed", failure=FAILURE, log_tail="oh no")()
    read = bench.framework.read_log_end

    async def gone(app: str, sha: str) -> str:
        raise ApiAway("its agent does not answer")

    for read_end, tail in ((read, "oh no"), (gone, "")):
        bench.framework.read_log_end = read_end  # type: ignore[method-assign]
        outcome = bench.outcome()
        assert isinstance(outcome, Problem)
        assert (outcome.fields["cause"], outcome.fields["log_tail"]) == ("app-exited", tail)


@in_its_loop
async def test_an_answer_is_shared_for_a_moment_and_a_question_while_it_is_open(
    bench: Bench,
) -> None:
    find, opened = bench.framework.find, asyncio.Event()

    async def find_once_open(app: str, sha: str) -> Preview | None:
        found = await find(app, sha)
        await opened.wait()
        return found

    async def find_recent(sha: str = SHA) -> Preview | None:
        return await bench.pending_starts.find_recent("hello", sha)

    bench.framework.world.start("hello", "main")
    assert await find_recent() == await find_recent()
    assert bench.framework.world.count("find") == 1
    bench.framework.find = find_once_open  # type: ignore[method-assign]
    bench.now += 0.2
    leaves, stays = asyncio.create_task(find_recent()), asyncio.create_task(find_recent())
    await turn()
    bench.now += 10
    later = asyncio.create_task(find_recent())
    await turn()
    leaves.cancel()
    opened.set()
    assert await stays == await later
    assert bench.framework.world.count("find") == 2
    await find_recent(OTHER_SHA)
    assert list(bench.pending_starts._queries) == [("hello", OTHER_SHA)], "no older ones are kept"
