"""What thousands of ended jobs cost a framework that takes over: reads of ZooKeeper, and bytes."""

import uuid
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
from kazoo.client import KazooClient

from framework.jobs.ended_jobs import BLOCK, KEPT, archive
from framework.ports import Stored
from framework.ports.jobs import JobStore
from framework.zookeeper.connection import connect
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.paths import Paths
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests.costs.wire import Wire

pytestmark = pytest.mark.daemons

PREVIEWS = 1_000
"""Of an app."""
LOOSE = BLOCK // 2
"""Ended jobs of an app that are in no block: half as many as make a new one, as on the average."""
MOST = 1.1
"""Of what a takeover reads without ended jobs."""
_NOW = 1_800_000_000.0
_AT_ONCE = 300


class Root(NamedTuple):
    """A root of records, and a connection to it that is counted."""

    client: KazooClient
    paths: Paths
    wire: Wire

    def store(self) -> ZookeeperStore:
        return ZookeeperStore(
            self.client, self.paths, Election(self.client, self.paths, "http://127.0.0.1:1").win()
        )

    def load(self) -> tuple[Stored, Mapping[str, int]]:
        """Read all as a framework does that takes over; return it with its reads and bytes."""
        client = connect(self.wire.address, 15)
        try:
            store = ZookeeperStore(client, self.paths, epoch=0)
            reads, size = self.wire.requests["reads"], self.wire.bytes
            stored = store.load()
            cost = {"reads": self.wire.requests["reads"] - reads, "bytes": self.wire.bytes - size}
            return stored, cost
        finally:
            client.stop()
            client.close()


@pytest.fixture
def root(zookeeper: str, wire: Wire, apps: int) -> Iterator[Root]:
    client, paths = connect(zookeeper, 15), Paths(f"/test-{uuid.uuid4().hex}")
    yield Root(client, paths, wire)
    for some in parts(apps):
        # One after the other would take a minute.
        request = client.transaction()
        for number in some:
            request.delete(paths.preview(preview(number).app, preview(number).sha))
        request.commit()
    client.delete(paths.root, recursive=True)
    client.stop()
    client.close()


def parts(apps: int) -> Iterator[range]:
    """Yield the numbers of all previews, as many at a time as fit into one write."""
    count = apps * PREVIEWS
    for begin in range(0, count, _AT_ONCE):
        yield range(begin, min(count, begin + _AT_ONCE))


def name(app: int) -> str:
    return f"app-{app}"


def preview(number: int) -> PreviewRecord:
    return PreviewRecord(
        app=name(number // PREVIEWS),
        sha=f"{number:040x}",
        state=State.STOPPED,
        labels=(f"feature/{number}",),
        created=_NOW,
        changed=_NOW,
    )


def ended_job(app: str, number: int) -> JobRecord:
    return JobRecord(
        app,
        f"{number:016}",
        "a" * 40,
        "main",
        JobSettings(("python", "report.py", "--month", "november")),
        JobState.SUCCEEDED,
        created=_NOW,
        changed=_NOW + number,
        tries=1,
        exit_code=0,
    )


def end_jobs(store: JobStore, app: str) -> None:
    """Store as many ended jobs of an app as are kept, and some more that are in no block yet."""
    loose = [ended_job(app, number) for number in range(KEPT + LOOSE)]
    for last in range(KEPT // BLOCK):
        archived = archive(app, loose, last)
        assert archived is not None
        store.write([archived.block])
        loose = loose[len(archived.moved) :]
    store.write(loose)


@pytest.mark.parametrize("apps", [2, pytest.param(10, marks=pytest.mark.night)])
def test_a_takeover_reads_hardly_more_where_a_thousand_jobs_of_each_app_have_ended(
    root: Root, apps: int
) -> None:
    store = root.store()
    store.load()
    for number in range(apps):
        store.save(AppRecord(name=name(number), repository="/srv/app", created=_NOW))
    for some in parts(apps):
        store.save_all([preview(number) for number in some])
    stored, before = root.load()
    assert len(stored.previews) == apps * PREVIEWS

    for number in range(apps):
        end_jobs(store.jobs, name(number))
    stored, after = root.load()
    blocks = [len(numbers) for numbers in stored.jobs.blocks.values()]
    assert blocks == [KEPT // BLOCK] * apps
    assert len(stored.jobs.jobs) == apps * LOOSE
    for what in ("reads", "bytes"):
        assert before[what] < after[what] <= MOST * before[what], (what, before, after)
