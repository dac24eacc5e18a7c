"""A local cluster that tests may hurt: its parts by name, killed, held down, stopped, continued."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from docker import DockerClient

from local.parts import processes
from local.parts.processes import Identity
from local.settings import Settings, read
from prevs import names
from prevs.records import PreviewRecord
from prevs.states import State
from tests import free_ports
from tests.faults.observer import CannotLook, Observer
from tests.faults.picture import Key, Picture, violations
from tests.waits import describe_record, wait_until

ROOT = Path(__file__).parents[2]
_HOSTS = [f"127.0.0.{number}" for number in range(1, 5)]
"""The addresses of all frameworks and agents."""

LIMIT = 120.0  # seconds: a machine may be busy; nothing here asserts how quick it is


class System:
    """The cluster in `folder`."""

    def __init__(self, folder: Path, docker_host: str) -> None:
        self.folder = folder
        self._environ = {**os.environ, "DOCKER_HOST": docker_host}
        self._docker_host = docker_host
        self.settings: Settings
        self.observer: Observer

    def up(self, *options: str) -> None:
        """Start it, with ports that are free."""
        options_of_ports = ("port", "api-port", "zookeeper-port", "mesos-port", "agent-port")
        chosen = [f"--{name}={free_ports.free_port(_HOSTS)}" for name in options_of_ports]
        chosen.append(f"--preview-ports={free_ports.free_ports(_HOSTS)}")
        self._run("up", *chosen, "--no-credentials", *options)
        settings = read(self.folder)
        assert settings is not None
        self.settings = settings
        self.observer = Observer(settings, docker_host=self._docker_host)

    def down(self) -> None:
        """End it."""
        self._run("down")

    def _run(self, command: str, *options: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "local", command, f"--dir={self.folder}", *options],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    # its parts

    def part(self, name: str) -> Mapping[str, Any]:
        """Return the supervisor's last status of a part."""
        status = json.loads((self.folder / "status.json").read_text())
        found: Mapping[str, Any] = next(part for part in status["parts"] if part["name"] == name)
        return found

    def process(self, name: str) -> Identity:
        """Return a part's process, once it runs."""
        found = self.wait_for(lambda: self._process(name), f"{name} runs")
        return Identity(*found)

    def _process(self, name: str) -> Identity | None:
        pid = self.part(name)["pid"]
        return None if pid is None else processes.identify(pid)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a part's process a signal."""
        processes.send(self.process(name), number)

    def kill(self, name: str) -> None:
        """End a part by SIGKILL and wait until that is noticed; the supervisor starts it again.

        It does so without a pause, so that tests do not slow each other down.
        """
        self.hold(name)
        self.let_go(name)

    def hold(self, name: str) -> None:
        """Kill a part, and keep it down until `release`."""
        (self.settings.held_folder / name).touch()
        process = self.process(name)
        processes.send(process, signal.SIGKILL)
        assert processes.wait([process], 30) == []
        self._wait_noticed(name, process)

    @contextlib.contextmanager
    def excused(self, names: Collection[str]) -> Iterator[None]:
        """Count no end of a part meanwhile: it would come back only after a pause.

        The pause grows with each recent end. Afterwards the parts come back.
        """
        before = {name: self.process(name) for name in names}
        for name in names:
            (self.settings.held_folder / name).touch()
        try:
            yield
            processes.wait([*before.values()], 2)
            for name, process in before.items():
                if not processes.is_alive(process):
                    self._wait_noticed(name, process)
        finally:
            for name in names:
                self.let_go(name)

    def _wait_noticed(self, name: str, process: Identity) -> None:
        ended = f"the end of {name} is noticed"
        self.wait_for(lambda: self.part(name)["pid"] != process.pid, ended)

    def let_go(self, name: str) -> None:
        """Let a part come back."""
        (self.settings.held_folder / name).unlink(missing_ok=True)

    def wait_up(self) -> None:
        """Wait until every part is ready."""
        self.wait_for(lambda: self._status()["up"], "all parts are up again")

    def _status(self) -> Any:
        return json.loads((self.folder / "status.json").read_text())

    @property
    def frameworks(self) -> list[str]:
        """The names of all frameworks."""
        return [*map(self.settings.framework_name, self.settings.framework_numbers)]

    def leader(self) -> str:
        """Return the name of the framework that leads, once one does."""

        def find() -> str | None:
            pid = self.observer.leader()
            return next((f for f in self.frameworks if self.part(f)["pid"] == pid), None)

        found: str = self.wait_for(find, "a framework leads")
        return found

    def executor_of(self, task_id: str, *, watchdog: bool = False) -> list[Identity]:
        """Return the process of a task's executor, with its watchdog or without."""
        ours = set(processes.marked(self.settings.cluster))
        executor = names.executor_id(task_id)
        found = [p for p in processes.having("MESOS_EXECUTOR_ID", executor) if p in ours]
        return [p for p in found if watchdog or not _is_watchdog(p)]

    def failure_reason(self, task_id: str) -> str:
        """Return why that attempt ended, as the frameworks have logged it."""
        logs = [self.settings.log(framework).read_text() for framework in self.frameworks]
        lines = [line for log in logs for line in log.splitlines() if f"task={task_id}" in line]
        return "\n".join(line for line in lines if "why=" in line)

    # its containers

    def end_container(self, task: str) -> None:
        """Kill the container of a task."""
        with contextlib.closing(DockerClient(base_url=self._docker_host, timeout=60)) as client:
            client.containers.get(names.container_name(task)).kill()

    def remove_containers(self, tasks: Collection[str]) -> None:
        """Remove what is left of these tasks."""
        with contextlib.closing(DockerClient(base_url=self._docker_host, timeout=60)) as client:
            for container in client.containers.list(all=True):
                if container.labels.get("prevs.task") in tasks:
                    container.remove(force=True)

    # its API

    def call(self, method: str, path: str, *, key: str = "", **body: Any) -> requests.Response:
        """Return the first answer of any framework that can answer; `key` makes it one request."""
        token = self.settings.token_file.read_text()
        headers = {"Authorization": f"Bearer {token}"}
        if key:
            headers["Idempotency-Key"] = key

        def send() -> requests.Response | None:
            for api in self.settings.api.split(","):
                try:
                    answer = requests.request(
                        method, f"{api}{path}", headers=headers, json=body or None, timeout=5
                    )
                except requests.RequestException:
                    continue
                if answer.status_code < 500:
                    return answer
            return None

        answer: requests.Response = self.wait_for(send, f"{method} {path} is answered")
        return answer

    def start(self, app: str, label: str) -> None:
        """Start a preview."""
        answer = self.call("POST", "/v1/previews", app=app, label=label)
        assert answer.status_code in {200, 202}, answer.text

    # its records

    def record(self, key: Key) -> PreviewRecord | None:
        """Return a preview's record as stored, or None."""
        return self.observer.records()[1].get(key)

    def wait_for(
        self,
        condition: Callable[[], Any],
        what: str,
        *,
        over: Callable[[], str | None] = lambda: None,
        limit: float = LIMIT,
    ) -> Any:
        """Return what `condition` returns once it is something; fails after `limit` seconds.

        A failed look is repeated. Fails at once if `over` returns a reason.
        """
        last: list[object] = [None]

        def look() -> Any:
            try:
                last[0] = found = condition()
            except (CannotLook, OSError, ValueError, AssertionError) as exc:
                last[0] = exc
                return None
            return found

        return wait_until(look, what, over=over, instead=lambda: last[0], seconds=limit)

    def settle(self, *, running: int = 0, limit: float = LIMIT) -> Picture:
        """Wait until every invariant holds and `running` previews run; return that picture.

        Fails at once if too many have failed: nothing starts those again.
        """
        wrong = ["nobody could look"]
        hopeless: list[str] = []

        def look() -> Picture | None:
            try:
                now = self.observer.look()
            except CannotLook as exc:
                wrong[:] = [str(exc)]
                return None
            count = sum(record.state is State.RUNNING for record in now.previews.values())
            few = [f"{count} of {running} previews run"] if count < running else []
            failed = [words for one in now.previews.values() if (words := describe_record(one))]
            hopeless[:] = failed if len(now.previews) - len(failed) < running else []
            wrong[:] = [*violations(now), *few]
            return None if wrong else now

        return wait_until(
            look,
            f"all is as it should be, and {running} previews run",
            over=lambda: "\n".join(hopeless),
            instead=lambda: "\n".join(wrong),
            seconds=limit,
        )


def _is_watchdog(process: Identity) -> bool:
    try:
        return b"watchdog.sh" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return False
