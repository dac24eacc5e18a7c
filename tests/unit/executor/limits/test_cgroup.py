"""executor/limits/cgroup.py: the group of containers that count for Mesos."""

import pytest

from executor.limits.cgroup import (
    Budget,
    RefusedForks,
    accepts,
    app_group,
    budgets,
    copies,
    is_limit,
    memory_files,
    own_group,
    read_count,
)

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
def test_the_group_is_the_executors_own_and_never_the_root_group(
    text: str, group: str | None
) -> None:
    assert own_group(text) == group


def test_groups_of_systemd_are_never_used() -> None:
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
def test_only_a_reachable_number_is_a_limit(text: str, limits: bool) -> None:
    assert is_limit(text) is limits


def test_an_app_gets_less_than_all_builds_and_they_get_less_than_the_machine() -> None:
    assert budgets(8000, 0) == (Budget(6000, 4096), Budget(4000, 2048))
    assert budgets(8000, 512) == (Budget(6000, 4096), Budget(512, 2048))
    # The operator's setting holds, even if it is more than would be left.
    assert budgets(8000, 7000) == (Budget(7000, 4096), Budget(7000, 2048))


def test_each_app_of_each_installation_has_a_group_and_always_the_same() -> None:
    groups = [app_group(cluster, app) for cluster in ("", "a", "b/../c") for app in ("x", "y")]
    assert len(set(groups)) == 6
    assert groups == [
        app_group(cluster, app) for cluster in ("", "a", "b/../c") for app in ("x", "y")
    ]
    assert groups[0] == "/prevs-builds/x"
    assert all(group.count("/") == 2 for group in groups)


def test_memory_is_limited_without_swap_in_both_versions() -> None:
    assert memory_files(2, Budget(64, 10)) == {"memory.max": "67108864", "memory.swap.max": "0"}
    assert memory_files(1, Budget(64, 10)) == {
        "memory.limit_in_bytes": "67108864",
        "memory.memsw.limit_in_bytes": "67108864",
    }


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("low 0\nhigh 3\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n", 2),
        ("oom_kill 0\n", 0),
        ("oom_kill\n", 0),
        ("", 0),
    ],
)
def test_a_counter_is_read_by_its_whole_name(text: str, count: int) -> None:
    assert read_count(text, "oom_kill") == count


def test_refused_forks_are_reported_while_each_look_finds_more() -> None:
    known = RefusedForks(5).after(5, 0.0)
    assert (known.seen, known.lasted(9.0)) == (False, 0.0)
    known = known.after(6, 10.0).after(9, 11.0).after(20, 12.0)
    assert (known.seen, known.lasted(13.0)) == (True, 3.0)
    known = known.after(20, 13.0)
    assert (known.seen, known.lasted(14.0)) == (True, 0.0), "it was refused, and has stopped asking"
    # Steps that have ended took their counts along.
    assert not RefusedForks(20).after(3, 1.0).seen
    assert RefusedForks(20).after(3, 1.0).after(4, 2.0).seen
