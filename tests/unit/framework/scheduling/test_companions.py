"""A preview with companions is one task, with what all its containers take."""

import dataclasses

from framework import events
from framework.jobs.orders import JobOrder
from framework.matching import resources
from framework.service.jobs.job_commands import JobCommands
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.job_settings import JobSettings
from prevs.states import Cause, Phase, State
from tests.fakes.driven import APP, A, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.offers import offer

BESIDE = (Companion("db", cpus=0.25, mem=256), Companion("cache", mem=64))
SETTINGS = CommitSettings(run=RunSettings(companions=BESIDE))


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


def test_a_job_of_the_commit_has_no_companions() -> None:
    driven = make()
    jobs = Jobs(driven)
    order = JobOrder("0" * 16, "hello", "main", A, JobSettings(("true",)), settings=SETTINGS)
    records = driven.records
    commands = JobCommands(records, records.vault, driven.clock.clock)
    driven.call(lambda: commands.request([order]))
    assert jobs.find("0" * 16).settings == CommitSettings()
    jobs.offer()
    (task,) = driven.cluster.tasks
    assert task.order.work is not None
    assert task.order.run.companions == ()
    assert task.order.mem == APP.mem
