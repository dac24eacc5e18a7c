"""One suite for the store in memory and the one in ZooKeeper."""

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from kazoo.client import KazooClient

from framework.errors import Superseded
from framework.ports import Store
from framework.zookeeper.connection import connect
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs.access import Access, AccessRecord
from prevs.gates import GateRecord, Revision
from prevs.paths import Paths
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import (
    AgentsRecord,
    AppRecord,
    Placement,
    PlacementsRecord,
    PortRange,
    PreviewRecord,
    ProxyRecord,
    SecretsRecord,
    TokenRecord,
)
from prevs.roles import RoleRecord
from prevs.stacks import Member, StackRecord, Variant
from prevs.states import State
from tests.fakes.store import FakeStore, FakeZnodes

pytestmark = pytest.mark.contract

APP = AppRecord(name="hello", repository="/srv/hello")
A, B = "a" * 40, "b" * 40
PREVIEW = PreviewRecord(app="hello", sha=A, state=State.QUEUED, labels=("main",))
TOKEN = TokenRecord("deploys", "5c80e7d1" * 8, "use", created=1.0)
SECRETS = SecretsRecord("hello", "gAAAAABl")
ACCESS = AccessRecord("hello", Access.PASSWORD, 3, signature="signed")
PULL = PullRecord("hello", 7, A, "pull/7/head")
REPOSITORY = RepositoryRecord("hello", "/srv/hello", "7", "99")
GATE = GateRecord("api", "hello", Revision(0, ()), created=1.0, stack="shop")
STACK = StackRecord(
    "shop",
    "web",
    {"web": Member("hello", "main")},
    {"größe-1": Variant("größe", ("web",), opened=1.0)},
    signature="signed",
)
INSTANCE = PreviewRecord("hello", B, State.RUNNING, instance="größe-1--shop", built_from=A)
ROLE = RoleRecord("use", group="org/größe team", app="hello", created=1.0)
AGENTS = AgentsRecord({"127.0.0.1": (PortRange(31000, 32000),)}, "signed")
PLACEMENTS = PlacementsRecord("hello", {A: Placement("t", "127.0.0.1", 31000, ("main",))})


class Place(Protocol):
    """A root of records where a test can open stores and act as a proxy.

    Every store belongs to the leader, until `lead` makes another one lead.
    """

    def lead(self) -> None: ...
    def store(self) -> Store: ...
    def proxy(self, record: ProxyRecord) -> None: ...


class MemoryPlace:
    def __init__(self) -> None:
        self.znodes = FakeZnodes()

    def lead(self) -> None:
        self.znodes.epoch += 1

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
        self._hosts = hosts
        self.lead()

    def lead(self) -> None:
        client = connect(self._hosts, 15)
        self.epoch = Election(client, self.paths, "http://127.0.0.1:8090").win()
        client.stop()
        client.close()

    def store(self) -> Store:
        store = ZookeeperStore(self.client, self.paths, self.epoch)
        store.load()
        return store

    def proxy(self, record: ProxyRecord) -> None:
        path = self.paths.proxy(uuid.uuid4().hex)
        self.client.create(path, record.encode(), ephemeral=True, makepath=True)

    def close(self) -> None:
        self.client.delete(self.paths.root, recursive=True)
        self.client.stop()
        self.client.close()


@pytest.fixture(params=["memory", pytest.param("zookeeper", marks=pytest.mark.daemons)])
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


def test_another_store_loads_the_saved_records(place: Place, store: Store) -> None:
    of_apps = (APP, PREVIEW, INSTANCE, PLACEMENTS, SECRETS, ACCESS, PULL, REPOSITORY)
    for record in (*of_apps, TOKEN, ROLE, GATE, STACK):
        store.save(record)
    store.save_framework_id("framework-1")
    store.save(AGENTS)
    stored = place.store().load()
    assert stored.agents == AGENTS
    assert list(stored.apps) == [APP]
    assert list(stored.previews) == [PREVIEW, INSTANCE]
    assert list(stored.placements) == [PLACEMENTS]
    assert list(stored.tokens) == [TOKEN]
    assert list(stored.secrets) == [SECRETS]
    assert list(stored.access) == [ACCESS]
    assert list(stored.pulls) == [PULL]
    assert list(stored.repositories) == [REPOSITORY]
    assert list(stored.roles) == [ROLE]
    assert list(stored.gates) == [GATE]
    assert list(stored.stacks) == [STACK]
    assert stored.framework_id == "framework-1"


