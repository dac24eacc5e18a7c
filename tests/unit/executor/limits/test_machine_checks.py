"""executor/limits/machine_checks.py: the findings from what was observed."""

import dataclasses
from ipaddress import ip_network
from typing import Any

import pytest

from executor.limits.confinement import Confinement, ProxyPort
from executor.limits.machine_checks import Folder, Framework, Machine, judge

INFO = {
    "Driver": "overlay2",
    "CgroupDriver": "cgroupfs",
    "CgroupVersion": "2",
    "LiveRestoreEnabled": True,
    **dict.fromkeys(("CPUShares", "MemoryLimit", "SwapLimit", "PidsLimit"), True),
}
WELL = Machine(
    python=(3, 11, 2),
    missing_modules=(),
    git="git version 2.39.5\n",
    git_lfs="git-lfs/3.3.0 (GitHub; linux amd64)",
    ssh="OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.15",
    buildx="github.com/docker/buildx v0.13.1 1",
    docker={"Version": "26.1.5"},
    docker_info=INFO,
    docker_problem="",
    trial_problem="",
    rules_problem=None,
    limits_problem=None,
    outbound_problem=None,
    build_runc="/usr/local/lib/prevs/build-runc",
    confined=Confinement(required=True),
    confined_problems=(),
    work=Folder("/work", "", 50.0),
    images=Folder("/var/lib/docker", "", 50.0),
    framework=Framework("https://api.example", "", 0.4),
    visitors={"br-1": 2},
)


def levels(machine: Machine) -> dict[str, str]:
    found = judge(machine)
    assert all(one.advice for one in found if one.level in ("warning", "wrong"))
    return {one.part: one.level for one in found}


def test_a_complete_machine_is_fine() -> None:
    assert set(levels(WELL).values()) == {"ok"}
    message = {one.part: one.message for one in judge(WELL)}
    assert message["git"] == "It is 2.39.5."
    assert message["docker"] == "It answers; its version is 26.1.5."
    assert message["buildx"] == "It is 0.13.1."


@pytest.mark.parametrize(
    ("change", "part", "level"),
    [
        ({"python": (3, 8, 1)}, "python", "wrong"),
        ({"missing_modules": ("bz2",)}, "python", "wrong"),
        ({"trial_problem": "adding interface v to bridge docker0 failed"}, "containers", "wrong"),
        ({"git": None}, "git", "wrong"),
        ({"git": "git version 2.30.2"}, "git", "wrong"),
        ({"git": "git version 2.32.0"}, "git", "warning"),
        ({"git": "git version 2.37.0"}, "git", "ok"),
        ({"git": "nonsense"}, "git", "wrong"),
        ({"git_lfs": None}, "git-lfs", "warning"),
        ({"ssh": None}, "ssh", "warning"),
        ({"buildx": None}, "buildx", "warning"),
        ({"docker": None, "docker_problem": "Permission denied"}, "docker", "wrong"),
        ({"docker_info": {**INFO, "SwapLimit": False}}, "limits", "warning"),
        ({"docker_info": {**INFO, "PidsLimit": False}}, "limits", "warning"),
        ({"docker_info": {**INFO, "Driver": "vfs"}}, "storage", "warning"),
        ({"docker_info": {**INFO, "CgroupDriver": "systemd"}}, "cgroup", "warning"),
        (
            {"docker_info": {**INFO, "CgroupDriver": "systemd"}, "has_mesos_groups": False},
            *("cgroup", "ok"),
        ),
        ({"docker_info": {**INFO, "LiveRestoreEnabled": False}}, "live-restore", "warning"),
        ({"rules_problem": "no iptables"}, "isolation", "wrong"),
        ({"visitors": {"br-1": 2, "br-2": None}}, "ports", "warning"),
        ({"visitors": {"br-1": 0}}, "ports", "ok"),
        ({"visitors": {}}, "ports", "skipped"),
        ({"confined": Confinement(builds=False)}, "builds", "warning"),
        ({"confined": Confinement(fetches=True)}, "builds", "warning"),
        ({"limits_problem": "no groups"}, "builds", "warning"),
        ({"outbound_problem": "it has no group"}, "builds", "wrong"),
        ({"build_runc": ""}, "builds", "warning"),
        ({"build_runc": None}, "builds", "ok"),
        ({"outbound_problem": "it has no group", "confined": Confinement()}, "builds", "warning"),
        ({"confined_problems": ["PREVS_ALLOW must be networks"]}, "network", "wrong"),
        ({"work": Folder("", "No path.", 0.0)}, "work folder", "wrong"),
        ({"work": Folder("/work", "", 3.0)}, "work folder", "warning"),
        ({"images": Folder("/d", "", 0.5)}, "images", "wrong"),
        ({"work": Folder("/work", "", 50.0, 2_000_000)}, "work folder", "ok"),
        ({"work": Folder("/work", "", 50.0, 299_999)}, "work folder", "warning"),
        ({"work": Folder("/work", "", 0.5, 299_999)}, "work folder", "wrong"),
        ({"images": Folder("/d", "", 50.0, 0)}, "images", "wrong"),
        ({"framework": Framework("https://x", "refused")}, "framework", "wrong"),
        ({"framework": Framework("https://x", "", -60.0)}, "clock", "warning"),
        ({"framework": None}, "clock", "skipped"),
    ],
)
def test_a_problem_is_a_finding_of_its_own_part_only(
    change: dict[str, Any], part: str, level: str
) -> None:
    found = levels(dataclasses.replace(WELL, **change))
    assert found.pop(part) == level
    assert set(found.values()) <= {"ok"}


