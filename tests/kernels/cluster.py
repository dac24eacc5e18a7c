"""The three machines of vagrant/, made as its Vagrantfile makes them, and their operator."""

import io
import json
import secrets
import shlex
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.kernels.guest import Guest, StepFailed, await_that, check
from tests.kernels.newcomer import boot
from tests.kernels.site import Site
from tests.kernels.steps import Step
from tests.machines.machine import Plan

AGENTS = ("agent-1", "agent-2")
ALL = ("master", *AGENTS)
_SOURCE = "/usr/src/prevs"
_SHOWN = 500
"""How many characters of an answer a note has."""
_SECRET = f"{_SOURCE}/vagrant/agents-secret"
_REPOSITORIES = """\
[Unit]
Description=The git repositories of the example
After=network-online.target machine-name.service
[Service]
ExecStart=/usr/bin/git -c safe.directory=* daemon --base-path=/srv/git --export-all --reuseaddr
Restart=always
[Install]
WantedBy=multi-user.target
"""


class Answer(NamedTuple):
    """What a visitor gets; status 0 where nothing answers."""

    status: int
    text: str


class Cluster:
    """The machines by the plans of the Vagrantfile."""

    def __init__(self, site: Site, plans: Sequence[Plan]) -> None:
        self._site = site
        self._plans = {plan.name: plan for plan in plans}
        self._secret = secrets.token_hex(32)
        self._token = ""

    def steps(self) -> list[Step]:
        """Return what makes them."""
        every = [
            *(Step("boot", name, partial(self.boot, name), (name,), ("image",)) for name in ALL),
            *(self._step("provision", name, self.provision, "boot") for name in ALL),
            *(self._step("doctor", name, self.doctor, "provision") for name in ALL),
        ]
        return [*every, Step("example", "master", self.add_example, ALL, ("provision",))]

    @staticmethod
    def _step(what: str, name: str, do: Callable[[str], str], needs: str) -> Step:
        return Step(what, name, partial(do, name), ALL, (needs,))

    def boot(self, name: str) -> str:
        """Wait until a machine runs."""
        return boot(self.guest(name))

    def guest(self, name: str) -> Guest:
        """Return a machine."""
        return self._site.guest(name)

    @property
    def master(self) -> Guest:
        """The machine with the framework."""
        return self.guest("master")

    def address(self, name: str) -> str:
        """Return a machine's address at the switch."""
        return self._plans[name].address

    @property
    def arguments(self) -> Mapping[str, tuple[str, ...]]:
        """The arguments of provision.sh on each."""
        return {name: plan.arguments for name, plan in self._plans.items()}

    def provision(self, name: str) -> str:
        """Copy the commit there as Vagrant does, and run the script with the machine's roles."""
        guest = self.guest(name)
        guest.await_up()
        guest.run(f"mkdir -p {_SOURCE} && tar -x -C {_SOURCE}", given=self._site.archive())
        if not guest.run(f"cat {_SECRET} 2>/dev/null", check=False).strip():
            guest.write(_SECRET, f"{self._secret}\n", "600")
        output = self.run_script(name)
        return output.splitlines()[-1]

    def run_script(self, name: str, *steps: str) -> str:
        """Run provision.sh there; return its output."""
        command = shlex.join([f"{_SOURCE}/vagrant/provision.sh", *self.arguments[name], *steps])
        return self.guest(name).run(command, seconds=2400)

    def doctor(self, name: str) -> str:
        """Run the doctor on a machine: for everything on the master, for executors on agents."""
        if name == "master":
            return _worst(self.prevs("doctor", "--json"))
        api = f"http://{self.address('master')}:8090"
        fetch = f"curl -fsSL -o /tmp/executor.pyz {api}/v1/executor/latest.pyz"
        environ = (
            "PREVS_EXECUTOR_DIR=/var/lib/prevs/executor PREVS_ISOLATION=required PATH=/usr/bin:/bin"
        )
        look = f"sudo -u prevs env HOME=/var/lib/prevs {environ} python3 /tmp/executor.pyz doctor"
        return _worst(self.guest(name).run(f"{fetch} && {look} --framework {api} --json"))

    def add_example(self) -> str:
        """Make the example's repository on the master, serve it, and have a visitor there."""
        master = self.master
        master.run(
            "command -v busybox >/dev/null || "
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y busybox-static"
        )
        make = f"python3 {_SOURCE}/examples/hello/make_repository.py /srv/git/hello --with-failures"
        master.run(f"{make}; git config --system --replace-all safe.directory '*'")
        master.write("/etc/systemd/system/repositories.service", _REPOSITORIES)
        master.run("systemctl daemon-reload && systemctl enable --now repositories")
        if "hello" not in self.prevs("app", "ls", "--json"):
            place = f"git://{self.address('master')}/hello"
            self.prevs("app", "add", "hello", place, "--health", "/healthz")
        began = time.monotonic()
        self.prevs("start", "hello", "main", "--wait", seconds=600)
        started = time.monotonic() - began
        self.await_served("main")
        return (
            f"built and started in {started:.0f} s, visited from here through the master's port 80"
        )

    def publish(self, name: str, made: Path) -> str:
        """Serve a repository beside the example's under that name; return its address."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(made, arcname=".")
        place = f"/srv/git/{name}"
        unpack = f"rm -rf {place} && mkdir {place} && tar -x -C {place} --no-same-owner"
        self.master.run(unpack, given=packed.getvalue())
        return f"git://{self.address('master')}/{name}"

    def prevs(self, *arguments: str, seconds: float = 120) -> str:
        """Return the output of the command on the master, called as vagrant/README.md shows."""
        api = f"http://{self.address('master')}:8090"
        ready = f"curl --silent --fail --output /dev/null --max-time 5 --noproxy '*' {api}/readyz"
        # Just after a boot no framework leads yet.
        self.master.run(
            f"for second in $(seq 120); do {ready} && break; sleep 1; done", check=False
        )
        environ = f"PREVS_API={api} PREVS_TOKEN=$(cat /etc/prevs/token)"
        return self.master.run(f"{environ} prevs {shlex.join(arguments)}", seconds=seconds)

    def preview(self, label: str) -> Mapping[str, Any]:
        """Return a preview of the example, whole."""
        answer: Mapping[str, Any] = json.loads(self.prevs("show", "hello", label, "--json"))
        return answer

    def await_preview(self, label: str, state: str, seconds: float = 300) -> Mapping[str, Any]:
        """Return a preview as soon as it has that state."""

        def look() -> Mapping[str, Any] | None:
            preview = self.preview(label)
            return preview if preview["state"] == state else None

        return await_that(look, f"{label} is {state}", seconds)

    def start_on(self, label: str, agent: str) -> None:
        """Run a preview on that agent, and wait until it is served there."""
        for _ in range(2):
            if not self.is_on(label, agent):
                self.move(label, agent)
            self.await_served(label)
            # Just after a boot the record may be one of before: the preview starts elsewhere.
            if self.is_on(label, agent):
                return
        raise StepFailed(f"{label} is served, and not by {agent}")

    def move(self, label: str, agent: str) -> None:
        """Start a preview on that agent, wherever it runs."""
        self.prevs("app", "set", "hello", "--constraint", f"machine={agent}")
        try:
            if self.state(label) == "running":
                self.prevs("stop", "hello", label)
                await_that(lambda: self.state(label) == "stopped", f"{label} stops", 120)
            self.prevs("start", "hello", label, "--wait", seconds=600)
        finally:
            self.prevs("app", "set", "hello", "--constraint", "")
        await_that(lambda: self.is_on(label, agent), f"{label} runs on {agent}", 300)

    def state(self, label: str) -> str:
        """Return a preview's state, "" if there is none."""
        every = json.loads(self.prevs("ls", "--json"))
        states = [one["state"] for one in every if label in one["labels"]]
        return str(states[0]) if states else ""

    def is_on(self, label: str, agent: str) -> bool:
        """Return whether a preview runs on an agent."""
        if self.state(label) != "running":
            return False
        host = self.preview(label)["agent"]["host"]
        return bool(host == self.address(agent))

    def container(self, label: str) -> tuple[Guest, str]:
        """Return the machine of a preview's container, and its id there."""
        preview = self.preview(label)
        host, port = preview["agent"]["host"], preview["host_port"]
        (name,) = (name for name in AGENTS if self.address(name) == host)
        guest = self.guest(name)
        found = guest.run(f"docker ps --quiet --no-trunc --filter publish={port}").split()
        check(len(found) == 1, f"{name} has {len(found)} containers with port {port}")
        return guest, found[0]

    def visit(self, label: str, wait: int = 2) -> Answer:
        """Request an address by the port that is forwarded to the master's port 80."""
        headers = {"Host": f"{label}.hello.localhost:8080", "Prefer": f"wait={wait}"}
        try:
            answer = requests.get(
                f"http://127.0.0.1:{self._site.port}/", headers=headers, timeout=wait + 8
            )
        except requests.RequestException as exc:
            return Answer(0, str(exc))
        return Answer(answer.status_code, answer.text)

    def await_served(self, label: str, seconds: float = 300) -> None:
        """Wait until an address is served."""
        await_that(lambda: self.visit(label).status == 200, f"{label} is served", seconds)


