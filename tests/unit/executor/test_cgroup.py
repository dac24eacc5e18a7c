"""executor/cgroup.py: where containers are put that Mesos shall count."""

import pytest

from executor.cgroup import accepts, copies, is_limit, own_group

MESOS_V1 = """\
12:freezer:/mesos/4f0c
11:cpu,cpuacct:/mesos/4f0c
10:memory:/mesos/4f0c
9:pids:/system.slice/mesos-agent.service
1:name=systemd:/system.slice/mesos-agent.service
0::/system.slice/mesos-agent.service
"""


@pytest.mark.parametrize(
    ("text", "group"),
    [
        (MESOS_V1, "/mesos/4f0c"),
        # Mesos with memory alone, or an agent without isolators: there is no one group.
        ("2:memory:/mesos/4f0c\n1:cpu,cpuacct:/\n", None),
        ("2:memory:/\n1:cpu:/\n0::/\n", None),
        ("1:memory:/mesos/4f0c\n", None),
        # v2: the group above the one that has the processes, and never one that has some.
        ("0::/mesos/4f0c/leaf\n", "/mesos/4f0c"),
        ("0::/system.slice/mesos-agent.service\n", None),
        ("0::/\n", None),
        ("0::/leaf\n", None),
        ("", None),
    ],
)
def test_the_group_is_the_executors_own_and_never_the_root(text: str, group: str | None) -> None:
    assert own_group(text) == group


def test_systemds_groups_are_not_ours_to_choose() -> None:
    assert accepts({"CgroupDriver": "cgroupfs"})
    assert not accepts({"CgroupDriver": "systemd"})
    assert not accepts({})


def test_a_group_has_a_folder_in_each_hierarchy() -> None:
    assert copies("/mesos/4f0c", ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/pids"]) == [
        "/sys/fs/cgroup/cpu/mesos/4f0c",
        "/sys/fs/cgroup/pids/mesos/4f0c",
    ]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("2048\n", True),
        ("0\n", True),
        ("1649267441664\n", True),
        ("max\n", False),
        # v1, with pages of 4 KB and of 64 KB
        ("9223372036854771712\n", False),
        ("9223372036854710272\n", False),
        ("", False),
    ],
)
def test_only_a_number_that_can_be_reached_is_a_limit(text: str, limits: bool) -> None:
    assert is_limit(text) is limits