def test_several_are_saved_at_once(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    changed = dataclasses.replace(PREVIEW, state=State.PLACED)
    new = [PreviewRecord(app=app, sha=B, state=State.QUEUED) for app in ("hello", "other")]
    store.save_all([changed, *new])
    stored = place.store().load()
    assert {(p.app, p.sha): p for p in stored.previews} == {
        (p.app, p.sha): p for p in (changed, *new)
    }
    assert store.save(changed) == 2


def test_several_are_saved_all_or_none(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    other = dataclasses.replace(PREVIEW, sha=B)
    place.store().save(other)
    with pytest.raises(Superseded):
        store.save_all([dataclasses.replace(PREVIEW, state=State.PLACED), other])
    assert PREVIEW in place.store().load().previews


def test_versions_begin_at_zero_and_grow_by_one_even_after_a_restart(
    place: Place, store: Store
) -> None:
    assert [store.save(PLACEMENTS) for _ in range(3)] == [0, 1, 2]
    assert place.store().save(PLACEMENTS) == 3


def test_the_framework_id_can_be_written_again(place: Place, store: Store) -> None:
    store.save_framework_id("framework-1")
    store.save_framework_id("framework-2")
    assert place.store().load().framework_id == "framework-2"


def test_a_deleted_record_is_gone_and_can_be_deleted_and_saved_again(
    place: Place, store: Store
) -> None:
    store.save(PREVIEW)
    store.delete(PREVIEW)
    store.delete(PREVIEW)
    assert list(place.store().load().previews) == []
    assert store.save(PREVIEW) == 0
    assert list(place.store().load().previews) == [PREVIEW]


def test_previews_of_apps_are_kept_apart(place: Place, store: Store) -> None:
    other = PreviewRecord(app="other", sha=A, state=State.STOPPED)
    store.save(PREVIEW)
    store.save(other)
    store.delete(PREVIEW)
    assert list(place.store().load().previews) == [other]


def test_a_write_or_delete_of_a_record_that_somebody_else_has_written_is_refused(
    place: Place, store: Store
) -> None:
    store.save(PREVIEW)
    other = place.store()
    other.save(PREVIEW)
    new = dataclasses.replace(PREVIEW, sha=B)
    other.save(new)
    writes: list[Callable[[], object]] = [
        lambda: store.save(PREVIEW),
        lambda: store.delete(PREVIEW),
        lambda: store.save(new),  # of two writers of a new record only one succeeds
    ]
    for write in writes:
        with pytest.raises(Superseded):
            write()


def test_every_live_proxy_shows_the_version_that_it_has_applied(place: Place, store: Store) -> None:
    assert list(store.proxies()) == []
    place.proxy(ProxyRecord({"hello": 3}))
    place.proxy(ProxyRecord())
    found = sorted(store.proxies(), key=lambda proxy: len(proxy.applied))
    assert found == [ProxyRecord(), ProxyRecord({"hello": 3})]


def test_a_store_of_an_earlier_leader_writes_nothing(place: Place, store: Store) -> None:
    for record in (APP, PREVIEW):
        store.save(record)
    store.save_framework_id("framework-1")
    place.lead()
    unchanged, new = PREVIEW, PreviewRecord(app="hello", sha=B, state=State.QUEUED)
    writes: list[Callable[[], object]] = [
        lambda: store.save(unchanged),
        lambda: store.save(new),
        lambda: store.save(PLACEMENTS),
        lambda: store.save_all([unchanged, new]),
        lambda: store.save_framework_id("framework-2"),
        lambda: store.delete(PREVIEW),
        lambda: store.delete(new),
        lambda: store.delete(APP),
    ]
    for write in writes:
        with pytest.raises(Superseded):
            write()
    stored = place.store().load()
    assert (list(stored.apps), list(stored.previews)) == ([APP], [PREVIEW])
    assert (list(stored.placements), stored.framework_id) == ([], "framework-1")


def test_the_new_leader_goes_on_from_what_the_earlier_one_wrote(place: Place, store: Store) -> None:
    store.save(PREVIEW)
    place.lead()
    assert place.store().save(PREVIEW) == 1
