import dataclasses
from typing import Any

import pytest
from cryptography.fernet import Fernet

from framework.errors import NoKey, UnknownApp
from framework.jobs.errors import (
    HasEnded,
    KeyOfAnotherOrder,
    NoResult,
    NotEnded,
    PayloadGone,
    TooManyJobs,
    UnknownJob,
)
from framework.jobs.orders import JobOrder
from framework.jobs.transitions import FailedWithResult, Finished
from framework.pulls.errors import NotApproved
from framework.service.jobs.job_commands import JobCommands
from framework.state.jobs import sealed_payloads
from framework.state.records import Records
from framework.units.transitions import Failed, Launched
from framework.vault import Keyring
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState, ResultRecord
from prevs.pulls import PullRecord
from prevs.records import AppRecord, Failure
from prevs.states import Cause
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore

SHA = "b" * 40
KEY = Fernet.generate_key().decode()
EXITED = Failure(Cause.APP_EXITED, "It ended with exit code 3.", 3)


def _order(number: int = 0, **fields: Any) -> JobOrder:
    order = JobOrder(f"{number:016d}", "shop", "main", SHA, JobSettings(("true",)))
    return order._replace(**fields)


class World:
    """A framework with one app, and the commands about its jobs."""

    def __init__(self, *keys: str) -> None:
        store, clock, self.vault = FakeStore(), FakeClock(), Keyring(keys)
        self.records = Records(store.load(), store, clock.clock, self.vault, keys=(b"key",))
        self.records.save_app(AppRecord("shop", "/srv/shop"))
        self.commands = JobCommands(self.records, self.vault, clock.clock)

    def launch(self, job: JobRecord) -> JobRecord:
        task = f"shop.{SHA}.{job.id}"
        return self.records.jobs.change(job, Launched(task, "agent-1", "10.0.0.1"))

    def fail(self, job: JobRecord) -> JobRecord:
        return self.records.jobs.change(self.launch(job), Failed(EXITED))


@pytest.fixture
def world() -> World:
    return World(KEY)


def test_many_jobs_are_added_at_once_and_the_same_order_adds_nothing(world: World) -> None:
    orders = [_order(number, group="nightly") for number in range(1000)]
    added = world.commands.request(orders)
    assert [job.id for job in added] == [order.id for order in orders]
    assert {job.state for job in added} == {JobState.QUEUED}
    assert world.commands.request(orders[:3]) == added[:3]
    assert len(world.records.jobs.shown) == 1000


def test_an_app_that_is_not_there_gets_no_job(world: World) -> None:
    with pytest.raises(UnknownApp):
        world.commands.request([_order(app="news")])
    assert not world.records.jobs.shown


def test_a_fork_that_nobody_has_approved_runs_nothing(world: World) -> None:
    world.records.pulls.save_all([PullRecord("shop", 7, SHA, "pull/7/head")])
    app = world.records.app("shop")
    world.records.save_app(dataclasses.replace(app, pulls="all"))
    with pytest.raises(NotApproved):
        world.commands.request([_order(refs=("pull/7",))])
    assert not world.records.jobs.shown


def test_another_order_with_a_known_id_is_refused_and_changes_nothing(world: World) -> None:
    (job,) = world.commands.request([_order(digest="one")])
    assert world.commands.find_known("shop", [job.id, "b" * 16], "one") == {job.id: job}
    with pytest.raises(KeyOfAnotherOrder, match=job.id):
        world.commands.find_known("shop", [job.id], "two")
    with pytest.raises(KeyOfAnotherOrder):
        world.commands.request([_order(1, digest="two"), _order(digest="two")])
    assert list(world.records.jobs.shown.values()) == [job]


def test_there_is_a_most_of_active_jobs(world: World) -> None:
    world.commands = JobCommands(world.records, world.vault, FakeClock().clock, most=2)
    first, _ = world.commands.request([_order(0), _order(1)])
    with pytest.raises(TooManyJobs, match="prevs job ls"):
        world.commands.request([_order(2)])
    assert world.commands.request([_order(0)]) == [first]
    world.fail(first)
    world.commands.request([_order(2)])
    with pytest.raises(TooManyJobs):
        world.commands.retry("shop", first.id, "a" * 16, by="me")


