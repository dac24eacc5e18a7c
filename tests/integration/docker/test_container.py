"""executor/container/containers.py and executor/container/probe.py on a real docker daemon."""

import dataclasses
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker.api import APIClient
from requests.exceptions import ReadTimeout

from executor.container.containers import DockerContainers
from executor.container.probe import ApplicationProbe
from executor.docker.daemon import Daemon
from executor.errors import AgentUnfit, DockerUnavailable
from executor.limits.confinement import Confinement, ProxyPort
from executor.network.preview_network import PreviewNetwork
from executor.ports import Answer, ContainerSpec, Exit, PublishedPort
from executor.signals import StopSignal
from local.docker.containers import remove_all
from tests.fakes.samples import SERVE
from tests.free_ports import free_port
from tests.integration.docker.builds import removing_network
from tests.integration.docker.machine import Machine, machine
from tests.waits import wait_until

pytestmark = pytest.mark.integration

CLUSTER = f"container-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""


@pytest.fixture(scope="module")
def network(docker_host: str) -> Iterator[None]:
    """Remove the network that the containers of this file have in turn."""
    with removing_network(docker_host, CLUSTER):
        yield


@pytest.fixture
def world(docker_host: str, network: None) -> Iterator[Machine]:
    with machine(docker_host, CLUSTER) as made:
        yield made


def published(world: Machine, command: str, *, number: int = 1) -> ContainerSpec:
    """Return a small container that is published at a free port."""
    port = PublishedPort(8080, "127.0.0.1", free_port())
    return world.spec(command, number=number, mem=32, ports=(port,))


def check(spec: ContainerSpec, path: str = "/", limit: float = 30.0) -> Answer:
    (port,) = spec.ports
    address = (port.host, port.host_port)
    url = "http://main.hello.test/"
    return ApplicationProbe(address, path, url, signals=StopSignal(), answer_limit=limit).check()


def test_a_container_matches_its_spec_and_has_no_more_rights_than_it_needs(world: Machine) -> None:
    spec = published(world, SERVE)
    world.start(spec)
    found = world.inspect(spec)
    host = found["HostConfig"]
    assert weight(found["State"]["Pid"]) == pytest.approx(0.25, abs=0.01)
    assert host["Memory"] == host["MemorySwap"] == 32 * 1024 * 1024
    assert host["PidsLimit"] == 512
    assert host["CapDrop"] == ["ALL"]
    assert "CAP_NET_RAW" not in str(host["CapAdd"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Init"] is True
    assert host["Privileged"] is False
    assert host["LogConfig"] == {"Type": "none", "Config": {}}
    assert found["Config"]["Labels"] == {**spec.labels, **world.guard.labels()}
    environment = found["Config"]["Env"]
    assert isinstance(environment, list)
    assert {"PORT=8080", "PREVS_APP=hello"} <= set(environment)
    # At the given address alone.
    (port,) = spec.ports
    ports = found["NetworkSettings"]["Ports"]
    assert ports == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port.host_port)}]}


def weight(process: object) -> float:
    """Return as how many CPUs the kernel weighs the group of a process, with v1 and v2."""
    lines = Path(f"/proc/{process}/cgroup").read_text().splitlines()
    groups = {kinds: path.lstrip("/") for _, kinds, path in (line.split(":", 2) for line in lines)}
    top = Path("/sys/fs/cgroup")
    for kinds, path in groups.items():
        if "cpu" in kinds.split(","):
            return int((top / kinds / path / "cpu.shares").read_text()) / 1024
    return int((top / groups[""] / "cpu.weight").read_text()) / 100


def test_a_container_without_a_port_of_the_agent_is_published_nowhere(world: Machine) -> None:
    spec = dataclasses.replace(published(world, SERVE), ports=())
    world.start(spec)
    found = world.inspect(spec)
    assert not any(found["NetworkSettings"]["Ports"].values())  # type: ignore[attr-defined]  # JSON
    assert not found["HostConfig"]["PortBindings"]


def test_gates_lead_to_the_proxy_that_the_operator_opens_or_the_log_says_what_to_do(
    world: Machine,
) -> None:
    spec = dataclasses.replace(
        published(world, "sleep 600"), gates=("shop.localhost",), hosts=("db",)
    )
    world.start(spec)
    assert world.inspect(spec)["HostConfig"]["ExtraHosts"] == ["db:127.0.0.1"]
    assert "PREVS_ALLOW_PROXY" in "".join(world.log.headers)
    told = len(world.log.headers)
    confined = Confinement(proxy=ProxyPort("10.0.0.5", 80))
    world.start(spec, confined)
    hosts = world.inspect(spec)["HostConfig"]["ExtraHosts"]
    assert hosts == ["db:127.0.0.1", "shop.localhost:10.0.0.5"]  # docker-py sorts them
    assert len(world.log.headers) == told


