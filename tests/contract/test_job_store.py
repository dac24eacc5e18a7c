"""One suite for the store of jobs in memory and the one in ZooKeeper."""

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Protocol

import pytest
from kazoo.client import KazooClient

from framework.errors import Superseded
from framework.ports.jobs import JobsRecord, JobStore
from framework.zookeeper.connection import connect
from framework.zookeeper.election import Election
from framework.zookeeper.job_store import ZookeeperJobStore
from prevs.job_settings import JobSettings
from prevs.jobs import EndedJobsRecord, JobRecord, JobState, PayloadRecord, ResultRecord
from prevs.paths import Paths
from prevs.schedules import ScheduleRecord
from tests.fakes.job_store import FakeJobStore, Place

pytestmark = pytest.mark.contract

ID, OTHER = "a" * 16, "b" * 16
JOB = JobRecord("hello", ID, "a" * 40, "main", JobSettings(("true",)))
PAYLOAD = PayloadRecord("hello", ID, "gAAAAABl")
RESULT = ResultRecord("hello", ID, "ZG9uZQ==")
BLOCK = EndedJobsRecord("hello", 3, (dataclasses.replace(JOB, id=OTHER),))


SCHEDULE = ScheduleRecord("hello", "report", "main", "report", every=60)


class Root(Protocol):
    """A root of records where a test can open stores, each as a new leader."""

    def store(self) -> JobStore: ...


class MemoryRoot:
    def __init__(self) -> None:
        self._places: dict[Place, JobsRecord] = {}

    def store(self) -> JobStore:
        store = FakeJobStore(self._places)
        store.load()
        return store


class ZookeeperRoot:
    def __init__(self, hosts: str) -> None:
        self._paths = Paths(f"/test-{uuid.uuid4().hex}")
        self._client: KazooClient = connect(hosts, 15)
        self._epoch = Election(self._client, self._paths, "http://127.0.0.1:8090").win()

    def store(self) -> JobStore:
        store = ZookeeperJobStore(self._client, self._paths, self._epoch)
        store.load()
        return store

    def close(self) -> None:
        self._client.delete(self._paths.root, recursive=True)
        self._client.stop()
        self._client.close()


@pytest.fixture(params=["memory", pytest.param("zookeeper", marks=pytest.mark.daemons)])
def root(request: pytest.FixtureRequest) -> Iterator[Root]:
    if request.param == "memory":
        yield MemoryRoot()
        return
    real = ZookeeperRoot(request.getfixturevalue("zookeeper"))
    yield real
    real.close()


def test_another_store_finds_what_was_written(root: Root) -> None:
    root.store().write([JOB, PAYLOAD, RESULT, BLOCK, SCHEDULE])
    store = root.store()
    stored = store.load()
    assert list(stored.jobs) == [JOB]
    assert list(stored.schedules) == [SCHEDULE]
    assert {app: list(numbers) for app, numbers in stored.blocks.items()} == {"hello": [3]}
    assert store.payload("hello", ID) == PAYLOAD
    assert store.result("hello", ID) == RESULT
    assert store.block("hello", 3) == BLOCK


def test_what_is_not_there_reads_as_none(root: Root) -> None:
    store = root.store()
    assert store.payload("hello", ID) is None
    assert store.result("hello", ID) is None
    assert store.block("hello", 1) is None


def test_jobs_move_into_a_block_in_one_write(root: Root) -> None:
    store = root.store()
    store.write([JOB, PAYLOAD])
    moved = EndedJobsRecord("hello", 1, (dataclasses.replace(JOB, state=JobState.SUCCEEDED),))
    store.write([moved], deleted=[JOB, PAYLOAD])
    stored = root.store().load()
    assert list(stored.jobs) == []
    assert store.payload("hello", ID) is None
    assert store.block("hello", 1) == moved


def test_a_result_that_an_earlier_leader_left_is_replaced(root: Root) -> None:
    root.store().write([JOB, RESULT])
    new = dataclasses.replace(RESULT, data="bmV3")
    later = root.store()
    later.write([dataclasses.replace(JOB, state=JobState.SUCCEEDED), new])
    assert root.store().result("hello", ID) == new
    later.write([], deleted=[JOB, RESULT, PAYLOAD])
    assert root.store().result("hello", ID) is None


def test_of_two_writers_of_a_new_job_only_one_succeeds(root: Root) -> None:
    one, two = root.store(), root.store()
    one.write([JOB])
    with pytest.raises(Superseded):
        two.write([JOB])


def test_a_time_of_a_schedule_is_written_with_its_job_or_not_at_all(root: Root) -> None:
    root.store().write([SCHEDULE])
    one, two = root.store(), root.store()
    fired = dataclasses.replace(SCHEDULE, last=60.0, count=1)
    one.write([fired, JOB])
    again = dataclasses.replace(SCHEDULE, last=60.0, count=7)
    with pytest.raises(Superseded):
        two.write([JOB, dataclasses.replace(JOB, id=OTHER), again])
    stored = root.store().load()
    assert (list(stored.schedules), list(stored.jobs)) == ([fired], [JOB])


def test_a_write_is_taken_back_as_a_whole(root: Root) -> None:
    store = root.store()
    store.write([SCHEDULE])
    store.write([dataclasses.replace(SCHEDULE, count=1), JOB])
    store.write([SCHEDULE], deleted=[JOB, PAYLOAD])
    stored = root.store().load()
    assert (list(stored.schedules), list(stored.jobs)) == ([SCHEDULE], [])
    store.write([], deleted=[SCHEDULE])
    assert list(root.store().load().schedules) == []
