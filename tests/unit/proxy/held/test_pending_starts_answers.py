"""The calls on behalf of waiting requests, and their answers, each delivered once."""

import asyncio
import functools

import pytest

from framework.errors import AmbiguousLabel, FrameworkError, RepositoryUnreachable, UnknownLabel
from prevs.records import Failure
from prevs.states import Cause
from proxy.held.releases import Outcome
from proxy.model.errors import ApiAway
from proxy.model.pace import FIRST
from proxy.model.preview import Preview
from proxy.model.problems import Problem
from tests.fakes.pending_starts import HOST, ROUTE, Bench
from tests.fakes.placements import OTHER_SHA, SHA
from tests.loops import in_its_loop

FAILURE = Failure(Cause.APP_EXITED, "It exited.", 3)


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


@in_its_loop
async def test_each_callback_is_called_once(bench: Bench) -> None:
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
async def test_close_calls_no_callback_and_makes_no_call(bench: Bench) -> None:
    outcomes: list[Outcome] = []
    bench.pending_starts.add(HOST, outcomes.append)
    await turn()
    bench.pending_starts.close()
    await turn()
    calls = len(bench.framework.world.requests)
    await turn()
    assert calls == len(bench.framework.world.requests)
    assert outcomes == []


@in_its_loop
async def test_a_callback_that_adds_itself_again_begins_another_wait(bench: Bench) -> None:
    outcomes: list[Outcome] = []

    def add_again(_: Outcome) -> None:
        bench.table.replace({})
        bench.pending_starts.add(HOST, outcomes.append)

    bench.at.append((1.0, lambda: bench.table.replace({HOST: ROUTE})))
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    bench.pending_starts.add(HOST, add_again)
    await turn(60)
    assert outcomes == [ROUTE]


def test_a_host_that_was_routed_for_a_moment_is_waited_for_again(bench: Bench) -> None:
    def flicker() -> None:
        bench.table.replace({HOST: ROUTE})
        bench.table.replace({})

    bench.at.append((1.0, flicker))
    bench.at.append((3.0, lambda: bench.table.replace({HOST: ROUTE})))
    assert bench.outcome() == ROUTE
    assert bench.now >= 3.0


@in_its_loop
async def test_a_start_goes_on_for_some_seconds_after_the_last_wait(bench: Bench) -> None:
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


def test_a_poll_waits_while_the_framework_is_away_too(bench: Bench) -> None:
    bench.at.append((1.0, lambda: setattr(bench.framework, "away", True)))
    bench.at.append((9.0, lambda: setattr(bench.framework, "away", False)))
    bench.at.append((10.0, bench.move("failed", failure=FAILURE)))
    outcome = bench.outcome()
    assert isinstance(outcome, Problem)
    assert outcome.status == 502
    assert bench.framework.world.count("find") < 40, "it is not polled without a pause"


@in_its_loop
async def test_a_timeout_shows_the_progress_of_the_preview(bench: Bench) -> None:
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
async def test_a_retry_ends_the_report_of_the_old_failure(bench: Bench) -> None:
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
async def test_the_last_thousand_problems_are_remembered(bench: Bench) -> None:
    hosts = [f"{number}.elsewhere" for number in range(1001)]
    for host in hosts:
        await bench.wait(host)
    assert [bench.pending_starts.explain_timeout(host, 0).status for host in hosts] == [503] + [
        404
    ] * 1000


def test_an_earlier_failure_is_reported_with_its_log_if_there_is_one(bench: Bench) -> None:
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
async def test_callers_share_a_running_call_and_its_answer_for_a_moment(bench: Bench) -> None:
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


@in_its_loop
async def test_who_was_not_let_in_in_time_learns_that_others_came_before(bench: Bench) -> None:
    bench.table.replace({HOST: ROUTE})
    outcomes: list[Outcome] = []
    adds = [functools.partial(outcomes.append) for _ in range(FIRST + 2)]
    for add in adds:
        bench.pending_starts.add(HOST, add)
    assert outcomes == [ROUTE] * FIRST
    found = bench.pending_starts.explain_timeout(HOST, 1)
    assert "has not answered all who came before within 1 s; 2 more wait" in found.detail
    bench.pending_starts.remove(HOST, adds[-1])
    await turn()
    assert outcomes == [ROUTE] * (FIRST + 1)


@pytest.mark.parametrize(
    "error",
    [
        UnknownLabel("hello", "main", "it is gone"),
        RepositoryUnreachable("hello", "https://git.example.org/hello", "it does not answer"),
        AmbiguousLabel("hello", "main", ()),
    ],
)
@in_its_loop
async def test_what_the_framework_refuses_to_start_is_no_start(
    bench: Bench, error: FrameworkError
) -> None:
    bench.framework.world.refuse("hello", "main", error)
    assert isinstance(await bench.wait(), Problem)
    assert bench.forgotten == [HOST]


@in_its_loop
async def test_a_start_that_fails_or_has_no_answer_stays_counted(bench: Bench) -> None:
    bench.at.append((1.0, bench.move("failed", failure=FAILURE)))
    assert isinstance(await bench.wait(), Problem)
    bench.framework.away = True
    assert isinstance(await bench.wait(), Problem)
    assert bench.forgotten == []
