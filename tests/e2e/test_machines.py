"""The machines of vagrant/, made here without virtualisation.

Each has its own address, file tree, init and Docker. They are what vagrant/provision.sh makes of a
bare Debian, as vagrant/Vagrantfile calls it; systemd runs the units of provision/systemd as it
would there. Only the kernel is this machine's.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.settings import cache_folder
from prevs import names
from tests.e2e.conftest import REPOSITORY_SCRIPT
from tests.machines import vagrantfile
from tests.machines.cluster import Cluster
from tests.machines.machine import Machine, Plan
from tests.machines.trees import Trees
from tests.reach import by_machines, expected, matrix
from tests.reach.expected import TABLE
from tests.waits import wait_for, wait_for_state, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(1200)]  # it makes the trees

MINE = "main"
"""A label that runs on agent-1, which gets into trouble."""
OTHER = "v1"
"""A label that runs on agent-2, which does not."""
SLICE = "prevsbuilds.slice"
WITH_A_STEP = "broken-dockerfile"
"""A label whose Dockerfile has a RUN step, which fails; the others have none."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The Vagrantfile's machines, provisioned, with the example running on both agents."""
    if os.geteuid() != 0:
        pytest.skip("machines as namespaces: root")
    folder = Path(tempfile.mkdtemp(prefix="prevs-m-"))
    made = Cluster(folder, Trees(cache_folder(os.environ) / "machines"))
    try:
        made.add(vagrantfile.plans())
        for machine in made.machines.values():
            machine.provision("configure", "start")
        repositories = tmp_path_factory.mktemp("repositories")
        make = [
            sys.executable,
            str(REPOSITORY_SCRIPT),
            str(repositories / "hello"),
            "--with-failures",
        ]
        subprocess.run(make, check=True)
        address = made.serve_repositories(repositories)
        made.prevs("app", "add", "hello", f"{address}/hello", "--health", "/healthz")
        for label, agent in ((MINE, "agent-1"), (OTHER, "agent-2")):
            made.prevs("app", "set", "hello", "--constraint", f"machine={agent}")
            made.prevs("start", "hello", label, "--wait")
        made.prevs("app", "set", "hello", "--constraint", "")
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def second(cluster: Cluster) -> Machine:
    """A fourth machine, which is only a proxy: added while the others run."""
    master, address = cluster.master.plan.address, "192.168.56.20"
    given = ("--proxy-token-file", "/root/token", "--zookeeper-file", "/root/zookeeper")
    to_master = ("--master", master, *given)
    cluster.add([Plan("proxy-2", address, ("proxy", "--address", address, *to_master))])
    machine = cluster.machines["proxy-2"]
    machine.run("sh", "-c", 'umask 077; echo "$TOKEN" >/root/token', TOKEN=cluster.proxy_token())
    identity = cluster.master.run("cat", "/etc/prevs/proxy-zookeeper").strip()
    copy = 'umask 077; echo "$IDENTITY" >/root/zookeeper'
    machine.run("sh", "-c", copy, IDENTITY=identity)
    machine.provision("configure", "start")
    return machine


class Visits:
    """A visitor who requests the other preview continuously while a `with` block lasts."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self.seen: Counter[int] = Counter()

    def __enter__(self) -> "Visits":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._ended.wait(0.02):
            self.seen[self._cluster.visit(OTHER).status] += 1


def wait_served(cluster: Cluster, label: str, proxy: str = "master") -> None:
    """Wait until a proxy serves a preview; fail as soon as that has failed."""
    wait_for(
        lambda: cluster.visit(label, proxy=proxy),
        lambda got: got.status == 200,
        f"{proxy} serves {label}",
        over=lambda got: got.text if '"cause"' in got.text else None,
        seconds=180,
    )


def page(text: str) -> str:
    """Return the example's sentence in a page."""
    return text.partition("<h1>")[2].partition("</h1>")[0]


SENTENCES = {MINE: "Hi!", OTHER: "Hello, world!"}


def test_a_visitor_is_served_by_machines_that_the_script_has_made(cluster: Cluster) -> None:
    for label, agent in ((MINE, "agent-1"), (OTHER, "agent-2")):
        answer = cluster.visit(label)
        assert (answer.status, page(answer.text)) == (200, SENTENCES[label])
        assert cluster.preview(label)["agent"]["host"] == cluster.machines[agent].plan.address
        assert len(cluster.machines[agent].run("docker", "ps", "--quiet").split()) == 1
        nothing = cluster.machines[agent].run("sh", "-c", "echo /opt/prevs* /usr/local/bin/*")
        assert nothing.split() == ["/opt/prevs*", "/usr/local/bin/*"]


def test_no_dockerd_of_a_machine_is_in_the_network_of_this_one(cluster: Cluster) -> None:
    inside = "readlink /proc/$(cat /run/docker.pid)/ns/net"
    agents = [cluster.machines[name] for name in ("agent-1", "agent-2")]
    networks = {str(Path("/proc/self/ns/net").readlink())}
    networks |= {agent.run("sh", "-c", inside).strip() for agent in agents}
    assert len(networks) == 3


