import dataclasses
import secrets
from concurrent.futures import Future
from typing import Any

from framework import events
from framework.errors import (
    OutcomeUnknown,
    Unavailable,
)
from framework.matching.limits import Limits
from framework.scheduling.eviction import REQUEST_SECONDS, SEEN_SECONDS
from framework.scheduling.launches import next_attempt
from prevs import names
from prevs.pulls import PullRecord
from prevs.states import Cause, Phase, State
from prevs.units import preview_unit
from program.http import health
from tests.fakes.driven import APP, A, B, C, D, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.mishaps import Fate
from tests.fakes.offers import offer


def test_offers_are_revived_when_something_waits_and_not_before(driven: Driven) -> None:
    assert driven.cluster.of("revive") == []
    driven.start()
    assert len(driven.cluster.of("revive")) == 1
    driven.step(events.Offered([offer(), offer("o2", agent="agent-2", host="127.0.0.2")]))
    assert driven.cluster.of("decline") == [(["o2"], 3600.0)]
    assert len(driven.cluster.of("suppress")) == 1
    driven.start(B, "other")
    assert len(driven.cluster.of("revive")) == 2


def test_too_small_offers_are_declined_for_a_short_time(driven: Driven) -> None:
    driven.start()
    driven.step(events.Offered([offer(mem=100)]))
    assert driven.cluster.of("decline") == [(["o1"], 5.0)]
    assert driven.preview().reason == "No agent has 128 MB free; the most is 36."


def test_what_waits_without_any_offer_has_a_reason(driven: Driven) -> None:
    jobs = Jobs(driven)
    driven.start()
    job_id = jobs.request()
    driven.tick(3)
    assert [driven.preview().reason, jobs.find(job_id).reason] == ["", ""]
    driven.tick(1)
    assert [driven.preview().reason, jobs.find(job_id).reason] == [
        "No agent offers anything: all are full, away, or none is registered with the master."
    ] * 2


def test_offers_are_invalid_without_the_link(driven: Driven) -> None:
    driven.step(events.Offered([offer()]))
    driven.step(events.Disconnected())
    driven.start()
    assert driven.cluster.of("accept") == []
    assert (
        health.why_not(driven.service.readiness())
        == "The Mesos master has not accepted this framework yet."
    )


def test_slow_launches_let_other_events_take_turns(driven: Driven) -> None:
    def take_long(call: str) -> None:
        if call == "accept":
            driven.clock.pass_seconds(1.0)

    driven.cluster.before = take_long
    for sha in (A, B):
        driven.start(sha, sha[:7])
    small = [offer(f"o{n}", agent=f"agent-{n}", host=f"127.0.0.{n}", mem=200) for n in (1, 2)]
    driven.step(events.Offered(small))
    assert [driven.preview(sha).state for sha in (A, B)] == [State.PLACED, State.QUEUED]
    assert driven.cluster.of("decline") == []
    driven.step()
    assert driven.preview(B).state is State.PLACED


def test_the_attempts_of_one_agent_are_stored_in_one_write(driven: Driven) -> None:
    for sha in (A, B, C):
        driven.start(sha, sha[:7])
    driven.store.writes = 0
    driven.step(events.Offered([offer()]))
    assert [driven.preview(sha).state for sha in (A, B, C)] == [State.PLACED] * 3
    assert driven.store.writes == 1
    assert len(driven.cluster.of("accept")) == 1


def test_nothing_is_launched_whose_attempt_was_not_stored(driven: Driven) -> None:
    driven.start(A)
    driven.start(B, "other")
    driven.store.away = True
    driven.step(events.Offered([offer()]))
    assert driven.cluster.of("accept") == []
    assert [driven.preview(sha).state for sha in (A, B)] == [State.QUEUED] * 2


