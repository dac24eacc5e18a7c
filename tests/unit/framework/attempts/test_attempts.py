import dataclasses

from framework import events
from framework.attempts.retry import LOST_LIMIT, STEADY_SECONDS
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.records import Failure
from prevs.states import Cause, Phase, State
from tests.fakes.driven import Driven
from tests.fakes.offers import offer


def test_an_update_is_acknowledged_only_once_it_is_stored(driven: Driven) -> None:
    driven.place()
    driven.store.away = True
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.cluster.of("acknowledge") == []
    assert driven.preview().state is State.PLACED
    driven.store.away = False
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert len(driven.cluster.of("acknowledge")) == 1
    assert driven.preview().state is State.BUILDING


def test_a_repeated_update_is_acknowledged_and_writes_nothing(driven: Driven) -> None:
    driven.run()
    before = len(driven.store.written)
    driven.clock.pass_seconds(5)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert len(driven.store.written) == before
    assert len(driven.cluster.of("acknowledge")) == 2


def test_an_unexpected_update_is_counted_and_acknowledged(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.registry.get_sample_value("prevs_illegal_transitions_total") == 1
    assert driven.preview().state is State.RUNNING
    assert len(driven.cluster.of("acknowledge")) == 2


def test_updates_out_of_order_undo_nothing(driven: Driven) -> None:
    driven.run()
    running = driven.preview()
    for state in ("TASK_STAGING", "TASK_STARTING"):
        driven.update(state)
    assert driven.preview() == running
    task = driven.task()
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.BUILD_FAILED)
    failed = driven.preview()
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.APP_EXITED)
    driven.update("TASK_RUNNING", task=task)
    assert driven.preview() == failed
    assert len(driven.cluster.of("acknowledge")) == 6