class Visits:
    """A visitor who requests a preview continuously while a `with` block lasts."""

    def __init__(self, cluster: Cluster, label: str) -> None:
        self._cluster = cluster
        self._label = label
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self.seen: list[tuple[float, int]] = []
        self._refusal = ""

    def __enter__(self) -> "Visits":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._ended.wait(0.25):
            answer = self._cluster.visit(self._label)
            self.seen.append((time.monotonic(), answer.status))
            if answer.status != 200:
                self._refusal = answer.text

    def summary(self) -> str:
        """Return what was seen, and the last answer that was not the preview's."""
        refusal = f"; the last other answer: {self._refusal[-_SHOWN:]}" if self._refusal else ""
        return what_was_seen(self.seen) + refusal


def what_was_seen(seen: Sequence[tuple[float, int]]) -> str:
    """Return how often each status came, and the longest time without a 200."""
    counts = Counter(status for _, status in seen)
    longest, since = 0.0, None
    for at, status in seen:
        if status == 200:
            longest, since = max(longest, at - since if since is not None else 0.0), None
        elif since is None:
            since = at
    if since is not None:
        longest = max(longest, seen[-1][0] - since)
    every = ", ".join(f"{'nothing' if s == 0 else s} {n} times" for s, n in sorted(counts.items()))
    return f"a visitor got {every}; at most {longest:.0f} s without the preview"


def _worst(output: str) -> str:
    """Return the faults that `doctor --json` finds; it ends with 1 if something is wrong."""
    found = json.loads(output)
    warnings = [f"{one['part']}: {one['told']}" for one in found if one["level"] == "warning"]
    return f"{len(found)} parts, {len(warnings)} to look at. " + "; ".join(warnings)
