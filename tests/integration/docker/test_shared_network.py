"""The network that jobs of an executor share (executor/workspace/shared_network.py)."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from executor.workspace import shared_network
from prevs.work import Work
from tests.integration.docker.attempts import Agent

pytestmark = pytest.mark.integration

SPACES = ("net", "pid", "mnt", "ipc", "uts")
LOOK = f"for one in {' '.join(SPACES)}; do readlink /proc/self/ns/$one; done > $PREVS_RESULT_FILE"
ADD = "echo 127.0.0.1 added >> /etc/hosts"
SEE = "! grep added /etc/hosts"


@pytest.fixture(autouse=True)
def sandbox(agent: Agent, tmp_path: Path) -> None:
    """The sandbox of the agent's executors."""
    agent.environ["MESOS_SANDBOX"] = str(tmp_path)


def works(*scripts: str) -> Sequence[Work]:
    """Return the work of jobs, all but the last of which know that another one waits."""
    lingers = [5.0] * (len(scripts) - 1) + [0.0]
    return [
        Work(f"k3j9x0q2a{number}", ("/bin/sh", "-c", script), timeout=60.0, linger=linger)
        for number, (script, linger) in enumerate(zip(scripts, lingers, strict=True))
    ]


class Seen:
    """What is seen of jobs that run one after another, by the numbers of those that have ended."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.modes: list[str] = []
        self.owners: dict[int, Mapping[str, Any]] = {}
        self.spaces: dict[int, list[str]] = {}
        agent.when["TASK_RUNNING"] = self._run

    def _run(self) -> None:
        for one in map(self.agent.client.inspect_container, self.agent.containers()):
            if not one["Name"].endswith("-network"):
                self.modes.append(one["HostConfig"]["NetworkMode"])

    def end(self, ended: int) -> None:
        """Look at what is left after a job."""
        for one in map(self.agent.client.inspect_container, self.agent.containers()):
            if one["Name"].endswith("-network"):
                self.owners[ended] = one
                folder = Path(f"/proc/{one['State']['Pid']}/ns")
                self.spaces[ended] = [str((folder / kind).readlink()) for kind in SPACES]

    def joined(self) -> list[int]:
        """Return for each job which network of the others it joined, from 1 on; 0 for its own."""
        ids = list(dict.fromkeys(one["Id"] for one in self.owners.values()))
        found = [mode.partition("container:")[2] for mode in self.modes]
        return [ids.index(one) + 1 if one else 0 for one in found]


def run(agent: Agent, *scripts: str) -> list[int]:
    """Run jobs that all succeed; return joined() of what is seen of them."""
    seen = Seen(agent)
    reports = agent.run_jobs(agent.image("exit 9"), works(*scripts), seen.end)
    assert [report.exit_code for report in reports] == [0] * len(scripts)
    assert agent.containers() == []
    assert agent.volumes() == []
    return seen.joined()


def test_later_jobs_of_an_executor_share_a_network_and_nothing_else(agent: Agent) -> None:
    seen = Seen(agent)
    reports = agent.run_jobs(agent.image("exit 9"), works(*[LOOK] * 4), seen.end)
    assert seen.joined() == [0, 1, 1, 1]
    assert agent.containers() == []
    # The numbers of namespaces are used again, but not while what has them runs.
    for ended in (2, 3):
        job = base64.b64decode(reports[ended - 1].result).decode().split()
        same = [kind for kind, a, b in zip(SPACES, job, seen.spaces[ended], strict=True) if a == b]
        assert same == ["net"]


def test_the_owner_of_the_network_may_do_nothing_and_has_little_memory(agent: Agent) -> None:
    seen = Seen(agent)
    agent.run_jobs(agent.image("exit 9"), works("true", "true", "true"), seen.end)
    (owner,) = {one["Id"]: one for one in seen.owners.values()}.values()
    assert owner["State"]["Running"]
    config = owner["HostConfig"]
    assert (config["CapDrop"], config["CapAdd"] or []) == (["ALL"], [])
    assert config["SecurityOpt"] == ["no-new-privileges"]
    assert config["Memory"] == 32 * 1024 * 1024
    assert owner["Config"]["User"] == "65534:65534"
    assert owner["Config"]["Env"] == agent.client.inspect_image(owner["Image"])["Config"]["Env"]  # type: ignore[no-untyped-call]


def test_two_jobs_share_no_network_as_it_would_be_for_one(agent: Agent) -> None:
    assert run(agent, "true", "true") == [0, 0]


def test_no_job_reads_what_another_one_has_written_to_files_of_the_network(agent: Agent) -> None:
    assert run(agent, "true", "true", ADD, SEE, "true") == [0, 1, 1, 0, 0]


def test_a_job_starts_though_somebody_has_removed_the_owner_of_the_network(agent: Agent) -> None:
    seen = Seen(agent)

    def remove(ended: int) -> None:
        seen.end(ended)
        if ended == 3:
            (left,) = agent.containers()
            agent.client.remove_container(left, force=True)

    reports = agent.run_jobs(agent.image("exit 9"), works(*["true"] * 5), remove)
    assert [report.exit_code for report in reports] == [0] * 5
    assert seen.joined() == [0, 1, 1, 0, 0]
    assert agent.containers() == []


@pytest.mark.parametrize(
    ("name", "value"), [("_MACHINE", "s390x"), ("_look", lambda _: None)], ids=["machine", "files"]
)
def test_jobs_have_networks_of_their_own_where_none_can_be_shared(
    agent: Agent, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_network, name, value)
    assert run(agent, "true", "true", "true") == [0, 0, 0]