def test_previews_and_builds_are_kept_from_their_agent_by_rules_that_executors_have_set(
    cluster: Cluster,
) -> None:
    for agent in ("agent-1", "agent-2"):
        rules = cluster.machines[agent].run("iptables", "-w", "-t", "mangle", "-S")
        dropping = [
            line for line in rules.splitlines() if line.endswith("--dst-type LOCAL -j DROP")
        ]
        assert len(dropping) == 2
        assert "-A PREVS-docker0 -m addrtype --dst-type LOCAL -j DROP" in dropping


def test_from_inside_nobody_reaches_more_of_the_machines_than_the_page_says(
    cluster: Cluster, tmp_path: Path
) -> None:
    findings = by_machines.find_who_reaches_what(
        {name: functools.partial(run_in, machine) for name, machine in cluster.machines.items()},
        {name: machine.plan.address for name, machine in cluster.machines.items()},
        cluster.prevs,
        cluster.publish,
        tmp_path,
    )
    print("\n".join(matrix.describe(TABLE, findings)))
    assert matrix.is_good(TABLE, findings)
    real = {expected.MASTER, expected.ZOOKEEPER, expected.AGENT, expected.OTHER_AGENT}
    assert real <= findings.reached.keys()


def run_in(machine: Machine, command: str) -> str:
    """Return what a shell command prints in a machine."""
    return machine.run("sh", "-c", command)


def test_zookeeper_and_mesos_require_authentication_and_the_framework_finds_nothing_open(
    cluster: Cluster,
) -> None:
    master, agent = cluster.master, cluster.machines["agent-1"]
    quiet = ("curl", "--silent", "--noproxy", "*", "--output", "/dev/null")
    status = (*quiet, "--write-out", "%{http_code}")
    for place in (
        f"{master.plan.address}:5050/state",
        f"{master.plan.address}:5050/files/debug",
        f"{agent.plan.address}:5051/state",
        f"{agent.plan.address}:5051/files/debug",
    ):
        assert agent.run(*status, f"http://{place}") == "401", place
    foreign = ("--header", "Host: evil.example")
    assert agent.run(*status, *foreign, f"http://{master.plan.address}:5050/health") == "400"

    def checks() -> dict[str, bool]:
        readyz = f"http://{master.plan.address}:8090/readyz"
        answer = json.loads(master.run("curl", "--silent", "--noproxy", "*", readyz))
        return {one["name"]: one["ok"] for one in answer["checks"]}

    wait_until(lambda: checks().keys() >= {"zookeeper-access", "mesos-access"})
    assert all(checks().values()), checks()
    assert cluster.prevs("logs", "hello", MINE), "agents give it the logs"


def test_the_logs_of_the_machines_are_in_files_that_only_root_reads(cluster: Cluster) -> None:
    secrets = {
        "master": "/etc/prevs/zookeeper /etc/prevs/proxy-zookeeper /etc/prevs/mesos "
        "/etc/prevs/agents /etc/prevs/operator /etc/mesos/credentials.json",
        "agent-1": "/etc/prevs/agents /etc/mesos/credential.json /etc/mesos/readers.json "
        "/etc/mesos/jwt-key",
    }
    for name, files in secrets.items():
        shown = cluster.machines[name].run("stat", "--format=%a %U", *files.split())
        assert set(shown.splitlines()) == {"600 root"}, name
    others = cluster.machines["agent-1"].run("sh", "-c", "ls /etc/prevs")
    assert others.split() == ["agents"], "no token, no identity of ZooKeeper"


def test_the_first_visit_to_a_branch_builds_it(cluster: Cluster) -> None:
    label = names.slug("feature/dark")
    wait_served(cluster, label)
    assert page(cluster.visit(label).text) == "Good night, world!"


def test_build_steps_have_the_limits_that_the_machines_set(cluster: Cluster) -> None:
    agents = [cluster.machines[name] for name in ("agent-1", "agent-2")]
    for agent in agents:
        shown = agent.run("systemctl", "show", "--property=TasksMax,ActiveState", SLICE)
        assert set(shown.split()) == {"TasksMax=2048", "ActiveState=active"}
        # Steps have dockerd's, and executors may not change it here: they are no root.
        score = agent.run("sh", "-c", "cat /proc/$(cat /run/docker.pid)/oom_score_adj")
        assert int(score) == 0
    cluster.visit(WITH_A_STEP)
    wait_for_state(lambda: cluster.preview(WITH_A_STEP), "failed")
    assert "exit code 7" in json.dumps(cluster.preview(WITH_A_STEP))
    # BuildKit makes a group of its own there, which stays.
    look = ("find", "/sys/fs/cgroup", "-path", f"*/{SLICE}/buildkit")
    assert any(agent.run(*look) for agent in agents)


