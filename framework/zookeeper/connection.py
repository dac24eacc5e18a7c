"""The connection to ZooKeeper, over kazoo: a framework has one session for everything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException, NoAuthError
from kazoo.handlers.threading import KazooTimeoutError

from framework import events
from framework.errors import ForeignState, SessionLost, Unavailable
from framework.zookeeper.rights import everything
from program.settings.zookeeper import list_servers

SESSION_SECONDS = 6.0
"""The session timeout: without a sign of life for so long, another framework leads."""

RECONNECT: Mapping[str, object] = {"max_tries": -1, "delay": 0.1, "backoff": 2, "max_delay": 1.0}
"""The framework reconnects within a second after ZooKeeper is back, even after a minute."""

CLOSED = (
    "is closed to this framework: PREVS_ZOOKEEPER_AUTH_FILE must hold a user:password that may "
    "open it. If it belongs to somebody else, choose another PREVS_ROOT."
)


def make_client(
    hosts: str, identities: Sequence[str] = (), *, session: float = SESSION_SECONDS
) -> KazooClient:
    """Return a client, not started yet.

    With `identities` (`user:password`), only the first one may use the znodes that it makes.
    """
    return KazooClient(
        hosts=list_servers(hosts),
        timeout=session,
        connection_retry=dict(RECONNECT),
        auth_data=[("digest", one) for one in identities],
        default_acl=[everything(identities[0])] if identities else None,
    )


def start(client: KazooClient, timeout: float) -> None:
    """Begin a client's session; make its chroot if that is missing.

    Raises Unavailable after `timeout` seconds without an answer, ForeignState if ZooKeeper does
    not allow it to make the chroot.
    """
    try:
        if client.chroot:
            _make_chroot(client, timeout)
        client.start(timeout=timeout)
    except KazooTimeoutError:
        servers = dict.fromkeys(f"{host}:{port}" for host, port in client.hosts)
        raise Unavailable(f"ZooKeeper ({', '.join(servers)})") from None


def _make_chroot(client: KazooClient, timeout: float) -> None:
    """Make the chroot with a second client: a client below it cannot.

    See https://github.com/python-zk/kazoo/issues/53.
    """
    hosts = ",".join(f"{host}:{port}" for host, port in client.hosts)
    above = KazooClient(
        hosts=hosts,
        timeout=SESSION_SECONDS,
        auth_data=list(client.auth_data),
        default_acl=client.default_acl,
    )
    try:
        above.start(timeout=timeout)
        with mapped(above):
            above.ensure_path(client.chroot)
    finally:
        above.stop()
        above.close()


def connect(hosts: str, timeout: float, identities: Sequence[str] = ()) -> KazooClient:
    """Return a started client. Raises as `start`."""
    client = make_client(hosts, identities)
    try:
        start(client, timeout)
    except Unavailable:
        client.close()
        raise
    return client


def watch_link(client: KazooClient, submit: Callable[[events.Event], None]) -> None:
    """Submit changes of the connection as events, from kazoo's thread."""

    def changed(state: str) -> None:
        if state == KazooState.SUSPENDED:
            submit(events.StoreSuspended())
        elif state == KazooState.LOST:
            submit(events.EdgeFailed(SessionLost()))
        else:
            submit(events.StoreResumed())

    client.add_listener(changed)


@contextmanager
def mapped(client: KazooClient) -> Iterator[None]:
    """Turn kazoo's errors into ours; raise at once where kazoo would wait for a connection.

    kazoo queues requests while it reconnects (https://github.com/python-zk/kazoo/pull/588). Raises
    Unavailable, and ForeignState for znodes that are closed to this framework.
    """
    if not client.connected:
        raise Unavailable("ZooKeeper")
    try:
        yield
    except NoAuthError:
        raise ForeignState("What prevs needs", CLOSED) from None
    except (KazooException, KazooTimeoutError) as error:
        raise Unavailable("ZooKeeper") from error
