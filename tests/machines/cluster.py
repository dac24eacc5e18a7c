"""The machines of vagrant/Vagrantfile as a cluster, with a visitor outside."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from local.parts import processes
from tests.machines.machine import Machine, Plan
from tests.machines.network import Switch
from tests.machines.trees import Trees

VISITOR = "192.168.56.1"  # where VirtualBox has the host of its machines


class Answer(NamedTuple):
    """What a visitor gets; status 0 where nothing answers."""

    status: int
    text: str


class Cluster:
    """The machines. The visitor's network has the git server, too."""

    def __init__(self, folder: Path, trees: Trees) -> None:
        self._folder = folder
        self._trees = trees
        self._ends = contextlib.ExitStack()
        self.switch = Switch()
        self._ends.callback(self.switch.close)
        self.visitor = self.switch.add_host(VISITOR)
        self.machines: dict[str, Machine] = {}
        self._repositories = folder

    def add(self, plans: Sequence[Plan]) -> None:
        """Install machines, all at once, and start them."""
        self._trees.base()
        made = []
        with ThreadPoolExecutor() as pool:
            for plan, below in zip(
                plans,
                pool.map(lambda plan: self._trees.installed(plan.arguments[0]), plans),
                strict=True,
            ):
                machine = Machine(plan, below, self._folder / plan.name)
                self._ends.callback(machine.remove)
                self.machines[plan.name] = machine
                made.append(machine)
            list(pool.map(Machine.install, made))
        for machine in made:  # in this thread: they last as long as it does
            machine.boot(self.switch)

    @property
    def master(self) -> Machine:
        """The machine with the framework."""
        return self.machines["master"]

    def token(self) -> str:
        """Return the operator's token."""
        return self.master.run("cat", "/etc/prevs/token").strip()

    def proxy_token(self) -> str:
        """Return the token that proxies have."""
        return self.master.run("cat", "/etc/prevs/proxy-token").strip()

    def prevs(self, *arguments: str) -> str:
        """Return the output of the operator's command on the master."""
        api = f"http://{self.master.plan.address}:8090"
        return self.master.run("prevs", *arguments, PREVS_API=api, PREVS_TOKEN=self.token())

    def preview(self, label: str, app: str = "hello") -> Mapping[str, Any]:
        """Return a preview, whole."""
        answer: Mapping[str, Any] = json.loads(self.prevs("show", app, label, "--json"))
        return answer

    def visit(self, label: str, path: str = "/", *, proxy: str = "master") -> Answer:
        """Request an address like a program on the visitor's machine, which waits 2 s."""
        host = f"{label}.hello.localhost:8080"
        url = f"http://{self.machines[proxy].plan.address}{path}"
        headers = ("-H", f"Host: {host}", "-H", "Prefer: wait=2")
        curl = ("curl", "--silent", "--noproxy", "*", "--max-time", "10", *headers)
        command = self.visitor.enter([*curl, "--write-out", "\n%{http_code}", url])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        text, _, status = done.stdout.rpartition("\n")
        return Answer(int(status), text)

    def serve_repositories(self, folder: Path) -> str:
        """Serve the git repositories below a folder to all machines; return their address."""
        self._repositories = folder
        command = ["git", "-c", "safe.directory=*", "daemon", f"--base-path={folder}"]
        command += ["--export-all", f"--listen={VISITOR}", "--log-destination=stderr"]
        server = subprocess.Popen(self.visitor.enter(command), start_new_session=True)
        self._ends.callback(lambda: processes.end(processes.in_session(server.pid), 5))
        return f"git://{VISITOR}"

    def publish(self, name: str, made: Path) -> str:
        """Serve a copy of a repository beside the others under that name; return its address."""
        shutil.copytree(made, self._repositories / name)
        return f"git://{VISITOR}/{name}"

    def close(self) -> None:
        """End all of it."""
        self._ends.close()
