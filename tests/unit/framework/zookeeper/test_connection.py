"""The framework's view of the connection to ZooKeeper, with kazoo's states, without threads."""

from typing import Any, cast

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss, SessionExpiredError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState

from framework import events
from framework.errors import SessionLost, Unavailable
from framework.zookeeper.connection import mapped, watch_link


class Link:
    """The part of a kazoo client that these tests use."""

    def __init__(self) -> None:
        self.connected = True
        self.change: Any = None

    @property
    def client(self) -> KazooClient:
        return cast(KazooClient, self)

    def add_listener(self, listener: Any) -> None:
        self.change = listener


def test_a_suspended_connection_pauses_everything_and_a_lost_session_ends_it() -> None:
    link, submitted = Link(), list[events.Event]()
    watch_link(link.client, submitted.append)
    for state in (KazooState.SUSPENDED, KazooState.CONNECTED, KazooState.LOST):
        link.change(state)
    suspended, resumed, ended = submitted
    assert (suspended, resumed) == (events.StoreSuspended(), events.StoreResumed())
    assert isinstance(ended, events.EdgeFailed)
    assert isinstance(ended.error, SessionLost)


@pytest.mark.parametrize("error", [ConnectionLoss, SessionExpiredError, KazooTimeoutError])
def test_an_operation_that_kazoo_cannot_do_now_is_unavailable(error: type[Exception]) -> None:
    with pytest.raises(Unavailable, match="ZooKeeper"), mapped(Link().client):
        raise error


def test_nothing_waits_for_a_lost_connection() -> None:
    link, done = Link(), []
    link.connected = False
    with pytest.raises(Unavailable, match="ZooKeeper"), mapped(link.client):
        done.append("a call")
    assert done == []
