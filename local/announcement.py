"""The master's znode: what a master of a real cluster announces itself with when it leads.

The master here doesn't know ZooKeeper, so this does it: while the master answers there is an
ephemeral, sequential /mesos/json.info_<n> with its MasterInfo; each new start of the master gets a
new one (clients tell masters apart by that number).
"""

import json
import logging
import threading
from typing import Any

import requests
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError

from local.mesos.parts import Address

ROOT = "/mesos"
_PREFIX = "json.info_"
_INTERVAL = 0.25  # seconds between looks at the master
_FAILURES = (KazooException, KazooTimeoutError)


def master_info(state: dict[str, Any], master: Address) -> bytes:
    """Return the MasterInfo to announce, of what the master's /state says."""
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
    """A Part that keeps the announcement, on a thread of its own."""

    name = "announcement"
    needs = ("zookeeper", "master")
    advice = "Look at the logs of zookeeper and master: prevs local logs zookeeper"
    pid = None

    def __init__(self, zookeeper: str, master: Address) -> None:
        self.address = f"zk://{zookeeper}{ROOT}"
        self._zookeeper = zookeeper
        self._master = master
        self._stopping = threading.Event()
        self._announced = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep, name=self.name, daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        return self._announced.is_set()

    def problem(self) -> str | None:
        running = self._thread is not None and self._thread.is_alive()
        return None if running else "its thread has ended"

    def last_words(self) -> str:
        return ""

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _keep(self) -> None:
        """Follow the master until stopped; what fails is tried again a moment later."""
        client = _connect(self._zookeeper, self._stopping)
        if client is None:
            return
        client.add_listener(self._listen)
        said: tuple[str, str] | None = None  # the master's id, and the znode that says so
        try:
            while not self._stopping.wait(_INTERVAL):
                if not self._announced.is_set():
                    said = None
                try:
                    said = self._follow(client, said)
                except _FAILURES as exc:
                    logging.getLogger(__name__).info("announcement: %r", exc)
                if said is not None:
                    self._announced.set()
        finally:
            self._announced.clear()
            client.stop()
            client.close()

    def _listen(self, state: str) -> None:
        if state == "LOST":  # the znode went with the session
            self._announced.clear()

    def _follow(self, client: KazooClient, said: tuple[str, str] | None) -> tuple[str, str] | None:
        state = _state(self._master)
        if state is None or (said is not None and said[0] != state["id"]):
            if said is not None:
                _delete(client, said[1])
            self._announced.clear()
            said = None
        if state is not None and said is None:
            said = (state["id"], self._announce(client, state))
        return said

    def _announce(self, client: KazooClient, state: dict[str, Any]) -> str:
        client.ensure_path(ROOT)
        for child in client.get_children(ROOT):  # of a killed supervisor, its session still alive
            if child.startswith(_PREFIX):
                _delete(client, f"{ROOT}/{child}")
        info = master_info(state, self._master)
        return client.create(f"{ROOT}/{_PREFIX}", info, ephemeral=True, sequence=True)


def _connect(zookeeper: str, stopping: threading.Event) -> KazooClient | None:
    quiet = logging.getLogger("local.announcement.kazoo")
    quiet.setLevel(logging.ERROR)
    while not stopping.is_set():
        client = KazooClient(zookeeper, timeout=4.0, logger=quiet)
        try:
            client.start(timeout=3)
        except _FAILURES:
            client.stop()
            client.close()
        else:
            return client
    return None


def _delete(client: KazooClient, path: str) -> None:
    try:
        client.delete(path)
    except NoNodeError:
        return


def _state(master: Address) -> dict[str, Any] | None:
    """Return what the master says of itself, or None where it doesn't answer within a second."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            state: Any = session.get(f"http://{master}/state", timeout=1).json()
    except (requests.RequestException, ValueError):
        return None
    return state if isinstance(state, dict) and "id" in state else None