def test_an_unknown_task_state_is_acknowledged(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_ODD")
    assert driven.preview().state is State.RUNNING
    assert len(driven.cluster.of("acknowledge")) == 2


def crash(driven: Driven, cause: Cause = Cause.APP_EXITED, code: int = 3) -> None:
    message = f"The application exited with status {code}."
    driven.report("TASK_FAILED", Phase.ENDED, cause=cause, exit_code=code, message=message)


def run_again(driven: Driven) -> None:
    """Let the delay pass, and run the preview."""
    driven.tick(60)
    driven.step(events.Offered([offer("again")]))
    assert driven.preview().state is State.PLACED
    driven.report("TASK_RUNNING", Phase.RUNNING)


def test_an_attempt_that_never_answered_fails_the_preview_with_its_reason_until_a_retry(
    driven: Driven,
) -> None:
    driven.place()
    driven.update("TASK_DROPPED", message="agent removed")
    assert (driven.preview().consecutive_losses, driven.preview().avoid_agent) == (1, "agent-1")
    driven.tick(60)
    driven.step(events.Offered([offer("again")]))
    driven.report("TASK_STARTING", Phase.CHECKING)
    crash(driven)
    failure = Failure(Cause.APP_EXITED, "The application exited with status 3.", 3)
    assert (driven.preview().state, driven.preview().failure) == (State.FAILED, failure)
    assert driven.start().state is State.FAILED
    assert driven.stop().state is State.FAILED
    queued = driven.retry()
    assert (queued.state, queued.failure) == (State.QUEUED, None)
    assert (queued.consecutive_losses, queued.retry_at, queued.avoid_agent) == (0, 0.0, None)


def test_an_application_that_ends_after_it_ran_is_started_again_after_a_while(
    driven: Driven,
) -> None:
    driven.run()
    first = driven.task()
    crash(driven)
    preview = driven.preview()
    assert (preview.state, preview.failure) == (State.QUEUED, None)
    assert preview.reason.startswith("The application exited with status 3. It is tried again in")
    assert driven.placements() == {}
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview() == preview
    driven.tick(1.0)
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview().state is State.PLACED
    assert driven.task() != first


def test_visitors_do_not_shorten_the_pause_of_a_preview(driven: Driven) -> None:
    driven.run()
    crash(driven)
    before = driven.preview().retry_at
    driven.start()
    assert driven.preview().retry_at == before


def test_a_crash_loop_ends_in_failed_with_the_last_cause(driven: Driven) -> None:
    driven.run()
    for _ in range(LOST_LIMIT):
        crash(driven)
        run_again(driven)
    crash(driven, Cause.OUT_OF_MEMORY, 137)
    preview = driven.preview()
    assert preview.state is State.FAILED
    assert preview.failure is not None
    assert (preview.failure.cause, preview.failure.exit_code) == (Cause.OUT_OF_MEMORY, 137)
    assert f"{LOST_LIMIT + 1} attempts in a row" in preview.failure.message
    assert "exited with status 137" in preview.failure.message
    driven.tick(3600)
    assert driven.start().state is State.FAILED


def test_running_for_minutes_clears_earlier_failures(driven: Driven) -> None:
    driven.run()
    for _ in range(2 * LOST_LIMIT):
        crash(driven)
        assert driven.preview().consecutive_losses == 1
        run_again(driven)
        driven.tick(STEADY_SECONDS)
    assert driven.preview().state is State.RUNNING


def test_after_its_agent_failed_an_attempt_avoids_it_until_it_runs(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.DOCKER_UNAVAILABLE)
    assert driven.preview().avoid_agent == "agent-1"
    run_again(driven)
    assert (driven.preview().avoid_agent, driven.preview().retry_at) == (None, 0.0)


def test_the_reason_of_a_stop_stays_until_the_next_start(driven: Driven) -> None:
    driven.run()
    preview = driven.preview()
    why = "Nobody used it for an hour."
    stopped = Stopped(Reason(ReasonKind.IDLE, why))
    driven.call(lambda: driven.records.change(preview, stopped))
    driven.update("TASK_KILLING")
    driven.update("TASK_UNREACHABLE")
    driven.update("TASK_KILLED")
    assert (driven.preview().state, driven.preview().reason) == (State.STOPPED, why)
    assert driven.stop().reason == why
    assert driven.start().reason == ""


DIGEST = "sha256:" + "d" * 64


def test_a_digest_that_is_known_while_it_runs_is_stored_once(driven: Driven) -> None:
    driven.run()
    before = driven.preview()
    driven.report("TASK_RUNNING", Phase.RUNNING, digest=DIGEST)
    assert driven.preview() == dataclasses.replace(before, digest=DIGEST)
    written = len(driven.store.written)
    driven.report("TASK_RUNNING", Phase.RUNNING, digest=DIGEST)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.preview().digest == DIGEST
    assert len(driven.store.written) == written


def test_a_digest_outlives_its_attempt(driven: Driven) -> None:
    driven.place()
    driven.report("TASK_STARTING", Phase.STARTING, digest=DIGEST)
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.NEVER_LISTENED)
    assert (driven.preview().state, driven.preview().digest) == (State.FAILED, DIGEST)


def test_the_protocol_of_an_application_goes_with_its_placement_and_its_attempt(
    driven: Driven,
) -> None:
    driven.place()
    driven.report("TASK_RUNNING", Phase.RUNNING, protocol="h2")
    placed = driven.store.load().placements[0].placements[driven.preview().sha]
    assert (driven.preview().protocol, placed.protocol) == ("h2", "h2")
    # Mesos's own answers do not say it.
    driven.update("TASK_RUNNING")
    assert driven.preview().protocol == "h2"
    crash(driven)
    run_again(driven)
    assert driven.preview().protocol == ""


def test_memory_that_ran_out_is_kept_until_the_next_attempt(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_RUNNING", Phase.RUNNING, memory_kills=3)
    assert (driven.preview().state, driven.preview().memory_kills) == (State.RUNNING, 3)
    driven.update("TASK_RUNNING")
    assert driven.preview().memory_kills == 3
    crash(driven)
    run_again(driven)
    assert driven.preview().memory_kills == 0


def test_a_start_counts_once_however_often_its_task_says_that_it_runs(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.registry.get_sample_value("prevs_start_duration_seconds_count") == 1
