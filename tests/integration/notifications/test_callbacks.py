"""Callbacks of jobs at real receivers: signed, told again until they are taken, over failovers."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook

from framework.apps import app_secrets
from framework.apps.receivers import Receiver
from framework.clock import Clock
from framework.http_api.jobs import job_callbacks
from framework.jobs.orders import JobOrder
from framework.metrics import NotificationMetrics
from framework.notifications.callbacks import Callbacks, Edges
from framework.notifications.sender import Limits, Sender
from framework.service.jobs.job_commands import JobCommands
from prevs.job_settings import JobSettings
from prevs.jobs import CallbackState, JobRecord
from tests.fakes.driven import A, Driven
from tests.fakes.receiver import ReceiverServer, status
from tests.fakes.store import FakeZnodes
from tests.integration.notifications.conftest import SECRET, make_receiver
from tests.waits import wait_until

pytestmark = pytest.mark.integration


class Framework:
    """A framework that leads, over records that the next one finds again."""

    def __init__(self, znodes: FakeZnodes, faster: float = 100.0) -> None:
        self.driven = Driven(znodes)
        if not self.driven.service.snapshot.apps:
            self.driven.add_app()
        self.service = self.driven.service
        self.registry = CollectorRegistry()
        clock = Clock(time.time, lambda: time.monotonic() * faster)
        self.callbacks = Callbacks(
            Edges(lambda: self.service.snapshot, job_callbacks.write, self.service.inbox.put),
            Sender(["127.0.0.1"], tuple, clock, limits=Limits(0.5, 1.0)),
            metrics=NotificationMetrics(self.registry),
            clock=clock,
        )

    @contextlib.contextmanager
    def leading(self) -> Iterator["Framework"]:
        with self.driven.running():
            self.callbacks.start()
            try:
                yield self
            finally:
                self.callbacks.stop()

    def send_to(self, receiver: Receiver) -> None:
        """Add a receiver of the app, before the framework runs."""
        self.driven.call(
            lambda: self.service.commands.change_secrets(
                "hello", lambda given: app_secrets.with_receiver(given, receiver)
            )
        )

    def end_job(self, job_id: str, **fields: Any) -> None:
        """Request a job, and let it end at once."""
        records = self.driven.records
        commands = JobCommands(records, records.vault, self.driven.clock.clock)
        terms = JobSettings(("report", "--token", "hunter2"))
        order = JobOrder(job_id, "hello", "main", A, terms, callback="ci", **fields)
        self.driven.call(lambda: commands.request([order]))
        self.driven.call(lambda: commands.cancel("hello", job_id, by="somebody"))

    def find(self, job_id: str) -> JobRecord:
        return self.service.snapshot.jobs["hello", job_id]

    def find_state(self, job_id: str) -> CallbackState | None:
        told = self.find(job_id).callback
        return told.state if told else None

    def count(self, fate: str) -> float:
        return self.registry.get_sample_value("prevs_notifications_total", {"fate": fate}) or 0.0


def test_the_end_of_a_job_is_told_signed_until_it_is_taken(server: ReceiverServer) -> None:
    framework = Framework(FakeZnodes())
    framework.send_to(make_receiver(server, events=("callback",)))
    framework.end_job("j1", name="report", group="nightly", payload=b"hunter2")
    server.answers = [status(503), status(500)]
    with framework.leading():
        wait_until(lambda: framework.find_state("j1") is CallbackState.TOLD)
    assert [one.id for one in server.taken] == ["job-j1"] * 3
    bodies = [Webhook(SECRET).verify(one.body, one.headers) for one in server.taken]
    assert bodies[0] == bodies[1] == bodies[2]
    job = framework.find("j1")
    assert bodies[0] == {
        "type": "callback",
        "id": "j1",
        "app": "hello",
        "commit": A,
        "label": "main",
        "name": "report",
        "state": "cancelled",
        "failure": None,
        "exit_code": None,
        "group": "nightly",
        "created": job.created,
        "began": None,
        "ended": job.changed,
        "tries": 0,
        "result_size": 0,
        "url": "/v1/apps/hello/jobs/j1",
        "sentence": "job j1 of hello (report at main) was cancelled: somebody has cancelled it",
    }
    assert b"hunter2" not in b"".join(one.body for one in server.taken)
    assert job.callback is not None
    assert (job.callback.status, job.callback.problem) == (204, "")
    assert (framework.count("failed"), framework.count("taken")) == (2, 1)


def test_a_receiver_that_refuses_is_not_told_again(server: ReceiverServer) -> None:
    framework = Framework(FakeZnodes())
    framework.send_to(make_receiver(server))
    framework.end_job("j1")
    server.answers = [status(400)]
    with framework.leading():
        wait_until(lambda: framework.find_state("j1") is CallbackState.GIVEN_UP)
    told = framework.find("j1").callback
    assert told is not None
    assert (told.status, len(server.taken)) == (400, 1)
    assert told.problem.startswith("127.0.0.1 refuses this notification (400)")


def test_after_an_hour_a_callback_is_given_up(server: ReceiverServer) -> None:
    framework = Framework(FakeZnodes(), faster=2000.0)
    framework.send_to(make_receiver(server))
    framework.end_job("j1")
    server.answers = [status(503)] * 50
    with framework.leading():
        wait_until(lambda: framework.callbacks.last_try("hello", "j1"))
        wait_until(lambda: framework.find_state("j1") is CallbackState.GIVEN_UP)
    told = framework.find("j1").callback
    assert told is not None
    assert (told.status, told.problem) == (503, "127.0.0.1 answered with the status 503.")
    assert abs(told.at - time.time()) < 60
    assert len(server.taken) >= 3
    assert framework.count("expired") == 1


def test_a_receiver_that_was_removed_is_told_once_it_is_there_again(
    server: ReceiverServer,
) -> None:
    znodes = FakeZnodes()
    first = Framework(znodes)
    first.send_to(make_receiver(server))
    first.end_job("j1")
    first.driven.call(
        lambda: first.service.commands.change_secrets(
            "hello", lambda given: app_secrets.without_receiver(given, "ci")
        )
    )
    with first.leading():
        wait_until(lambda: first.callbacks.last_try("hello", "j1"))
    last = first.callbacks.last_try("hello", "j1")
    assert last is not None
    assert "prevs notify add hello URL --name ci" in last.last.problem
    assert 0 < last.next - last.last.at <= 6
    second = Framework(znodes)
    second.send_to(make_receiver(server))
    with second.leading():
        wait_until(lambda: second.find_state("j1") is CallbackState.TOLD)
    assert len(server.taken) == 1


def test_callbacks_survive_leaders_and_each_is_told_at_least_once(server: ReceiverServer) -> None:
    """The first leader reaches nobody; the second dies before it can write what was taken."""
    znodes = FakeZnodes()
    first = Framework(znodes)
    first.send_to(make_receiver(server))
    jobs = [f"j{number}" for number in range(20)]
    for job_id in jobs:
        first.end_job(job_id)
    server.answers = [status(503)] * 100
    with first.leading():
        wait_until(lambda: first.count("failed"))
    server.answers.clear()
    second = Framework(znodes)
    taken = len(server.taken)
    second.callbacks.start()  # its service has no thread, so nothing is written
    wait_until(lambda: {one.id for one in server.taken[taken:]} == {f"job-{one}" for one in jobs})
    second.callbacks.stop()
    assert {second.find_state(one) for one in jobs} == {CallbackState.WAITING}
    taken = len(server.taken)
    third = Framework(znodes)
    with third.leading():
        wait_until(lambda: all(third.find_state(one) is CallbackState.TOLD for one in jobs))
    assert sorted(one.id for one in server.taken[taken:]) == sorted(f"job-{one}" for one in jobs)
    fourth = Framework(znodes)
    assert all(fourth.find_state(one) is CallbackState.TOLD for one in jobs)
