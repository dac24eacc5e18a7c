"""The link to ZooKeeper, over kazoo: one session for all that a framework does there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from framework import events
from framework.errors import SessionLost, Unavailable
from program.zookeeper import list_servers

SESSION_SECONDS = 6.0
"""After so long without a word from the leader ZooKeeper lets another one lead."""

RECONNECT: Mapping[str, object] = {"max_tries": -1, "delay": 0.1, "backoff": 2, "max_delay": 1.0}
"""A ZooKeeper that was away for a minute is noticed within a second of its return."""


def make_client(hosts: str) -> KazooClient:
    """Return a client that has yet to be started."""
    servers = list_servers(hosts)
    return KazooClient(hosts=servers, timeout=SESSION_SECONDS, connection_retry=dict(RECONNECT))


def start(client: KazooClient, timeout: float) -> None:
    """Begin a client's session. Raises Unavailable after `timeout` seconds without an answer."""
    try:
        client.start(timeout=timeout)
    except KazooTimeoutError:
        servers = dict.fromkeys(f"{host}:{port}" for host, port in client.hosts)
        raise Unavailable(f"ZooKeeper ({', '.join(servers)})") from None


def connect(hosts: str, timeout: float) -> KazooClient:
    """Return a started client. Raises as `start`."""
    client = make_client(hosts)
    try:
        start(client, timeout)
    except Unavailable:
        client.close()
        raise
    return client


def watch_link(client: KazooClient, submit: Callable[[events.Event], None]) -> None:
    """Have changes of the link submitted as events, from kazoo's thread."""

    def changed(state: str) -> None:
        if state == KazooState.SUSPENDED:
            submit(events.StoreSuspended())
        elif state == KazooState.LOST:
            submit(events.Ended(SessionLost()))
        else:
            submit(events.StoreResumed())

    client.add_listener(changed)


@contextmanager
def mapped(client: KazooClient) -> Iterator[None]:
    """Turn kazoo's errors into Unavailable; refuse at once where kazoo would wait for a link."""
    if not client.connected:
        raise Unavailable("ZooKeeper")
    try:
        yield
    except (KazooException, KazooTimeoutError) as error:
        raise Unavailable("ZooKeeper") from error
