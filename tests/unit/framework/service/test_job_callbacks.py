"""Callbacks of jobs: each is told at least once, whatever happens to leaders and to the store."""

import dataclasses
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.apps import app_secrets
from framework.apps.receivers import Receiver, UnknownReceiver
from framework.errors import Unavailable
from framework.events import CallbackSettled
from framework.jobs import callbacks, ended_jobs
from framework.jobs.orders import JobOrder
from framework.ports.notifications import LastTry
from framework.service.jobs.job_callbacks import JobCallbacks
from framework.state.jobs import job_records
from framework.state.jobs.job_records import JobRecords
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Failed, Stopped
from prevs.job_settings import JobSettings
from prevs.jobs import Callback, CallbackState, JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A, Driven
from tests.fakes.job_store import FakeJobStore

CANCELLED = Stopped(Reason(ReasonKind.STOPPED, "Somebody has cancelled it."))
TAKEN = LastTry(7.0, 204, "")
FAILED = LastTry(8.0, 503, "ci.example.org answered with the status 503.")


class World:
    """A framework's jobs and what becomes of their callbacks; others may take over."""

    def __init__(self) -> None:
        self.store = FakeJobStore()
        self.clock = FakeClock()
        self.numbers = 0
        self.take_over()

    def take_over(self) -> None:
        self.store = FakeJobStore(self.store.places)
        self.jobs = JobRecords(self.store.load(), self.store, self.clock.clock)
        self.callbacks = JobCallbacks(self.jobs, self.clock.clock)

    def end_job(self, callback: str = "ci") -> JobRecord:
        """Return a job that has ended."""
        self.numbers += 1
        terms = JobSettings(("true",))
        told = Callback(callback) if callback else None
        job = JobRecord("shop", f"{self.numbers:016d}", "b" * 40, "main", terms, callback=told)
        self.clock.pass_seconds(1.0)
        return self.jobs.change(self.jobs.add_all([job], {})[0], CANCELLED)

    def find(self, job: JobRecord) -> JobRecord:
        found = self.jobs.find("shop", job.id)
        assert found is not None
        return found

    def list_due(self) -> list[JobRecord]:
        """Return the jobs whose callbacks are due, as other threads see them, the oldest first."""
        due = [job for job in self.jobs.shown.values() if callbacks.is_due(job)]
        return sorted(due, key=lambda job: job.changed)

    def note(self, job: JobRecord, state: CallbackState, last: LastTry = TAKEN) -> None:
        self.callbacks.note(CallbackSettled("shop", job.id, state, last))

    def settle(self) -> None:
        """What the service does in each turn."""
        self.jobs.rewrite_unconfirmed()
        self.callbacks.reconcile()
        self.jobs.tidy()


@pytest.fixture
def world() -> World:
    return World()


def test_a_callback_is_due_when_its_job_has_ended(world: World) -> None:
    job = JobRecord("shop", "j", "b" * 40, "main", JobSettings(("true",)), callback=Callback("ci"))
    for state in JobState:
        has_ended = state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
        assert callbacks.is_due(dataclasses.replace(job, state=state)) is has_ended
    world.end_job(callback="")
    assert world.list_due() == []


def test_what_became_of_callbacks_is_written_at_once_for_several_jobs(world: World) -> None:
    told, given_up = world.end_job(), world.end_job()
    world.note(told, CallbackState.TOLD)
    world.note(given_up, CallbackState.GIVEN_UP, FAILED)
    before = world.store.writes
    world.settle()
    assert world.store.writes == before + 1
    world.settle()
    assert world.store.writes == before + 1
    world.take_over()
    assert world.find(told).callback == Callback("ci", CallbackState.TOLD, 7.0, 204)
    assert world.find(given_up).callback == Callback(
        "ci", CallbackState.GIVEN_UP, 8.0, 503, FAILED.problem
    )
    assert world.list_due() == []


def test_a_callback_that_was_told_to_a_leader_that_died_is_due_again(world: World) -> None:
    job = world.end_job()
    world.note(job, CallbackState.TOLD)
    world.take_over()
    world.settle()
    assert world.list_due() == [job]


def test_a_write_that_fails_is_repeated(world: World) -> None:
    job = world.end_job()
    world.note(job, CallbackState.TOLD)
    world.store.away = True
    with pytest.raises(Unavailable):
        world.callbacks.reconcile()
    world.store.away = False
    world.settle()
    assert world.list_due() == []