def test_a_payload_is_sealed_and_opened_again(world: World) -> None:
    (job,) = world.commands.request([_order(payload=b"\0hunter2", environment={"A": "hunter3"})])
    stored = world.records.jobs.payload(job)
    assert stored is not None
    assert "hunter" not in f"{job.encode()!r} {stored.encode()!r}"
    given = sealed_payloads.open_sealed(world.vault, stored)
    assert given.payload == sealed_payloads.encode(b"\0hunter2")
    assert given.environment == {"A": "hunter3"}
    assert job.payload_size == 8


def test_without_a_key_only_a_job_without_a_payload_is_added() -> None:
    world = World()
    world.commands.request([_order(0)])
    with pytest.raises(NoKey):
        world.commands.request([_order(1, payload=b"x")])


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_ends_first(world: World) -> None:
    waiting, running = world.commands.request([_order(0), _order(1)])
    world.launch(running)
    assert world.commands.cancel("shop", waiting.id, by="ci").state is JobState.CANCELLED
    ending = world.commands.cancel("shop", running.id, by="ci")
    assert ending.state is JobState.ENDING
    assert ending.reason == "ci has cancelled it."
    assert world.commands.cancel("shop", running.id, by="me").state is JobState.ENDING
    with pytest.raises(HasEnded):
        world.commands.cancel("shop", waiting.id, by="ci")


def test_a_group_is_cancelled_without_those_that_have_ended(world: World) -> None:
    ended, running, waiting, other = world.commands.request(
        [_order(0, group="g"), _order(1, group="g"), _order(2, group="g"), _order(3)]
    )
    world.fail(ended)
    world.launch(running)
    cancelled = world.commands.cancel_group("shop", "g", by="ci")
    assert {job.id for job in cancelled} == {running.id, waiting.id}
    assert world.commands.find("shop", other.id).state is JobState.QUEUED


def test_a_failed_job_runs_again_as_a_new_one_with_its_payload(world: World) -> None:
    (job,) = world.commands.request([_order(payload=b"x", group="g")])
    with pytest.raises(NotEnded):
        world.commands.retry("shop", job.id, "a" * 16, by="me")
    world.fail(job)
    world.records.jobs.tidy()
    again = world.commands.retry("shop", job.id, "a" * 16, by="me")
    assert (again.state, again.by, again.group) == (JobState.QUEUED, "me", "g")
    assert again.terms == job.terms
    assert world.commands.retry("shop", job.id, "a" * 16, by="me") == again
    payload = world.records.jobs.payload(again)
    assert payload is not None
    assert sealed_payloads.open_sealed(world.vault, payload).payload == "eA=="


def test_a_job_whose_payload_is_gone_does_not_run_again_without_it(world: World) -> None:
    (job,) = world.commands.request([_order(payload=b"x")])
    world.records.jobs.change(world.launch(job), Finished())
    world.records.jobs.tidy()
    with pytest.raises(PayloadGone):
        world.commands.retry("shop", job.id, "a" * 16, by="me")


def test_a_result_is_read_from_the_record_or_from_its_own_place(world: World) -> None:
    short, long, none, failed = world.commands.request([_order(number) for number in range(4)])
    jobs = world.records.jobs
    jobs.change(world.launch(short), Finished("ZG9uZQ==", 4))
    stored = ResultRecord("shop", long.id, "bG9uZw==")
    jobs.change(world.launch(long), Finished(size=4), result=stored)
    jobs.change(world.launch(none), Finished())
    stored = ResultRecord("shop", failed.id, "bG9uZw==")
    jobs.change(world.launch(failed), FailedWithResult(Failed(EXITED), size=4), result=stored)
    assert world.commands.read_result("shop", failed.id) == b"long"
    assert world.commands.read_result("shop", short.id) == b"done"
    assert world.commands.read_result("shop", long.id) == b"long"
    with pytest.raises(NoResult, match="/run/prevs/result"):
        world.commands.read_result("shop", none.id)
    with pytest.raises(UnknownJob):
        world.commands.read_result("shop", "z" * 16)
