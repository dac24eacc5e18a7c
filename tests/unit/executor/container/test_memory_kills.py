"""executor/container/memory_kills.py on files like the kernel's."""

from pathlib import Path

import pytest

from executor.container import memory_kills

V1 = "10:memory:/docker/4f0c\n9:pids:/docker/4f0c\n0::/system.slice/docker.service\n"
V2 = "0::/system.slice/docker-4f0c.scope\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
EVENTS = "low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 0\n"


@pytest.mark.parametrize(
    ("groups", "file", "text"),
    [
        (V1, "memory/docker/4f0c/memory.oom_control", CONTROL),
        (V2, "system.slice/docker-4f0c.scope/memory.events", EVENTS),
    ],
    ids=["v1", "v2"],
)
def test_the_kernel_counts_in_a_file_of_the_containers_group(
    tmp_path: Path, groups: str, file: str, text: str
) -> None:
    assert memory_kills.find_counter(groups, tmp_path) is None
    counter = tmp_path / file
    counter.parent.mkdir(parents=True)
    counter.write_text(text)
    assert memory_kills.find_counter(groups, tmp_path) == counter
    assert memory_kills.count(counter) == 2


def test_a_kernel_without_the_counter_has_counted_none(tmp_path: Path) -> None:
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\n")
    assert memory_kills.count(tmp_path / "memory.oom_control") == 0


def test_a_container_without_a_group_is_not_counted(tmp_path: Path) -> None:
    assert memory_kills.find_counter("", tmp_path) is None