def test_the_script_may_be_run_again_and_changes_nothing(cluster: Cluster) -> None:
    before = {label: cluster.preview(label)["task_id"] for label in (MINE, OTHER)}
    with Visits(cluster) as visits:
        for machine in cluster.machines.values():
            output = machine.provision("configure", "start")
            assert [line.partition(" ")[0] for line in output.splitlines()] == ["Done"], output
    assert set(visits.seen) == {200}
    assert {label: cluster.preview(label)["task_id"] for label in (MINE, OTHER)} == before


def test_the_programs_have_no_more_rights_than_their_units_give(cluster: Cluster) -> None:
    units = ("zookeeper", "mesos-master", "prevs-framework", "prevs-proxy")
    for unit in units:
        pid = cluster.master.run("systemctl", "show", "--property=MainPID", "--value", unit).strip()
        status = cluster.master.run("cat", f"/proc/{pid}/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["NoNewPrivs"] == "1"
        assert fields["Seccomp"] == "2"
        assert "0" not in fields["Uid"].split()
        rights = 1 << 10 if unit == "prevs-proxy" else 0  # CAP_NET_BIND_SERVICE
        assert int(fields["CapBnd"], 16) == rights
    for file in ("token", "proxy-token", "keys"):
        stat = cluster.master.run("stat", "--format=%a %U", f"/etc/prevs/{file}")
        assert stat.strip() == "600 root"


def test_a_proxy_has_no_token_that_is_good_for_more(cluster: Cluster, second: Machine) -> None:
    pid = second.run("systemctl", "show", "--property=MainPID", "--value", "prevs-proxy").strip()
    for folder in ("/run/credentials/prevs-proxy.service", "/etc/prevs"):
        found = second.run("ls", folder).split()
        assert "proxy-token" in found
        assert not {"token", "keys"} & {*found}
    (line,) = [
        one
        for one in second.run("cat", f"/proc/{pid}/environ").split("\0")
        if one.startswith("PREVS_TOKEN_FILE=")
    ]
    token = second.run("cat", line.partition("=")[2]).strip()
    assert token == cluster.proxy_token() != cluster.token()


def test_a_proxy_that_is_started_again_serves_all_the_time(cluster: Cluster) -> None:
    with Visits(cluster) as visits:
        cluster.master.run("systemctl", "restart", "prevs-proxy")
        cluster.master.provision("start")
    assert set(visits.seen) == {200}
    journal = ("journalctl", "--unit=prevs-proxy")
    wait_until(lambda: "took over from the HAProxy" in cluster.master.run(*journal))


def test_a_second_proxy_serves_the_same(cluster: Cluster, second: Machine) -> None:
    for label, sentence in SENTENCES.items():
        answer = cluster.visit(label, proxy=second.plan.name)
        assert (answer.status, page(answer.text)) == (200, sentence)


def test_an_agent_whose_link_was_cut_serves_its_previews_again_once_the_link_is_back(
    cluster: Cluster, second: Machine
) -> None:
    agent, before = cluster.machines["agent-1"], cluster.preview(MINE)
    containers = agent.run("docker", "ps", "--quiet")
    with Visits(cluster) as visits:
        cluster.switch.cut(agent.network)
        try:
            missed = "Mesos misses the agent"
            wait_until(lambda: not is_active(cluster, agent), missed, seconds=180)
            for proxy in ("master", second.plan.name):
                visit = functools.partial(cluster.visit, MINE, proxy=proxy)
                wait_for(visit, lambda got: got.status == 503, f"{proxy} lets go", seconds=180)
        finally:
            cluster.switch.heal(agent.network)
        for proxy in ("master", second.plan.name):
            wait_served(cluster, MINE, proxy)
    assert set(visits.seen) == {200}
    assert cluster.preview(MINE)["task_id"] == before["task_id"]
    assert agent.run("docker", "ps", "--quiet") == containers


def test_previews_of_an_agent_that_is_lost_run_on_the_other(
    cluster: Cluster, second: Machine
) -> None:
    before = cluster.preview(MINE)
    with Visits(cluster) as visits:
        cluster.machines["agent-1"].lose()
        running = functools.partial(cluster.preview, MINE)
        wait_for_state(running, "running", but=before["task_id"], seconds=180)
        for proxy in ("master", second.plan.name):
            wait_served(cluster, MINE, proxy)
            assert page(cluster.visit(MINE, proxy=proxy).text) == SENTENCES[MINE]
    assert set(visits.seen) == {200}
    other = cluster.machines["agent-2"].plan.address
    assert cluster.preview(MINE)["agent"]["host"] == other


def is_active(cluster: Cluster, machine: Machine) -> bool:
    """Return whether Mesos counts on an agent."""
    agents = json.loads(cluster.prevs("agents", "--json"))
    return any(a["host"] == machine.plan.address and a["active"] for a in agents)
