"""The election, over a real ZooKeeper that loses answers and sessions."""

from collections.abc import Callable, Iterator

import pytest
from kazoo.client import KazooClient

from framework.errors import SessionLost, Superseded
from framework.zookeeper.connection import connect
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs.paths import Paths
from prevs.records import AppRecord, LeaderRecord
from tests.integration.zookeeper.transactions import before_commit, lose_answer
from tests.waits import wait_until

pytestmark = pytest.mark.integration

APP = AppRecord(name="hello", repository="/srv/hello")
API = "http://127.0.0.1:8090"


@pytest.fixture
def link(zookeeper: str, paths: Paths) -> Iterator[Callable[[], KazooClient]]:
    """Open sessions that end with the test."""
    clients: list[KazooClient] = []

    def link() -> KazooClient:
        clients.append(connect(zookeeper, 15))
        return clients[-1]

    yield link
    link().delete(paths.root, recursive=True)
    for client in clients:
        client.stop()
        client.close()


def stored(client: KazooClient, paths: Paths) -> LeaderRecord:
    return LeaderRecord.decode(client.get(paths.leader)[0])


def wait_leader(election: Election, api: str | None) -> None:
    def leads() -> bool:
        return (election.leader.api if election.leader else None) == api

    wait_until(leads, f"{api} leads", instead=lambda: election.leader)


def test_each_leader_has_its_own_epoch_and_is_known_to_the_others(
    link: Callable[[], KazooClient], paths: Paths
) -> None:
    first, other = link(), link()
    watching = Election(other, paths, "")
    watching.watch()
    assert watching.leader is None
    election = Election(first, paths, API)
    before = election.win()
    wait_leader(watching, API)
    assert watching.try_to_win() is None
    first.stop()
    second = Election(link(), paths, "http://127.0.0.2:8090")
    assert second.win() > before
    wait_leader(watching, "http://127.0.0.2:8090")


def test_a_leader_that_resigns_leaves_nobody_and_writes_no_more(
    link: Callable[[], KazooClient], paths: Paths
) -> None:
    client = link()
    election = Election(client, paths, API)
    store = ZookeeperStore(client, paths, election.win())
    store.load()
    store.save(APP)
    election.watch()
    election.resign()
    wait_leader(election, None)
    with pytest.raises(Superseded):
        store.save(APP)


def test_a_leader_knows_whether_the_one_before_stopped_in_order(
    link: Callable[[], KazooClient], paths: Paths
) -> None:
    first = link()
    election = Election(first, paths, API)
    election.win()
    assert not election.follows_a_stop, "nobody led before"
    first.stop()
    second = link()
    after_a_crash = Election(second, paths, API)
    lose_answer(second, done=True)
    after_a_crash.win()
    assert not after_a_crash.follows_a_stop
    after_a_crash.resign()
    second.stop()
    third = link()
    after_a_stop = Election(third, paths, API)
    lose_answer(third, done=True)
    after_a_stop.win()
    assert after_a_stop.follows_a_stop


def test_a_framework_that_never_led_resigns_nothing(
    link: Callable[[], KazooClient], paths: Paths
) -> None:
    leads = Election(link(), paths, API)
    leads.win()
    client = link()
    Election(client, paths, "http://127.0.0.2:8090").resign()
    assert stored(client, paths).api == API


@pytest.mark.parametrize("done", [True, False])
def test_a_takeover_without_an_answer_still_counts_once(
    link: Callable[[], KazooClient], paths: Paths, *, done: bool
) -> None:
    client = link()
    lose_answer(client, done=done)
    epoch = Election(client, paths, API).win()
    assert client.get(paths.leader)[1].version == epoch
    store = ZookeeperStore(client, paths, epoch)
    store.load()
    store.save(APP)


def test_a_framework_that_lost_the_lock_does_not_take_over(
    link: Callable[[], KazooClient], paths: Paths
) -> None:
    slow, quick = link(), link()

    def be_overtaken(commit: Callable[[], object]) -> object:
        (lock,) = slow.get_children(paths.election)
        quick.delete(f"{paths.election}/{lock}")  # as ZooKeeper does when a session is over
        Election(quick, paths, "http://127.0.0.2:8090").win()
        return commit()

    before_commit(slow, be_overtaken)
    with pytest.raises(SessionLost):
        Election(slow, paths, API).win()
    assert stored(quick, paths).api == "http://127.0.0.2:8090"
