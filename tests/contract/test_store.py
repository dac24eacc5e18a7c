"""One suite for the store in memory and the one in ZooKeeper."""

import uuid
from collections.abc import Iterator
from typing import Protocol

import pytest
from kazoo.client import KazooClient

from framework.errors import Superseded
from framework.ports import Store
from framework.zookeeper import ZookeeperStore, connect
from prevs.paths import Paths
from prevs.records import AppRecord, Placement, PlacementsRecord, PreviewRecord, ProxyRecord
from prevs.states import State
from tests.fakes.store import FakeStore, FakeZnodes

pytestmark = pytest.mark.contract

APP = AppRecord(name="hello", repository="/srv/hello")
A, B = "a" * 40, "b" * 40
PREVIEW = PreviewRecord(app="hello", sha=A, state=State.QUEUED, labels=("main",))
PLACEMENTS = PlacementsRecord("hello", {A: Placement("t", "127.0.0.1", 31000, ("main",))})


class Place(Protocol):
    """Somewhere to keep records, where a test can open stores and play proxy."""

    def store(self) -> Store: ...
    def proxy(self, record: ProxyRecord) -> None: ...


class MemoryPlace:
    def __init__(self) -> None:
        self.znodes = FakeZnodes()

    def store(self) -> Store:
        store = FakeStore(self.znodes)
        store.load()
        return store

    def proxy(self, record: ProxyRecord) -> None:
        self.znodes.proxies.append(record)


class ZookeeperPlace:
    def __init__(self, hosts: str) -> None:
        self.paths = Paths(f"/test-{uuid.uuid4().hex}")
        self.client: KazooClient = connect(hosts, 15)

    def store(self) -> Store:
        store = ZookeeperStore(self.client, self.paths)
        store.load()
        return store

    def proxy(self, record: ProxyRecord) -> None:
        path = self.paths.proxy(uuid.uuid4().hex)
        self.client.create(path, record.encode(), ephemeral=True, makepath=True)

    def close(self) -> None:
        self.client.delete(self.paths.root, recursive=True)
        self.client.stop()
        self.client.close()


@pytest.fixture(params=["memory", "zookeeper"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        yield MemoryPlace()
        return
    real = ZookeeperPlace(request.getfixturevalue("zookeeper"))
    yield real
    real.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store()


def test_an_empty_store_holds_nothing(store: Store) -> None:
    stored = store.load()
    assert (list(stored.apps), list(stored.previews), list(stored.placements)) == ([], [], [])
    assert stored.framework_id is None


def test_what_is_saved_is_what_another_store_loads(place: Place, store: Store) -> None:
    for record in (APP, PREVIEW, PLACEMENTS):
        store.save(record)
    store.save_framework_id("framework-1")
    stored = place.store().load()
    assert list(stored.apps) == [APP]
    assert list(stored.previews) == [PREVIEW]
    assert list(stored.placements) == [PLACEMENTS]
    assert stored.framework_id == "framework-1"


def test_versions_begin_at_zero_and_grow_by_one(store: Store) -> None:
    assert [store.save(PLACEMENTS) for _ in range(3)] == [0, 1, 2]


def test_versions_go_on_after_a_new_start(place: Place, store: Store) -> None:
    store.save(PLACEMENTS)
    assert place.store().save(PLACEMENTS) == 1


def test_the_framework_id_can_be_written_again(place: Place, store: Store) -> None:
    store.save_framework_id("framework-1")
    store.save_framework_id("framework-2")
    assert place.store().load().framework_id == "framework-2"


def test_what_is_deleted_is_gone_and_can_be_deleted_again(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    store.delete(PREVIEW)
    store.delete(PREVIEW)
    assert list(place.store().load().previews) == []


def test_what_was_deleted_can_be_saved_anew(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    store.delete(PREVIEW)
    assert store.save(PREVIEW) == 0
    assert list(place.store().load().previews) == [PREVIEW]


def test_previews_of_apps_are_kept_apart(place: Place, store: Store) -> None:
    other = PreviewRecord(app="other", sha=A, state=State.STOPPED)
    store.save(PREVIEW)
    store.save(other)
    store.delete(PREVIEW)
    assert list(place.store().load().previews) == [other]


def test_a_write_over_somebody_elses_is_refused(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    other = place.store()
    other.save(PREVIEW)
    with pytest.raises(Superseded):
        store.save(PREVIEW)


def test_two_who_write_something_new_do_not_both_succeed(place: Place, store: Store) -> None:
    other = place.store()
    store.save(APP)
    with pytest.raises(Superseded):
        other.save(APP)


def test_a_delete_of_what_somebody_else_has_written_is_refused(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    place.store().save(PREVIEW)
    with pytest.raises(Superseded):
        store.delete(PREVIEW)


def test_every_live_proxy_tells_what_it_has_applied(place: Place, store: Store) -> None:
    assert list(store.proxies()) == []
    place.proxy(ProxyRecord({"hello": 3}))
    place.proxy(ProxyRecord())
    found = sorted(store.proxies(), key=lambda proxy: len(proxy.applied))
    assert found == [ProxyRecord(), ProxyRecord({"hello": 3})]
