"""A preview with companions is one task, with what all its containers take."""

import dataclasses
from typing import Any

from framework import events
from framework.jobs.orders import JobOrder
from framework.matching import resources
from framework.matching.job_queue import JobQueue
from framework.scheduling.idleness import Idleness
from framework.service.jobs.job_commands import JobCommands
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.job_settings import JobSettings
from prevs.jobs import JobState
from prevs.states import Cause, Phase, State
from tests.fakes.driven import APP, A, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.offers import offer

BESIDE = (Companion("db", cpus=0.25, mem=256), Companion("cache", mem=64))
SETTINGS = CommitSettings(run=RunSettings(companions=BESIDE))
WITH_DATA = CommitSettings(
    run=RunSettings(
        companions=(dataclasses.replace(BESIDE[0], volumes=("/data",)), BESIDE[1]), stay=True
    )
)


def make() -> Driven:
    driven = Driven()
    driven.add_app(dataclasses.replace(APP, max_mem=1024, max_cpus=1.0))
    driven.manifests.contents[A] = SETTINGS
    return driven


def test_its_task_takes_the_sum_and_its_order_has_the_parts() -> None:
    driven = make()
    driven.place()
    (task,) = driven.cluster.tasks
    assert resources.totals(task.resources) == (0.45, 448.0)
    assert (task.order.cpus, task.order.mem) == (0.1, 128)
    assert task.order.run.companions == BESIDE


def test_an_agent_without_room_for_all_of_it_is_no_place() -> None:
    driven = make()
    driven.start()
    driven.step(events.Offered([offer(mem=500)]))
    driven.tick(2)
    driven.step(events.Offered([offer("o2", mem=500)]))
    assert driven.preview().state is State.QUEUED
    assert driven.preview().reason == "No agent has 448 MB free; the most is 436."


def test_a_preview_whose_companion_ends_starts_again_once_it_had_run() -> None:
    driven = make()
    driven.run()
    driven.report(
        "TASK_FAILED",
        Phase.ENDED,
        cause=Cause.COMPANION_FAILED,
        exit_code=1,
        message="db ended with exit code 1.",
    )
    again = driven.preview()
    assert again.state is State.QUEUED
    assert again.reason.startswith("db ended with exit code 1. It is tried again")
    assert again.attempts[-1].cause is Cause.COMPANION_FAILED


def test_one_whose_companion_never_came_up_fails_with_its_name() -> None:
    driven = make()
    driven.place()
    message = "db ended with exit code 1."
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.COMPANION_FAILED, message=message)
    failure = driven.preview().failure
    assert driven.preview().state is State.FAILED
    assert failure is not None
    assert (failure.cause, failure.message) == (Cause.COMPANION_FAILED, message)


def request(driven: Driven, number: int = 0, **terms: Any) -> str:
    settings = JobSettings(("true",), **terms)
    order = JobOrder(f"{number:016d}", "hello", "main", A, settings, settings=WITH_DATA)
    commands = JobCommands(driven.records, driven.records.vault, driven.clock.clock)
    driven.call(lambda: commands.request([order]))
    return order.id


def test_a_job_that_needs_no_companions_is_as_any_other() -> None:
    driven = make()
    jobs = Jobs(driven)
    job_id = request(driven, companions=False)
    assert jobs.find(job_id).settings == CommitSettings()
    jobs.offer()
    (task,) = driven.cluster.tasks
    assert task.order.work is not None
    assert (task.order.work.beside, task.order.run.companions) == ("", ())
    assert (task.order.mem, task.order.container_port) == (APP.mem, 0)
    assert resources.totals(task.resources) == (0.1, 128.0)


def test_a_job_without_a_running_preview_takes_what_its_own_companions_need() -> None:
    driven = make()
    jobs = Jobs(driven)
    request(driven)
    jobs.offer()
    (task,) = driven.cluster.tasks
    assert resources.totals(task.resources) == (0.45, 448.0)
    assert task.order.work is not None
    assert (task.order.work.beside, task.order.mem) == ("", 128)
    # What they write goes with them: the data of the preview are not theirs.
    assert task.order.run.companions == BESIDE
    assert task.order.container_port == APP.port


def test_a_job_goes_to_the_running_preview_of_its_commit_and_takes_its_own_share_alone() -> None:
    driven = make()
    driven.run()
    jobs = Jobs(driven)
    job_id = request(driven)
    jobs.offer("elsewhere", agent="agent-2")
    waiting = jobs.find(job_id)
    assert waiting.state is JobState.QUEUED
    assert "which runs the preview of its commit, whose companions it uses" in waiting.reason
    jobs.offer()
    assert jobs.find(job_id).agent_id == driven.preview().agent_id
    task = driven.cluster.tasks[-1]
    assert resources.totals(task.resources) == (0.1, 128.0)
    assert task.order.work is not None
    assert task.order.work.beside == driven.preview().task_id
    assert jobs.find(job_id).beside == driven.preview().task_id


def test_a_preview_is_not_idle_while_a_job_uses_its_companions() -> None:
    driven = make()
    driven.run()
    jobs = Jobs(driven)
    job_id = request(driven)
    jobs.offer()
    jobs.report(job_id, "TASK_RUNNING", Phase.RUNNING)
    idleness = Idleness(driven.records, driven.clock.clock)
    driven.clock.pass_seconds(3600.0)
    assert list(idleness.idle()) == []
    jobs.finish(job_id)
    assert [one.sha for _, one, _ in idleness.idle()] == [A]


def test_a_strangers_job_has_companions_of_its_own_beside_a_trusted_preview() -> None:
    driven = make()
    driven.run()
    job_id = request(driven)
    job = driven.records.jobs.job("hello", job_id)
    queue = JobQueue(
        {"hello": dataclasses.replace(APP, max_mem=1024)},
        (),
        with_task=(),
        reserved=[job, dataclasses.replace(job, id="f" * 16, stranger=True)],
        find_preview=driven.records.find,
        now=driven.clock.read(),
    )
    trusted, stranger = queue
    assert trusted.home is not None
    assert trusted.home.task_id == driven.preview().task_id
    assert (trusted.mem, stranger.mem, stranger.home) == (128, 448, None)


def test_a_job_whose_preview_stopped_before_its_command_starts_again_with_its_own() -> None:
    driven = make()
    driven.run()
    jobs = Jobs(driven)
    job_id = request(driven)
    jobs.offer()
    ended = {"cause": Cause.PREVIEW_STOPPED}
    jobs.report(job_id, "TASK_FAILED", Phase.ENDED, **ended)
    assert jobs.find(job_id).state is JobState.QUEUED


def test_a_job_whose_preview_stopped_while_its_command_ran_fails() -> None:
    driven = make()
    driven.run()
    jobs = Jobs(driven)
    job_id = request(driven)
    jobs.offer()
    jobs.report(job_id, "TASK_RUNNING", Phase.RUNNING)
    jobs.report(job_id, "TASK_FAILED", Phase.ENDED, cause=Cause.PREVIEW_STOPPED)
    assert jobs.find(job_id).state is JobState.FAILED
