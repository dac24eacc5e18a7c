"""What one start takes on its agent: processes, and calls of git and their bytes.

The executor is started under strace, as an agent starts it, with a real git and docker. Times are
not looked at.
"""

import contextlib
import functools
import re
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from executor.docker.daemon import Daemon
from framework import executor_bundle
from framework.mesos.task_info import _CHECK
from local.docker.containers import remove_all
from prevs import names
from prevs.work import Work
from tests.fakes.executor_process import CLUSTER, ExecutorProcess
from tests.fakes.samples import (
    BUSYBOX,
    SampleRepository,
    nothing_left,
    remove_image,
)
from tests.integration.docker.attempts import order
from tests.waits import wait_until

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.skipif(
        shutil.which("strace") is None,
        reason="strace counts processes: provision/debian.sh --test installs it",
    ),
]

APP = f"costs-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker."""
DOCKERFILE = """\
FROM scratch
COPY busybox /busybox
COPY index.html /www/index.html
CMD ["/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""
"""Without a step that runs anything: what a build takes is Docker's."""

_EXECUTED = re.compile(r'execve\("([^"]*)", \[(.*?)\].*\) = 0$', re.MULTILINE)
_WORDS = re.compile(r'"([^"]*)"')

JOB = "k3j9x0q2ab"
MOST_WARM = {"python": 1, "sh": 1, "iptables": 1, "ebtables-save": 1}
MOST_COLD = {
    **MOST_WARM,
    "sh": 2,
    "iptables": 3,
    "ebtables-save": 2,
    "ip6tables": 2,
    "git": 9,
    "docker-buildx": 2,
}
"""As found: the executor, its watchdog's shell, and whether the network's rules are set, when it is
built and when it starts; before the build, those for IPv6 and of docker's own connections; of git
the six calls below and what a fetch starts; whether there is a BuildKit, and the build."""

CALLS = ["cat-file", "fetch", "upload-pack", "cat-file", "ls-tree", "read-tree"]
MOST_BYTES = 4_000
"""Found: 1,600, for a commit that changes one small file of a tree of 1 MB."""


class Machine:
    """An agent's machine, whose executors are started as an agent does, and watched."""

    def __init__(self, host: str, folder: Path, port: int) -> None:
        self.repository = SampleRepository(folder / "repository")
        self.work = folder / "work"
        self._host, self._folder, self._port = host, folder, port
        self._bundle = executor_bundle.build()
        self.shas: list[str] = []
        self._count = 0

    def commit(self, page: str) -> str:
        """Commit an application that shows a page."""
        files: dict[str, str | bytes] = {
            "busybox": BUSYBOX.read_bytes(),
            "Dockerfile": DOCKERFILE,
            "index.html": page,
        }
        self.shas.append(self.repository.commit(files))
        return self.shas[-1]

    def start(self, sha: str) -> list[list[str]]:
        """Start a preview and end it; return the commands of the processes until it ran."""
        with self._executor() as (executor, commands):
            repository = str(self.repository.folder)
            executor.launch(order(APP, sha, repository=repository, host_port=self._port))
            executor.wait_for("TASK_RUNNING")
            until = commands()
            executor.agent.kill(executor.task_id, None)
            executor.wait_for("TASK_KILLED")
        return until

    def run_jobs(self, sha: str, count: int) -> list[list[list[str]]]:
        """Let one executor run jobs one after another; return the commands until each one's end."""
        found: list[list[list[str]]] = []
        with self._executor() as (executor, commands):
            for number in range(1, count + 1):
                work = Work(JOB, ("/busybox", "true"), 60.0, linger=10.0 * (number < count))
                job = order(APP, sha, work=work, container_port=0)
                executor.launch(job, names.job_attempt(JOB, number))
                wait_until(lambda: executor.agent.states().count("TASK_FINISHED") > len(found))
                found.append(commands())
        return found

    @contextlib.contextmanager
    def _executor(self) -> Iterator[tuple[ExecutorProcess, Callable[[], list[list[str]]]]]:
        """Have an executor, and what returns the commands of its processes; wait for its end."""
        self._count += 1
        sandbox = self._folder / f"sandbox-{self._count}"
        sandbox.mkdir()
        if self._count == 1:  # later it is unpacked, and not fetched
            (sandbox / "prevs-executor.pyz").write_bytes(self._bundle.data)
        trace = sandbox / "processes"
        # A file for each process: in one file, lines of two at a time are cut in halves.
        watched = ["strace", "-ff", "-ttt", "-qq", "--seccomp-bpf", "-s", "200"]
        watched += ["-e", "trace=execve"]
        python = [sys.executable, "-I", "-S", "-c", _CHECK]
        command = [*watched, "-o", str(trace), *python, "prevs-executor.pyz", self._bundle.digest]
        executor = ExecutorProcess(
            sandbox, self.work, self._host, command=command, MESOS_SANDBOX=str(sandbox)
        )
        try:
            yield executor, functools.partial(read_commands, trace)
            executor.wait()
            executor.wait_gone()
        finally:
            executor.clear()

    def mirrored(self) -> int:
        """Return the size of the mirrors of repositories in bytes."""
        packs = self.work.glob("mirrors/*.git/objects/**/*")
        return sum(file.stat().st_size for file in packs if file.is_file())


@pytest.fixture(scope="module")
def machine(
    docker_host: str, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Machine]:
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    made = Machine(docker_host, tmp_path_factory.mktemp("machine"), free_port())
    with nothing_left(client, f"prevs.app={APP}"):
        # What is unpacked and compiled once for an agent, and made once for a repository.
        made.start(made.commit("first"))
        yield made
    for sha in made.shas:
        remove_image(client, names.image_tag(APP, sha))
    assert remove_all(docker_host, CLUSTER) == []


def read_commands(trace: Path) -> list[list[str]]:
    """Return the commands of the processes that strace has noted so far."""
    files = trace.parent.glob(f"{trace.name}.*")
    lines = sorted(line for file in files for line in file.read_text().splitlines())
    return [_WORDS.findall(words) for _, words in _EXECUTED.findall("\n".join(lines))]


def count(commands: list[list[str]]) -> Counter[str]:
    """Return how many processes ran each program."""
    return Counter(Path(words[0]).name.rstrip("0123456789.") for words in commands)


def test_a_cold_start_takes_no_more_processes_calls_of_git_and_bytes(machine: Machine) -> None:
    before = machine.mirrored()
    sha = machine.commit("second")
    cold = machine.start(sha)
    fetched = machine.mirrored() - before
    calls = [words for words in cold if words[:2] == ["git", "-c"]]
    assert [next(word for word in words if word in CALLS) for words in calls] == CALLS
    programs = count(cold)
    assert programs <= Counter(MOST_COLD)
    assert programs["docker-buildx"], "it is built by BuildKit"
    assert 0 < fetched <= MOST_BYTES


def test_a_warm_start_runs_no_git_and_builds_nothing(machine: Machine) -> None:
    before = machine.mirrored()
    assert count(machine.start(machine.shas[0])) == Counter(MOST_WARM)
    assert machine.mirrored() == before


def test_a_second_job_of_an_executor_runs_no_process_but_its_container(machine: Machine) -> None:
    first, both = map(count, machine.run_jobs(machine.shas[0], 2))
    assert first["iptables"] == 1, "it sees whether the network is closed"
    assert both == first