def test_a_launch_that_was_not_sent_is_queued_again(driven: Driven) -> None:
    driven.start()
    driven.cluster.failure = Unavailable("Mesos")
    driven.step(events.Offered([offer()]))
    assert driven.preview().state is State.QUEUED
    driven.cluster.failure = None
    driven.tick(11)
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview().state is State.PLACED


def test_a_launch_with_an_unknown_outcome_is_reconciled_and_never_sent_again(
    driven: Driven,
) -> None:
    driven.start()
    driven.cluster.failure = OutcomeUnknown("ACCEPT", "timed out")
    driven.step(events.Offered([offer()]))
    driven.cluster.failure = None
    driven.tick()
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview().state is State.PLACED
    assert len(driven.cluster.of("accept")) == 1
    assert ((driven.task(), "agent-1"),) in driven.cluster.of("reconcile")


def test_a_task_that_mesos_never_got_is_launched_again_under_a_new_id(driven: Driven) -> None:
    driven.place()
    first = driven.task()
    driven.update("TASK_GONE", reason="REASON_RECONCILIATION")
    assert driven.preview().state is State.QUEUED
    driven.tick()
    driven.step(events.Offered([offer("o2")]))
    assert driven.task() != first


def test_no_two_attempts_have_the_same_name() -> None:
    attempts = {next_attempt(secrets.choice) for _ in range(2000)}
    assert len(attempts) == 2000
    for attempt in attempts:
        read = names.read_task_id(names.task_id("hello", A, attempt))
        assert read is not None
        assert (read.app, read.sha) == ("hello", A)


def test_a_stopped_preview_starts_again_where_its_image_is(driven: Driven) -> None:
    driven.run()
    driven.stop()
    driven.update("TASK_KILLED")
    driven.start()
    driven.step(events.Offered([offer("o2", agent="agent-2", host="127.0.0.2", mem=300)]))
    assert driven.preview().state is State.QUEUED
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview().agent_id == "agent-1"


def test_beyond_the_limit_of_an_app_a_preview_waits_with_the_reason(driven: Driven) -> None:
    for sha, label in ((A, "one"), (B, "two"), (C, "three")):
        driven.run(sha, label)
    driven.start(D, "four")
    revived = len(driven.cluster.of("revive"))
    driven.tick(11)
    assert driven.preview(D).reason == (
        "hello has 3 previews already, which is its max_previews. Stop one, or raise the limit."
    )
    assert len(driven.cluster.of("revive")) == revived
    driven.stop(A)
    driven.update("TASK_KILLED")
    driven.step(events.Offered([offer("o9")]))
    assert driven.preview(D).state is State.PLACED
    assert driven.preview(D).reason == ""


def test_offers_are_revived_again_when_an_agent_may_start_the_next() -> None:
    driven = Driven(limits=Limits(starts_per_agent=1))
    driven.add_app()
    driven.start(A, "one")
    driven.start(B, "two")
    driven.step(events.Offered([offer()]))
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview(B).reason.startswith(
        "Every agent with room for it is starting others now"
    )
    revived = len(driven.cluster.of("revive"))
    driven.tick(5)
    assert len(driven.cluster.of("revive")) == revived
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=A)
    assert len(driven.cluster.of("revive")) == revived + 1
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview(B).state is State.PLACED


def test_changing_reasons_are_written_from_time_to_time() -> None:
    driven = Driven()
    driven.add_app()
    shas = [f"{n:040}" for n in range(60)]
    for n, sha in enumerate(shas):
        driven.start(sha, f"n{n}")

    def counts() -> list[int]:
        reasons = [driven.preview(sha).reason for sha in shas]
        return [int(reason.split()[-1][:-1]) for reason in reasons if reason]

    driven.step(events.Offered([offer("o1", mem=124)]))
    assert counts() == [60] * 50
    driven.step(events.Offered([offer("o2", mem=134)]))
    assert counts() == [60] * 50 + [70] * 10
    driven.tick(5)
    driven.step(events.Offered([offer("o3", mem=144)]))
    assert counts() == [80] * 50 + [70] * 10