def test_a_job_is_in_no_block_before_its_callback_has_come_to_its_end(world: World) -> None:
    first = world.end_job()
    for _ in range(ended_jobs.BLOCK):
        world.end_job(callback="")
    world.clock.pass_seconds(ended_jobs.KEPT_SECONDS + 1)
    world.settle()
    assert world.list_due() == [first]
    world.note(first, CallbackState.TOLD)
    world.clock.pass_seconds(job_records.EXPIRY_LOOK_SECONDS)
    world.settle()
    assert world.jobs.find("shop", first.id) is None, "only now it is too old"


def test_of_too_many_the_oldest_are_given_up(world: World) -> None:
    world.callbacks = JobCallbacks(world.jobs, world.clock.clock, most=3)
    jobs = [world.end_job() for _ in range(5)]
    world.settle()
    assert world.list_due() == jobs[2:]
    dropped = world.find(jobs[0]).callback
    assert dropped is not None
    assert (dropped.state, dropped.problem) == (CallbackState.GIVEN_UP, callbacks.TOO_MANY)


_STEPS = st.lists(
    st.sampled_from(["end", "end", "tell", "tell", "settle", "lose", "away", "back", "die"]),
    max_size=60,
)


@settings(deadline=None)
@given(steps=_STEPS)
def test_whatever_happens_each_callback_is_told_at_least_once(steps: list[str]) -> None:
    world, told = World(), Counter[str]()
    for step in (*steps, "back", "settle", "die", *["tell"] * 60, "settle"):
        try:
            _do(world, step, told)
        except Unavailable:
            assert world.store.away or world.store.loses_answers
        known = {job.id for job in world.jobs.shown.values() if job.state is JobState.CANCELLED}
        lost = known - {job.id for job in world.list_due()} - told.keys()
        assert lost == set(), "neither due nor told"
    assert world.list_due() == []


def _do(world: World, step: str, told: "Counter[str]") -> None:
    match step:
        case "end":
            world.end_job()
        case "tell":
            for job in world.list_due()[:1]:
                told[job.id] += 1
                world.note(job, CallbackState.TOLD)
                world.settle()
        case "settle":
            world.settle()
        case "lose":
            world.store.loses_answers = True
        case "away":
            world.store.away = True
        case "back":
            world.store.away = world.store.loses_answers = False
        case "die":
            world.store.away = world.store.loses_answers = False
            world.take_over()


def order(job_id: str, **fields: Any) -> JobOrder:
    return JobOrder(job_id, "hello", "main", A, JobSettings(("true",)), **fields)


def test_a_job_names_a_receiver_that_the_app_has(driven: Driven) -> None:
    wanted = order("j1", callback="ci")
    with pytest.raises(UnknownReceiver, match="prevs notify ls hello"):
        driven.job_commands.request([wanted])
    assert driven.service.snapshot.jobs == {}
    receiver = Receiver("ci", "https://ci.example.org/", "whsec_", ("callback",))
    driven.commands.change_secrets(
        "hello", lambda given: app_secrets.with_receiver(given, receiver)
    )
    [job] = driven.job_commands.request([wanted])
    assert job.callback == Callback("ci")


def test_the_service_writes_what_became_of_a_callback(driven: Driven) -> None:
    receiver = Receiver("ci", "https://ci.example.org/", "whsec_")
    driven.commands.change_secrets(
        "hello", lambda given: app_secrets.with_receiver(given, receiver)
    )
    driven.job_commands.request([order("j1", callback="ci")])
    job = driven.records.jobs.job("hello", "j1")
    failure = Failure(Cause.EXPIRED, "It was not started in time.")
    driven.call(lambda: driven.records.jobs.change(job, Failed(failure, Event.GIVEN_UP)))
    driven.step(CallbackSettled("hello", "j1", CallbackState.TOLD, TAKEN))
    shown = driven.service.snapshot.jobs["hello", "j1"].callback
    assert shown == Callback("ci", CallbackState.TOLD, 7.0, 204)
    again = driven.job_commands.retry("hello", "j1", "j2", by="ci")
    assert again.callback == Callback("ci"), "it is told of again"
