"""What a container may use of its agent, on a real docker daemon and with real control groups."""

import dataclasses
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.errors import DiskFull
from executor.limits.confinement import Confinement
from executor.limits.disk_schedule import CALM
from prevs.containers import ContainerSettings
from tests import times
from tests.fakes.samples import nothing_left
from tests.integration.docker.builds import removing_network
from tests.integration.docker.machine import Machine, machine
from tests.waits import wait_until

pytestmark = pytest.mark.integration

CLUSTER = f"confinement-{secrets.token_hex(3)}"
_SOON = times.choose(3.0, CALM)
STAY = "echo up; while :; do sleep 1; done"


@pytest.fixture(scope="module")
def network(docker_host: str) -> Iterator[None]:
    """Remove the network that the containers of this file have in turn."""
    with removing_network(docker_host, CLUSTER):
        yield


@pytest.fixture
def world(docker_host: str, network: None) -> Iterator[Machine]:
    with machine(docker_host, CLUSTER) as made:
        yield made


def output(world: Machine, command: str) -> str:
    """Return the output of a shell command in a container."""
    world.run(world.spec(f"{command}; echo done"))
    return world.log.data.decode()


def test_the_limits_of_a_process_hold_inside_its_container(world: Machine) -> None:
    printed = output(
        world,
        "cat /proc/self/limits; busybox df -k /dev/shm; cat /proc/self/oom_score_adj;"
        "busybox grep -E 'NoNewPrivs|Seccomp:' /proc/self/status",
    )
    lines = {" ".join(line.split()) for line in printed.splitlines()}
    assert "Max open files 16384 16384 files" in lines
    assert "Max core file size 0 0 bytes" in lines
    assert "500" in lines
    assert "NoNewPrivs: 1" in lines
    assert "Seccomp: 2" in lines
    assert any(line.startswith("shm 65536 ") for line in lines)


def test_a_container_runs_as_its_commit_says_and_with_no_more_rights(world: Machine) -> None:
    own = ContainerSettings(
        entrypoint=("/bin/sh", "-c"),
        user="1234:1234",
        folder="/srv",
        tmpfs={"/scratch": 2},
        shared_memory=96,
        stop_signal="SIGUSR1",
    )
    script = (
        "trap 'echo stopped; exit 0' USR1; id -u; pwd; busybox df -k /dev/shm /scratch;"
        "busybox grep -E 'NoNewPrivs|CapEff' /proc/self/status; echo up; sleep 1000 & wait"
    )
    spec = dataclasses.replace(world.spec("exit 9"), command=(script,), own=own)
    container = world.start(spec)
    wait_until(lambda: b"up\n" in world.log.data)
    container.terminate()
    wait_until(lambda: container.exit() is not None)
    container.drain(15)
    container.remove()
    lines = {" ".join(line.split()) for line in world.log.data.decode().splitlines()}
    assert {"1234", "/srv", "NoNewPrivs: 1", "CapEff: 0000000000000000", "stopped"} <= lines
    assert any(line.startswith("shm 98304 ") for line in lines)
    assert any(line.startswith("tmpfs 2048 ") for line in lines)


def test_no_entrypoint_is_none_of_the_images(world: Machine) -> None:
    spec = dataclasses.replace(
        world.spec("exit 9"), command=("echo", "alone"), own=ContainerSettings(entrypoint=())
    )
    end = world.run(spec)
    assert end is not None
    assert (end.code, world.log.data) == (0, b"alone\n")


def test_shared_memory_ends_at_its_size(world: Machine) -> None:
    printed = output(
        world, "dd if=/dev/zero of=/dev/shm/x bs=65536 count=2000; busybox wc -c /dev/shm/x"
    )
    assert "No space left on device" in printed
    assert f"{64 * 1024 * 1024} /dev/shm/x" in printed


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="reads layers and volumes themselves: root")
FILL = f"dd if=/dev/zero of=big bs=1M count=300; {STAY}"
DEEP = "mkdir /d; cd /d; i=0; while [ $i -lt 201 ]; do mkdir d; cd -P d; i=$((i+1)); done"
MAKE_FILES = "i=0; while :; do : > $i; i=$((i+1)); done"


@pytest.fixture
def volume(world: Machine) -> Iterator[str]:
    name = f"prevs-test-{CLUSTER}"
    world.client.create_volume(name)
    with nothing_left(world.client, world.label):  # a container of a failed test may still have it
        yield name
    world.client.remove_volume(name, force=True)


@pytest.mark.parametrize(
    ("command", "limit", "calm", "within"),
    [
        *(
            pytest.param(f"cd /; {FILL}", 100, *calm.values, 120, id=calm.id, marks=calm.marks)
            for calm in times.both(_SOON, CALM)
        ),
        pytest.param(f"cd /data; {FILL}", 100, _SOON, 120, id="to a volume", marks=AS_ROOT),
        pytest.param(f"{DEEP}; {FILL}", 100, _SOON, 120, id="in folders of folders", marks=AS_ROOT),
        # Before it is measured in any case, once a minute.
        pytest.param(f"mkdir m; cd m; {MAKE_FILES}", 20, CALM, 50, id="no byte", marks=AS_ROOT),
        pytest.param(f"cd /data; {MAKE_FILES}", 20, CALM, 50, id="no byte, there", marks=AS_ROOT),
    ],
)
def test_an_application_that_writes_more_than_the_limit_is_ended_for_that(
    world: Machine, volume: str, command: str, limit: int, calm: float, within: float
) -> None:
    spec = dataclasses.replace(world.spec(command), volumes={"/data": volume})
    ended = threading.Event()
    container = world.start(spec, Confinement(disk_limit=limit), ended=ended, calm=calm)
    assert ended.wait(within)
    with pytest.raises(DiskFull, match=f"more than {limit} MB"):
        container.exit()
    container.remove()