def test_a_preview_in_its_pause_is_in_no_queue_until_the_pause_is_over(
    driven: Driven,
) -> None:
    driven.run()
    for _ in range(2):
        driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.APP_EXITED, message="Gone.")
        assert driven.preview().state is State.QUEUED
        assert driven.service.snapshot.queue_places == {}
        pause = driven.preview().retry_at - driven.clock.seconds
        driven.tick(pause / 2)
        assert driven.service.snapshot.queue_places == {}
        driven.tick(pause / 2)
        assert driven.service.snapshot.queue_places == {preview_unit("hello", A): 1}
        driven.step(events.Offered([offer(f"at-{driven.clock.seconds}")]))
        driven.report("TASK_RUNNING", Phase.RUNNING)


def start_of_pull(driven: Driven) -> None:
    """Start a preview of a pull request, and one of another app."""
    driven.add_app(dataclasses.replace(APP, name="other"))
    driven.call(lambda: driven.service.commands.change_app("hello", {"pulls": "all"}))
    pull = PullRecord("hello", 7, A, "pull/7/head", is_fork=False)
    driven.call(lambda: driven.records.pulls.save_all([pull]))
    driven.call(lambda: driven.service.commands.start("hello", A, "pr-7", refs=("pull/7",)))
    driven.start(B, app="other")


def test_a_preview_whose_app_cannot_be_read_waits_and_others_start(driven: Driven) -> None:
    start_of_pull(driven)
    del driven.znodes.records["apps", "hello"]
    later = Driven(driven.znodes, driven.clock)
    later.step(events.Offered([offer()]))
    waits = later.records.preview(preview_unit("hello", A))
    assert (waits.state, waits.reason) == (State.QUEUED, "The settings of its app cannot be read.")
    assert later.preview(B, "other").state is State.PLACED


def test_nothing_of_a_removed_app_starts_though_its_removal_could_not_be_written(
    driven: Driven,
) -> None:
    start_of_pull(driven)
    driven.mishaps.plan([Fate.GOOD, Fate.REFUSED])
    remove = events.Call(lambda: driven.service.commands.remove_app("hello"), Future())
    driven.step(remove, events.Offered([offer()]))
    assert driven.preview(B, "other").state is State.PLACED
    assert [task.order.app for task in driven.cluster.tasks] == ["other"]
    driven.tick()
    assert driven.records.preview(preview_unit("hello", A)).state is State.STOPPED


def fail_by_fault_of_its_agent(driven: Driven) -> None:
    driven.place()
    driven.report("TASK_STARTING", Phase.BUILDING)
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.AGENT_UNFIT)
    driven.stop()
    driven.clock.pass_seconds(5)


def test_the_only_agent_is_used_though_unfit_once_others_could_have_offered(
    driven: Driven,
) -> None:
    fail_by_fault_of_its_agent(driven)
    driven.start(B, "two")
    driven.clock.pass_seconds(REQUEST_SECONDS / 2)
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview(B).reason.startswith("No agent is fit for it just now")
    driven.clock.pass_seconds(REQUEST_SECONDS / 2)
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview(B).state is State.PLACED


def test_an_unfit_agent_is_not_used_while_another_one_is_only_full(driven: Driven) -> None:
    fail_by_fault_of_its_agent(driven)
    elsewhere: dict[str, Any] = {"agent": "agent-2", "host": "127.0.0.2"}
    driven.start(B, "two")
    driven.step(events.Offered([offer("o2", **elsewhere)]))
    driven.clock.pass_seconds(SEEN_SECONDS + 1)
    driven.start(C, "three")
    driven.clock.pass_seconds(REQUEST_SECONDS)
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview(C).reason.startswith("No agent is fit for it just now")
    driven.step(events.Offered([offer("o4", **elsewhere)]))
    assert driven.preview(C).agent_id == "agent-2"