def test_a_read_only_root_leaves_tmp_and_the_volumes_to_write_to(world: Machine) -> None:
    command = (
        "echo x > /file; echo x > /tmp/file && cat /tmp/file; echo y > /data/deep/file; exit 7"
    )
    volume = f"{CLUSTER}-read-only"
    spec = dataclasses.replace(
        published(world, command), read_only=True, volumes={"/data/deep": volume}
    )
    try:
        assert world.run(spec) == Exit(7, out_of_memory=False)
        assert b"/file: Read-only file system" in world.log.data
        assert b"x\n" in world.log.data
        reading = published(world, "cat /elsewhere/file", number=2)
        world.run(dataclasses.replace(reading, volumes={"/elsewhere": volume}))
        assert world.log.data.endswith(b"y\n")
    finally:
        world.client.remove_volume(volume)


def test_files_in_tmp_count_as_the_containers_memory(world: Machine) -> None:
    command = "dd if=/dev/zero of=/tmp/file bs=1000000 count=100 && echo all is there"
    spec = dataclasses.replace(published(world, command), read_only=True)
    ended = world.run(spec)
    assert ended is not None
    assert ended.code != 0
    assert b"all is there" not in world.log.data


class SlowDaemon(Daemon):
    """A daemon that starts containers, and whose answer to that comes too late."""

    def client(self) -> APIClient:
        client = self.new_client()
        start = client.start

        def start_late(container: str) -> None:
            start(container)
            raise ReadTimeout("Read timed out")

        client.start = start_late  # type: ignore[method-assign, assignment]  # one call of a real client
        return client


def test_a_container_that_docker_was_slow_to_start_is_not_left(
    world: Machine, docker_host: str
) -> None:
    spec = published(world, SERVE)
    world.start(spec).remove()  # it makes the network
    daemon = SlowDaemon({"DOCKER_HOST": docker_host})
    slow = DockerContainers(daemon, PreviewNetwork(CLUSTER), world.log, world.guard)
    with pytest.raises(DockerUnavailable, match="timed out"):
        slow.start(spec, on_exit=lambda: None)
    assert world.client.containers(all=True, filters={"label": world.label}) == []


def test_an_application_that_listens_answers(world: Machine) -> None:
    spec = published(world, SERVE)
    world.start(spec)
    wait_until(lambda: check(spec) == Answer(connected=True, status=200))
    assert check(spec, "/nothing") == Answer(connected=True, status=404)


def test_dockers_own_listener_is_not_mistaken_for_the_application(world: Machine) -> None:
    spec = published(world, "while :; do sleep 0.1; done")
    world.start(spec)
    assert check(spec) == Answer(connected=False, problem="it closed the connection")


def test_a_silent_application_is_distinguished_from_one_that_does_not_listen(
    world: Machine,
) -> None:
    spec = published(world, "nc -ll -p $PORT -e sleep 1000")
    world.start(spec)
    answers: list[Answer] = []

    def check_again() -> bool:
        answers.append(check(spec, limit=1.0))
        return answers[-1].connected

    wait_until(check_again)
    assert answers[-1] == Answer(connected=True, problem="it did not answer within 1 s")


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ("exec tail /dev/zero", Exit(137, out_of_memory=True)),
        # A worker is killed, and the application ends because of that.
        ("tail /dev/zero; exit $?", Exit(137, out_of_memory=True)),
        ("tail /dev/zero & wait $!; exit 3", Exit(3, out_of_memory=True)),
        # It takes that as it comes, and ends for a reason of its own.
        ("tail /dev/zero; exit 0", Exit(0, out_of_memory=False)),
        pytest.param(
            "tail /dev/zero; sleep 15; exit 3",
            Exit(3, out_of_memory=False),
            marks=pytest.mark.night,  # ten seconds later it is no reason: unit/executor/test_memory
        ),
        ("exit 3", Exit(3, out_of_memory=False)),
    ],
)
def test_an_end_for_lack_of_memory_is_distinguished_from_others(
    world: Machine, command: str, end: Exit
) -> None:
    assert world.run(published(world, command)) == end


