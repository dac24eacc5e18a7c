"""framework/attempts/fitness.py: an agent that fails attempts by its own fault gets no
attempts for a while.
"""

from framework import events
from framework.attempts.fitness import FIRST_SECONDS, LONGEST_SECONDS, Fitness
from prevs.records import Failure, PreviewRecord, Step
from prevs.states import Cause, Phase, State
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A, B, C, Driven
from tests.fakes.offers import offer

NO_BRIDGE = Failure(Cause.AGENT_UNFIT, "The bridge is gone.")


def attempt(state: State = State.BUILDING, app: str = "hello", **fields: object) -> PreviewRecord:
    given = {"agent_id": "agent-1", **fields}
    return PreviewRecord(app, A, state, **given)  # type: ignore[arg-type] # fields vary per test


BUILT = attempt(State.RUNNING, steps=(Step("building", 1.0), Step("running", 2.0)))
STARTED = attempt(State.RUNNING, steps=(Step("starting", 1.0), Step("running", 2.0)))


def test_an_agent_is_unfit_for_longer_with_each_fault_in_a_row() -> None:
    clock = FakeClock()
    fitness = Fitness(clock.clock)
    waits = []
    for _ in range(6):
        fitness.failed(attempt(), NO_BRIDGE)
        fitness.failed(attempt(), NO_BRIDGE)  # one that was there already
        found = fitness.unfit["agent-1"]
        assert found.reason == "The bridge is gone."
        waits.append(found.until - clock.seconds)
        clock.pass_seconds(waits[-1])
        fitness.refresh()
        assert not fitness.unfit
    assert waits == [60, 120, 240, 480, LONGEST_SECONDS, LONGEST_SECONDS]
    clock.pass_seconds(LONGEST_SECONDS + 1)
    fitness.refresh()
    fitness.failed(attempt(), NO_BRIDGE)
    assert fitness.unfit["agent-1"].until == clock.seconds + FIRST_SECONDS, "it is forgotten"


def test_a_successful_build_or_start_shows_that_the_agent_is_fit_for_it_again() -> None:
    fitness = Fitness(FakeClock().clock)
    fitness.failed(attempt(State.BUILDING), NO_BRIDGE)
    fitness.succeeded(STARTED)
    assert fitness.unfit
    fitness.succeeded(BUILT)
    assert not fitness.unfit
    fitness.failed(attempt(State.STARTING), NO_BRIDGE)
    fitness.succeeded(STARTED)
    assert not fitness.unfit


def test_other_causes_make_no_agent_unfit() -> None:
    fitness = Fitness(FakeClock().clock)
    for cause in set(Cause) - {
        Cause.AGENT_UNFIT,
        Cause.DOCKER_UNAVAILABLE,
        Cause.REGISTRY_UNREACHABLE,
    }:
        fitness.failed(attempt(), Failure(cause, "It broke."))
    fitness.failed(attempt(State.RUNNING), Failure(Cause.DOCKER_UNAVAILABLE, "It was restarted."))
    assert not fitness.unfit
    fitness.failed(attempt(), Failure(Cause.DOCKER_UNAVAILABLE, "It is away."))
    assert fitness.unfit


def test_a_registry_that_only_one_app_misses_blames_no_agent() -> None:
    fitness = Fitness(FakeClock().clock)
    silent = Failure(Cause.REGISTRY_UNREACHABLE, "No answer.")
    fitness.failed(attempt(), silent)
    fitness.failed(attempt(), silent)
    assert not fitness.unfit
    fitness.failed(attempt(app="world"), silent)
    assert fitness.unfit
    fitness.succeeded(BUILT)
    fitness.failed(attempt(), silent)
    assert not fitness.unfit, "each has to find it again"


def both() -> events.Offered:
    return events.Offered(
        [offer("o1", mem=1000), offer("o2", agent="agent-2", begin=32000, end=32010)]
    )


def fail(driven: Driven, sha: str = A) -> None:
    driven.report("TASK_STARTING", Phase.BUILDING, sha=sha)
    message = "its disk is full"
    driven.report("TASK_FAILED", Phase.ENDED, sha=sha, cause=Cause.AGENT_UNFIT, message=message)


def test_a_fault_of_an_agent_is_retried_elsewhere_and_the_next_commit_avoids_it(
    driven: Driven,
) -> None:
    driven.start()
    driven.step(both())
    assert driven.preview().agent_id == "agent-1", "the fullest that fits"
    fail(driven)
    assert driven.preview().state is State.QUEUED
    assert driven.registry.get_sample_value("prevs_agents_unfit") == 1
    driven.start(B, "other")
    driven.step(both())
    assert driven.preview(B).agent_id == "agent-2"
    driven.tick(1.0)
    driven.step(both())
    assert driven.preview().agent_id == "agent-2"
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.preview().state is State.RUNNING
    assert driven.preview().failure is None


def test_a_preview_that_only_an_unfit_agent_has_room_for_waits_with_the_reason(
    driven: Driven,
) -> None:
    driven.start()
    driven.step(both())
    fail(driven)
    driven.start(B, "other")
    driven.step(both())
    driven.start(C, "third")
    small = events.Offered([offer("o1", mem=1000), offer("o2", agent="agent-2", mem=70)])
    driven.step(small)
    driven.tick(6.0)
    driven.step(small)
    waits = driven.preview(C)
    assert (waits.state, waits.agent_id) == (State.QUEUED, None)
    assert "70" not in waits.reason or "free" in waits.reason
    driven.tick(FIRST_SECONDS)
    driven.step(small)
    assert driven.preview(C).agent_id == "agent-1"
    assert driven.registry.get_sample_value("prevs_agents_unfit") == 0


def test_the_only_agent_is_tried_again_and_success_clears_it(
    driven: Driven,
) -> None:
    driven.place()
    fail(driven)
    driven.tick(1.0)
    driven.step(events.Offered([offer("o2")]))
    driven.tick(5.0)
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview().state is State.PLACED
    driven.report("TASK_STARTING", Phase.BUILDING)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.registry.get_sample_value("prevs_agents_unfit") == 0
