"""The store over a real ZooKeeper, whose connection can fail."""

import dataclasses
from collections.abc import Callable

import pytest
from kazoo.client import KazooClient

from framework.errors import Superseded, Unavailable
from framework.zookeeper.connection import SESSION_SECONDS, connect, make_client
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs import signatures
from prevs.access import Access, AccessRecord
from prevs.paths import Paths
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests import times
from tests.fakes.placements import KEY
from tests.integration.zookeeper import mute_zookeeper
from tests.integration.zookeeper.transactions import lose_answer

pytestmark = pytest.mark.integration

A, B = "a" * 40, "b" * 40
PREVIEW = PreviewRecord(app="hello", sha=A, state=State.QUEUED)


@pytest.fixture
def store(client: KazooClient, paths: Paths) -> ZookeeperStore:
    store = ZookeeperStore(client, paths, Election(client, paths, "").win())
    store.load()
    return store


def test_a_missing_zookeeper_is_reported_as_such(free_port: Callable[[], int]) -> None:
    with pytest.raises(Unavailable, match="ZooKeeper"):
        connect(f"127.0.0.1:{free_port()}", 0.5)


@pytest.mark.parametrize("session", times.both(2.0, SESSION_SECONDS))
def test_a_link_that_is_not_answered_is_given_up_before_the_session_is_over(
    session: float,
) -> None:
    with mute_zookeeper.listening() as mute:
        client = make_client(mute.address, session=session)
        client.start_async()
        try:
            mute.wait_given_up(session * 0.9)
        finally:
            client.stop()
            client.close()


@pytest.mark.parametrize(
    "data",
    [b"{nonsense", dataclasses.replace(PREVIEW, state=State.FAILED).encode()],
    ids=["malformed", "of another commit"],
)
def test_a_malformed_record_costs_only_its_preview(
    client: KazooClient, paths: Paths, store: ZookeeperStore, data: bytes
) -> None:
    store.save(PREVIEW)
    client.create(paths.preview("hello", B), data, makepath=True)
    client.create(paths.app("broken"), b"", makepath=True)
    stored = store.load()
    assert (stored.previews, stored.apps) == ([PREVIEW], [])


def test_a_malformed_record_is_replaced_by_the_next_write(
    client: KazooClient, paths: Paths, store: ZookeeperStore
) -> None:
    client.create(paths.preview("hello", A), b"{nonsense", makepath=True)
    store.load()
    store.save(PREVIEW)
    assert client.get(paths.preview("hello", A))[0] == PREVIEW.encode()


@pytest.mark.parametrize(
    "data", [b"{nonsense", AccessRecord("other").encode()], ids=["malformed", "of another app"]
)
def test_a_record_of_who_may_look_that_cannot_be_read_closes_the_app(
    client: KazooClient, paths: Paths, store: ZookeeperStore, data: bytes
) -> None:
    client.create(paths.app_access("hello"), data)
    (record,) = store.load().access
    assert (record.app, record.access) == ("hello", Access.PASSWORD)
    assert not signatures.is_access_signed([KEY], record)
    store.save(record)
    assert client.get(paths.app_access("hello"))[0] == record.encode()


def test_a_malformed_proxy_record_delays_nobody(
    client: KazooClient, paths: Paths, store: ZookeeperStore
) -> None:
    client.create(paths.proxy("p1"), b"?", ephemeral=True, makepath=True)
    assert store.proxies() == []


def test_the_last_record_of_an_app_removes_its_empty_folders(
    client: KazooClient, paths: Paths, store: ZookeeperStore
) -> None:
    app = AppRecord(name="hello", repository="/srv/hello")
    store.save(app)
    store.save(PREVIEW)
    parents = paths.app_parents("hello")
    for parent in parents:
        client.ensure_path(parent)
    store.delete(PREVIEW)
    store.delete(app)
    assert [parent for parent in parents if client.exists(parent)] == []
    store.save(app)
    store.save(PREVIEW)
    assert client.get(paths.preview("hello", PREVIEW.sha))[0] == PREVIEW.encode()


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_repeating_a_write_after_a_lost_answer_succeeds(
    client: KazooClient, store: ZookeeperStore, *, there: bool, done: bool
) -> None:
    if there:
        store.save(PREVIEW)
    lose_answer(client, done=done)
    changed = PreviewRecord(app="hello", sha=A, state=State.PLACED)
    with pytest.raises(Unavailable):
        store.save(changed)
    store.save(changed)
    assert store.load().previews == [changed]


@pytest.mark.parametrize("done", [True, False])
def test_other_writes_may_follow_a_multiple_write_whose_answer_was_lost(
    client: KazooClient, store: ZookeeperStore, *, done: bool
) -> None:
    store.save(PREVIEW)
    placed = [dataclasses.replace(PREVIEW, sha=sha, state=State.PLACED) for sha in (A, B)]
    lose_answer(client, done=done)
    with pytest.raises(Unavailable):
        store.save_all(placed)
    again = [dataclasses.replace(preview, task_id="another") for preview in placed]
    store.save_all(again)
    assert store.load().previews == again


@pytest.mark.parametrize("done", [True, False])
def test_repeating_a_delete_after_a_lost_answer_succeeds(
    client: KazooClient, store: ZookeeperStore, *, done: bool
) -> None:
    store.save(PREVIEW)
    lose_answer(client, done=done)
    with pytest.raises(Unavailable):
        store.delete(PREVIEW)
    store.delete(PREVIEW)
    assert store.load().previews == []


def test_a_lost_answer_does_not_hide_somebody_elses_write(
    client: KazooClient, paths: Paths, store: ZookeeperStore
) -> None:
    store.save(PREVIEW)
    lose_answer(client, done=False)
    with pytest.raises(Unavailable):
        store.save(PREVIEW)
    client.set(paths.preview("hello", A), b"somebody else's")
    with pytest.raises(Superseded):
        store.save(PREVIEW)


def test_a_lost_answer_does_not_hide_that_another_one_leads(
    zookeeper: str, client: KazooClient, paths: Paths, store: ZookeeperStore
) -> None:
    store.save(PREVIEW)
    lose_answer(client, done=True)
    with pytest.raises(Unavailable):
        store.save(PREVIEW)
    epoch = int(client.get(paths.leader)[1].version)
    client.set(paths.leader, b"{}", version=epoch)
    with pytest.raises(Superseded, match="leader"):
        store.save(PREVIEW)