def test_a_volume_may_be_where_a_read_only_root_has_its_memory(world: Machine, volume: str) -> None:
    spec = world.spec("echo kept > /tmp/kept; busybox mount; " + STAY)
    spec = dataclasses.replace(spec, read_only=True, volumes={"/tmp": volume})
    container = world.start(spec)
    wait_until(lambda: b" on /tmp type " in world.log.data)
    container.remove()
    assert b"tmpfs on /tmp " not in world.log.data


def test_an_application_that_writes_less_goes_on(world: Machine) -> None:
    spec = world.spec("dd if=/dev/zero of=/some bs=1M count=50; echo written; " + STAY)
    ended = threading.Event()
    container = world.start(spec, Confinement(disk_limit=400), ended=ended)
    wait_until(lambda: b"written" in world.log.data)
    assert not ended.wait(3)
    assert container.exit() is None


def test_the_healthcheck_of_an_image_is_not_executed(world: Machine) -> None:
    check = "HEALTHCHECK --interval=10ms CMD /bin/busybox touch /checked"
    image = world.images.add(f"prevs-test/{CLUSTER}:checked", STAY, check)

    def is_checked(name: str) -> bool:
        return "/checked" in [one["Path"] for one in world.client.diff(name) or []]

    # Ours first: it has had more time to be checked than the one that is.
    spec = dataclasses.replace(world.spec(STAY), image=image)
    world.start(spec)
    plain = world.client.create_container(image, labels={"prevs.task": CLUSTER})
    world.client.start(plain["Id"])
    wait_until(lambda: is_checked(plain["Id"]))
    assert not is_checked(spec.name)
    assert "Health" not in world.client.inspect_container(spec.name)["State"]


IN_A_GROUP = """
import dataclasses, sys
from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.errors import StartFailed
from executor.network.preview_network import PreviewNetwork
from executor.ports import ContainerSpec
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard

host, cluster, image = sys.argv[1:]
sys.stdin.readline()  # it is in its group now
spec = ContainerSpec(f"prevs-{cluster}", image, 0.1, 32, {}, {"prevs.task": cluster})
daemon = Daemon({"DOCKER_HOST": host})
containers = DockerContainers(daemon, PreviewNetwork(cluster), MemoryLog(), RecordingGuard())
try:
    containers.start(dataclasses.replace(spec, volumes={"/proc/x": cluster}), on_exit=print)
except StartFailed:
    print("refused", flush=True)
sys.stdin.readline()
container = containers.start(spec, on_exit=lambda: None)
print("started", flush=True)
sys.stdin.readline()
container.remove()
"""


@pytest.fixture
def group() -> Iterator[str]:
    """A control group as Mesos makes one for an executor: of cpu and memory, with v1."""
    name = f"/{CLUSTER}"
    hierarchies = [Path(f"/sys/fs/cgroup/{kind}") for kind in ("cpu", "memory")]
    for hierarchy in hierarchies:
        Path(f"{hierarchy}{name}").mkdir()
    yield name
    for hierarchy in hierarchies:
        Path(f"{hierarchy}{name}").rmdir()


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/sys/fs/cgroup/memory").is_dir(),
    reason="makes control groups of v1, as root",
)
def test_a_container_counts_towards_its_executors_group_where_there_is_one(
    world: Machine, group: str, docker_host: str
) -> None:
    if world.client.info()["CgroupDriver"] != "cgroupfs":
        pytest.skip("this daemon leaves control groups to systemd")
    image = world.spec(STAY).image
    command = [sys.executable, "-c", IN_A_GROUP, docker_host, CLUSTER, image]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as executor:
        assert executor.stdin is not None
        assert executor.stdout is not None
        for kind in ("cpu", "memory"):
            Path(f"/sys/fs/cgroup/{kind}{group}/cgroup.procs").write_text(str(executor.pid))
        print("go on", file=executor.stdin, flush=True)
        assert executor.stdout.readline() == "refused\n"
        assert copies_of(group) == [f"cpu{group}", f"memory{group}"]
        print("go on", file=executor.stdin, flush=True)
        assert executor.stdout.readline() == "started\n"
        found = world.client.inspect_container(f"prevs-{CLUSTER}")
        groups = Path(f"/proc/{found['State']['Pid']}/cgroup").read_text().splitlines()
        counted = [line for line in groups if line.split(":")[1] in ("cpu", "memory")]
        assert len(counted) == 2
        assert all(line.endswith(f":{group}/{found['Id']}") for line in counted)
        usage = Path(f"/sys/fs/cgroup/memory{group}/{found['Id']}/memory.usage_in_bytes")
        total = Path(f"/sys/fs/cgroup/memory{group}/memory.usage_in_bytes")
        assert 0 < int(usage.read_text()) <= int(total.read_text())
        print("end", file=executor.stdin, flush=True)
        assert executor.wait(60) == 0
    assert copies_of(group) == [f"cpu{group}", f"memory{group}"]
    world.client.remove_volume(CLUSTER, force=True)


def copies_of(group: str) -> list[str]:
    """Return in which hierarchies there is a group."""
    root = Path("/sys/fs/cgroup")
    return sorted(str(path.relative_to(root)) for path in root.glob(f"*{group}"))
