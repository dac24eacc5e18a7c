"""Takes pictures of a cluster: reads ZooKeeper, the master's /state and Docker."""

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests
from docker import DockerClient
from docker.errors import DockerException
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError

from local.docker.containers import LABEL
from local.settings import Settings
from prevs.paths import Paths
from prevs.records import LeaderRecord, PlacementsRecord, PreviewRecord, RecordError
from tests.faults.picture import Framework, Key, Picture

_TERMINAL = ("FINISHED", "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "GONE", "GONE_BY_OPERATOR")
_TEARDOWN = re.compile(r"Processing TEARDOWN call|Removing framework ")
_SECONDS = 15.0


class CannotLook(Exception):
    """A source does not answer now."""


class Observer:
    """Reads all three sources; may be used by several threads."""

    def __init__(self, settings: Settings, *, docker_host: str, zookeeper: str = "") -> None:
        folder = settings.folder
        self._master_log = folder / "log" / "master.log"
        self._master = f"127.0.0.1:{settings.mesos_port}"
        self._docker = docker_host
        self._zookeeper = zookeeper or f"127.0.0.1:{settings.zookeeper_port}"
        self._identity = settings.zookeeper_auth_file.read_text().strip()
        self._cluster = settings.cluster
        self.paths = Paths()
        self.credential = settings.mesos_access.credential()

    @contextlib.contextmanager
    def zookeeper(self) -> Iterator[KazooClient]:
        """Give a client of its own, so that no outage of ZooKeeper outlasts itself here."""
        client = KazooClient(self._zookeeper, timeout=10.0, auth_data=[("digest", self._identity)])
        try:
            client.start(timeout=_SECONDS)
            yield client
        except (KazooException, KazooTimeoutError, OSError) as exc:
            raise CannotLook(f"ZooKeeper: {exc!r}") from exc
        finally:
            client.stop()
            client.close()

    def look(self) -> Picture:
        """Return the state of all three now. Raises CannotLook."""
        framework_id, previews, placements = self.records()
        frameworks, removed = self._frameworks()
        return Picture(
            framework_id=framework_id,
            previews=previews,
            placements=placements,
            frameworks=frameworks,
            removed=removed,
            containers=self.containers(),
            teardowns=len(_TEARDOWN.findall(self._master_log.read_text(errors="replace"))),
        )

    def leader(self) -> int | None:
        """Return the pid of the framework that leads, as the store has it. Raises CannotLook."""
        with self.zookeeper() as client:
            try:
                record = LeaderRecord.decode(client.get(self.paths.leader)[0])
            except (NoNodeError, RecordError):
                return None
        return int(record.process.split("/")[1]) if record.api else None

    def records(self) -> tuple[str | None, dict[Key, PreviewRecord], dict[Key, Any]]:
        """Return the framework id, the previews and the placements of the store.

        Raises CannotLook.
        """
        with self.zookeeper() as client:
            try:
                framework_id = client.get(self.paths.framework_id)[0].decode() or None
            except NoNodeError:
                framework_id = None
            previews, placements = {}, {}
            for app in _children(client, self.paths.previews):
                for sha in _children(client, self.paths.app_previews(app)):
                    with contextlib.suppress(NoNodeError), _whole():
                        data, _ = client.get(self.paths.preview(app, sha))
                        previews[app, sha] = PreviewRecord.decode(data)
            for app in _children(client, self.paths.placements):
                with contextlib.suppress(NoNodeError), _whole():
                    data, _ = client.get(self.paths.app_placements(app))
                    for sha, placement in PlacementsRecord.decode(data).placements.items():
                        placements[app, sha] = placement
        return framework_id, previews, placements

    def _frameworks(self) -> tuple[tuple[Framework, ...], tuple[str, ...]]:
        state = self.mesos("/state")
        known = []
        for framework in state["frameworks"]:
            listed = [*framework["tasks"], *framework["unreachable_tasks"]]
            tasks = {task["id"]: str(task["state"]) for task in listed}
            live = {t: s for t, s in tasks.items() if s.removeprefix("TASK_") not in _TERMINAL}
            known.append(Framework(framework["id"], framework["connected"], live))
        return tuple(known), tuple(f["id"] for f in state["completed_frameworks"])

    def attempts(self, key: Key) -> set[str]:
        """Return every task of a preview that the master remembers. Raises CannotLook."""
        listed = self.mesos("/state")["frameworks"]
        tasks = [task["id"] for f in listed for task in [*f["tasks"], *f["completed_tasks"]]]
        return {task for task in tasks if task.startswith("{}.{}.".format(*key))}

    def count_updates(self, task: str, state: str) -> int:
        """Return how often the master has sent a framework that state of a task."""
        line = rf"Forwarding status update {state} .* for task {re.escape(task)} "
        return len(re.findall(line, self._master_log.read_text(errors="replace")))

    def mesos(self, path: str) -> Any:
        """Return the master's answer at a path. Raises CannotLook."""
        try:
            return requests.get(
                f"http://{self._master}{path}", auth=self.credential, timeout=_SECONDS
            ).json()
        except (requests.RequestException, ValueError) as exc:
            raise CannotLook(f"the master: {exc!r}") from exc

    def containers(self, *, running: bool = False) -> tuple[str, ...]:
        """Return the tasks that have a container (one that runs, if asked). Raises CannotLook."""
        ours: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={self._cluster}"}
        try:
            with contextlib.closing(DockerClient(base_url=self._docker, timeout=60)) as client:
                listed = client.api.containers(all=not running, filters=ours)
        except (DockerException, requests.RequestException) as exc:
            raise CannotLook(f"docker: {exc!r}") from exc
        return tuple(str(found["Labels"].get("prevs.task", "")) for found in listed)


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Treat an invalid record, as between the creation and the first write, as not there yet."""
    try:
        yield
    except RecordError as exc:
        raise CannotLook(str(exc)) from exc


def _children(client: KazooClient, path: str) -> list[str]:
    try:
        found: list[str] = client.get_children(path)
    except NoNodeError:
        return []
    return found


class RouteWatch(threading.Thread):
    """Records for how long visitors are routed to attempts without a container."""

    def __init__(self, observer: Observer) -> None:
        super().__init__(daemon=True)
        self._observer = observer
        self._since: dict[str, float] = {}
        self._stopping = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        """Check twice a second until stopped; a source without an answer is skipped."""
        while not self._stopping.wait(0.5):
            try:
                _, _, placements = self._observer.records()
                alive = self._observer.containers(running=True)
            except CannotLook:
                self._since.clear()
                continue
            dead = {p.task_id for p in placements.values()} - set(alive)
            now = time.monotonic()
            self._since = {task: self._since.get(task, now) for task in dead}
            self.longest = max([self.longest, *(now - t for t in self._since.values())])

    def begin(self) -> None:
        """Forget what was seen."""
        self.longest = 0.0

    def stop(self) -> None:
        """Stop checking."""
        self._stopping.set()
