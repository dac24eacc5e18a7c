"""Announces the master in ZooKeeper, as the leading master of a real cluster does itself.

The master here does not use ZooKeeper. So while it answers, this part keeps an ephemeral,
sequential znode /mesos/json.info_<n> with its MasterInfo. Each start of the master gets a new
znode, as clients distinguish masters by its number. Everybody may read it. With an identity nobody
else may change it, as all programs trust the announced master.
"""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Sequence
from typing import Any

import requests
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoAuthError, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, make_digest_acl

from local.mesos.parts import Address

ROOT = "/mesos"
_PREFIX = "json.info_"
_INTERVAL = 0.1  # seconds between checks of the master
_FAILURES = (KazooException, KazooTimeoutError)


def master_info(state: dict[str, Any], master: Address) -> bytes:
    """Return the MasterInfo to announce, from the master's /state."""
    address = {"hostname": master.host, "ip": master.host, "port": master.port}
    info = {
        "id": state["id"],
        "hostname": master.host,
        "ip": int.from_bytes(bytes(map(int, master.host.split("."))), "little"),
        "pid": f"master@{master}",
        "port": master.port,
        "version": state.get("version", ""),
        "address": address,
    }
    return json.dumps(info).encode()


class AnnouncementPart:
    """A Part that keeps the announcement, on its own thread.

    `identity` is its ZooKeeper identity, `user:password`; `credential` is its login at the master.
    """

    name = "announcement"
    needs = ("zookeeper", "master")
    advice = "Read the logs: `prevs local logs zookeeper`, `prevs local logs master`."
    pid = None

    def __init__(
        self,
        zookeeper: str,
        master: Address,
        *,
        identity: str | None = None,
        credential: tuple[str, str] | None = None,
    ) -> None:
        self.address = f"zk://{zookeeper}{ROOT}"
        self._zookeeper = zookeeper
        self._master = master
        self._identity = identity
        self._credential = credential
        self._stopping = threading.Event()
        self._announced = threading.Event()
        self._thread: threading.Thread | None = None
        self._link: socket.socket | None = None
        self._failure = ""

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        return self._announced.is_set()

    def problem(self) -> str | None:
        running = self._thread is not None and self._thread.is_alive()
        return None if running else "its thread has ended"

    def last_words(self) -> str:
        return self._failure

    def give_up(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Follow the master until stopped; retry after failures."""
        client = _connect(self._zookeeper, self._identity, self._stopping)
        if client is None:
            return
        client.add_listener(self._listen)
        made = False
        try:
            while not self._stopping.wait(_INTERVAL):
                try:
                    if not made:
                        _make_root(client, self._identity)
                        made = True
                    self._follow(client)
                    self._failure = ""
                except _FAILURES as exc:
                    self._failure = _explain(exc)
                    logging.getLogger(__name__).info("announcement: %r", exc)
        finally:
            self._announced.clear()
            self._disconnect()
            client.stop()
            client.close()

    def _listen(self, state: str) -> None:
        if state == "LOST":  # the znode has ended with the session
            self._announced.clear()

    def _follow(self, client: KazooClient) -> None:
        """Check whether the announced master still runs; announce the new one if not."""
        if self._link is not None and _is_closed(self._link):
            self._disconnect()
            self._announced.clear()
            _withdraw(client)
        if self._link is None:
            self._link = _connection(self._master)
        if self._link is not None and not self._announced.is_set():
            state = _state(self._master, self._credential)
            if state is not None:
                _withdraw(client)  # of a killed supervisor, whose session is still alive
                info = master_info(state, self._master)
                acl = _acl(self._identity)
                client.create(f"{ROOT}/{_PREFIX}", info, acl, ephemeral=True, sequence=True)
                self._announced.set()

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _explain(error: Exception) -> str:
    """Return why nothing is announced, for people."""
    if isinstance(error, NoAuthError):
        return (
            "ZooKeeper has znodes of another identity than that in `zookeeper-auth`. If its data "
            "was put back by hand, put back that file too, or use `prevs restore`."
        )
    return repr(error)


def _acl(identity: str | None) -> Sequence[ACL]:
    """Return ACLs: everybody reads, only the identity writes; without one, everybody writes."""
    if identity is None:
        return OPEN_ACL_UNSAFE
    user, _, password = identity.partition(":")
    return [*READ_ACL_UNSAFE, make_digest_acl(user, password, all=True)]


def _make_root(client: KazooClient, identity: str | None) -> None:
    """Create the parent znode for masters; with an identity, nobody else creates znodes there."""
    client.ensure_path(ROOT)
    if identity is not None:
        for path in ("/", ROOT):
            client.set_acls(path, _acl(identity))


def _connect(zookeeper: str, identity: str | None, stopping: threading.Event) -> KazooClient | None:
    quiet = logging.getLogger("local.mesos.announcement.kazoo")
    quiet.setLevel(logging.ERROR)
    while not stopping.is_set():
        client = KazooClient(
            zookeeper,
            timeout=4.0,
            logger=quiet,
            auth_data=[("digest", identity)] if identity else None,
        )
        try:
            client.start(timeout=3)
        except _FAILURES:
            client.stop()
            client.close()
        else:
            return client
    return None


def _withdraw(client: KazooClient) -> None:
    for child in client.get_children(ROOT):
        if child.startswith(_PREFIX):
            with contextlib.suppress(NoNodeError):
                client.delete(f"{ROOT}/{child}")


def _connection(master: Address) -> socket.socket | None:
    """Return a connection to the master, whose end shows that the master has ended.

    Polling would work too, but the master logs every request.
    """
    try:
        connection = socket.create_connection((master.host, master.port), timeout=1)
    except OSError:
        return None
    connection.setblocking(False)
    return connection


def _is_closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _state(master: Address, credential: tuple[str, str] | None) -> dict[str, Any] | None:
    """Return the master's /state, or None if it does not answer within a second."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            state: Any = session.get(f"http://{master}/state", timeout=1, auth=credential).json()
    except (requests.RequestException, ValueError):
        return None
    return state if isinstance(state, dict) and "id" in state else None