def test_processes_that_are_killed_for_memory_are_counted_while_it_runs(world: Machine) -> None:
    spec = published(world, "tail /dev/zero; tail /dev/zero; sleep 1000")
    container = world.start(spec)
    wait_until(lambda: container.memory_kills() == 2)
    assert container.exit() is None
    container.remove()
    assert container.memory_kills() == 2, "known facts stay"


def test_a_taken_port_is_reported_and_leaves_nothing(world: Machine) -> None:
    first = published(world, SERVE, number=1)
    world.start(first)
    second = dataclasses.replace(published(world, SERVE, number=2), ports=first.ports)
    with pytest.raises(AgentUnfit, match=r"already|in use"):
        world.start(second)
    assert len(world.client.containers(all=True, filters={"label": world.label})) == 1


def test_a_command_that_is_not_there_ends_with_a_code_and_a_line_in_the_log(world: Machine) -> None:
    world.client.import_image_from_data(
        b"\0" * 10240, repository=f"prevs-test/{CLUSTER}", tag="bare", changes=['CMD ["/nothing"]']
    )
    bare = world.images.own(f"prevs-test/{CLUSTER}:bare")
    spec = dataclasses.replace(published(world, SERVE), image=bare)
    assert world.run(spec) == Exit(127, out_of_memory=False)
    assert b"/nothing" in world.log.data


def test_containers_of_two_previews_cannot_talk_to_each_other(world: Machine) -> None:
    server = published(world, SERVE, number=1)
    world.start(server)
    wait_until(lambda: check(server).status == 200)
    network = world.inspect(server)["NetworkSettings"]["Networks"]
    assert isinstance(network, dict)
    address = network[f"prevs-{CLUSTER}"]["IPAddress"]
    world.run(
        published(world, f"wget -T 2 -O - http://{address}:8080/ || echo out of reach", number=2)
    )
    assert b"out of reach" in world.log.data
    assert b"hello" not in world.log.data


def test_the_network_is_made_once_when_many_need_it_at_the_same_time(
    world: Machine, docker_host: str
) -> None:
    assert remove_all(docker_host, CLUSTER) == []  # that of the tests before
    specs = [published(world, SERVE, number=number) for number in range(4)]

    def start(spec: ContainerSpec) -> None:
        daemon = Daemon({"DOCKER_HOST": docker_host})
        DockerContainers(daemon, PreviewNetwork(CLUSTER), world.log, world.guard).start(
            spec, on_exit=lambda: None
        )

    with ThreadPoolExecutor(len(specs)) as pool:
        list(pool.map(start, specs))
    [network] = world.client.networks(filters={"label": f"prevs.cluster={CLUSTER}"})
    if os.geteuid() == 0:
        rules = subprocess.run(
            ["iptables", "-t", "mangle", "-S", "PREROUTING"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert rules.count(f"-i br-{network['Id'][:12]} ") == 1
    wait_until(lambda: all(check(spec).status == 200 for spec in specs))


def test_an_application_gets_the_stop_signal_of_its_image(world: Machine) -> None:
    command = "trap 'echo as asked; exit 0' USR1; echo up; while :; do sleep 0.05; done"
    spec = published(world, command)
    made = world.client.create_container(spec.image, labels={"prevs.task": CLUSTER})
    world.client.commit(
        made["Id"], repository=f"prevs-test/{CLUSTER}", tag="usr1", changes=["STOPSIGNAL SIGUSR1"]
    )
    spec = dataclasses.replace(spec, image=world.images.own(f"prevs-test/{CLUSTER}:usr1"))
    ended = threading.Event()
    container = world.start(spec, ended=ended)
    wait_until(lambda: b"up" in world.log.data)
    container.terminate()
    assert ended.wait(60)
    container.drain(10)
    assert b"as asked" in world.log.data


def test_zombies_are_reaped(world: Machine) -> None:
    spec = published(world, "sh -c 'sleep 0 & exec sleep 0' & wait; exec sleep 1000")
    container = world.start(spec)

    def processes() -> list[str]:
        return [str(row[-1]) for row in world.client.top(spec.name)["Processes"]]

    wait_until(lambda: any("sleep 1000" in line for line in processes()))
    wait_until(lambda: not any("defunct" in line for line in processes()))
    assert container.exit() is None


def test_a_missing_daemon_is_reported_as_such(world: Machine) -> None:
    daemon = Daemon({"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    containers = DockerContainers(daemon, PreviewNetwork(None), world.log, world.guard)
    with pytest.raises(DockerUnavailable, match="does not answer"):
        containers.start(published(world, SERVE), on_exit=lambda: None)