def test_rules_that_cannot_be_set_are_wrong_only_where_they_are_required() -> None:
    wanted = dataclasses.replace(WELL, rules_problem="no iptables", confined=Confinement())
    assert levels(wanted)["isolation"] == "warning"


def test_open_isolation_is_reported() -> None:
    networks = (ip_network("10.1.0.7/32"), ip_network("10.2.0.0/24"))
    allowed = Confinement(allowed=networks, proxy=ProxyPort("10.0.0.5", 80))
    message = {one.part: one.message for one in judge(dataclasses.replace(WELL, confined=allowed))}
    assert message["network"] == (
        "The only private networks that previews reach are 10.1.0.7/32, 10.2.0.0/24 (PREVS_ALLOW). "
        "They reach the gates of stacks at 10.0.0.5, port 80 (PREVS_ALLOW_PROXY)."
    )
    assert message["builds"] == "They reach no more than previews do, and are limited."
    opened = dataclasses.replace(
        WELL, confined=Confinement(builds=False, fetches=True), limits_problem="it is no root"
    )
    message = {one.part: one.message for one in judge(opened)}
    assert message["builds"] == (
        "RUN steps reach this machine and private networks. Docker fetches ADD of an address in "
        "this machine's own network. RUN steps may take all memory and all processes: it is no "
        "root."
    )


def test_inodes_are_reported_if_their_number_is_limited() -> None:
    few = dataclasses.replace(WELL, work=Folder("/work", "", 50.0, 1_234_567))
    message = {one.part: one.message for one in judge(few)}
    assert message["work folder"] == "50.0 GB and 1,234,567 inodes are free in /work."
    assert message["images"] == "50.0 GB are free in /var/lib/docker."


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        (
            {"docker": None, "docker_info": {}, "docker_problem": "It is away"},
            {"storage", "cgroup", "live-restore", "buildx"},
        ),
        ({"images": None}, {"images"}),
    ],
    ids=["a docker that does not answer", "images of a daemon elsewhere"],
)
def test_a_part_that_cannot_be_seen_has_no_finding(
    change: dict[str, Any], absent: set[str]
) -> None:
    assert absent.isdisjoint(levels(dataclasses.replace(WELL, **change)))
