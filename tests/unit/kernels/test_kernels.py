"""How the machines of tests/kernels are started, and how their output is read."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kernels import cluster, image, kernels, limits, newcomer
from tests.kernels.guest import StepFailed
from tests.kernels.image import Image
from tests.kernels.site import Site

IMAGE = Image(Path("/m/image/disk"), Path("/m/image/vmlinuz"), Path("/m/image/initrd.img"))
ALONE = kernels.Machine("newcomer", 4096, "", Path("/m/newcomer"), Path("/m/switch"))
JOINED = kernels.Machine("agent-1", 3072, "192.168.56.11", Path("/m/agent-1"), Path("/m/switch"))


def test_user_mode_linux_writes_to_its_own_disk_and_knows_its_name_and_address() -> None:
    command = kernels.uml(JOINED, IMAGE)
    assert command[0] == "linux.uml"
    assert "ubd0=/m/agent-1/disk,/m/image/disk" in command
    assert {"mem=3072M", "machine.name=agent-1", "machine.address=192.168.56.11"} <= {*command}
    assert command[-2:] == [
        "vec0:transport=vde,vnl=vde:///m/agent-1/net,mac=52:54:00:aa:00:01",
        "vec1:transport=vde,vnl=vde:///m/switch,mac=52:54:00:cc:00:0b",
    ]
    # Its parser takes no other '=' there.
    assert all(word.count("=") == 3 for word in command[-2:])


def test_a_single_machine_has_no_card_at_the_switch() -> None:
    for command in (kernels.uml(ALONE, IMAGE), kernels.qemu(ALONE, IMAGE, "tcg")):
        assert not any("/m/switch" in word or "machine.address" in word for word in command)


@pytest.mark.parametrize(("accelerator", "cpu"), [("kvm", "host"), ("tcg", "max")])
def test_qemu_boots_the_kernel_of_the_image(accelerator: str, cpu: str) -> None:
    command = kernels.qemu(JOINED, IMAGE, accelerator)
    options = dict(itertools.pairwise(command))
    assert options["-kernel"] == "/m/image/vmlinuz"
    assert options["-accel"].startswith(accelerator)
    assert options["-cpu"] == cpu
    assert "vde,id=n1,sock=/m/switch" in command
    assert "-no-reboot" not in command


def test_ports_are_forwarded_from_loopback_only() -> None:
    command = kernels.way_out(JOINED, [(40001, 22), (40002, 80)])
    forwards = "tcpfwd=127.0.0.1:40001:10.0.2.15:22,127.0.0.1:40002:10.0.2.15:80"
    assert command[1] == f"slirp:///v4/disable_host_loopback/{forwards}"


def test_no_package_host_is_in_what_makes_the_image() -> None:
    command = image.bootstrap(Path("/m/tree"), "uml", "a key", [Path("/etc/apt/x.sources")])
    assert command[-3:] == ["trixie", "/m/tree", "/etc/apt/x.sources"]
    assert not any("http" in word for word in command)


def test_a_visitors_answers_are_counted_with_the_longest_outage() -> None:
    seen = [(0.0, 200), (1.0, 503), (2.0, 0), (4.0, 200), (5.0, 503), (6.0, 503)]
    assert cluster.what_was_seen(seen) == (
        "a visitor got nothing 1 times, 200 2 times, 503 3 times; at most 3 s without the preview"
    )
    assert cluster.what_was_seen([(0.0, 200)]).endswith("at most 0 s without the preview")


class MovedCluster(cluster.Cluster):
    """One whose preview is, at each look, on the next of some agents."""

    def __init__(self, folder: Path, agents: Sequence[str]) -> None:
        super().__init__(Site(folder, "uml", "", {}), ())
        self._agents = list(agents)
        self.moves = 0

    def is_on(self, label: str, agent: str) -> bool:
        return self._agents.pop(0) == agent

    def move(self, label: str, agent: str) -> None:
        self.moves += 1

    def await_served(self, label: str, seconds: float = 300) -> None:
        pass


@pytest.mark.parametrize(
    ("looks", "moves"),
    [("aa", 0), ("ba", 1), ("abba", 1)],
    ids=["it is there", "it is elsewhere", "its record is one of before the boot"],
)
def test_a_preview_is_where_a_step_wants_it_once_it_is_served(
    tmp_path: Path, looks: str, moves: int
) -> None:
    moved = MovedCluster(tmp_path, looks)
    moved.start_on("main", "a")
    assert moved.moves == moves
    with pytest.raises(StepFailed, match="not by a"):
        MovedCluster(tmp_path, "bbbb").start_on("main", "a")


def test_shares_are_fair_within_a_factor_of_two() -> None:
    assert limits.fair(2.0, 18.0, 0.1) == "it had 10% of 20 s of CPU, 10% would be fair"
    for ours in (0.9, 4.1):
        with pytest.raises(StepFailed, match="would be fair"):
            limits.fair(ours, 20.0 - ours, 0.1)


def test_the_summary_of_tests_has_the_reasons_of_skips() -> None:
    output = (
        "SKIPPED [2] tests/integration/mesos/test_x.py:24: has Mesos make groups of v1\n"
        "3 passed, 2 skipped in 20.21s\n"
        "status 0\n"
    )
    assert newcomer.summary(output) == (
        "3 passed, 2 skipped; 2 skipped: has Mesos make groups of v1"
    )
