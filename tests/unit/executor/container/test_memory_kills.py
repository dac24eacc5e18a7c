"""executor/container/memory_kills.py on files like the kernel's."""

from pathlib import Path

import pytest

from executor.container import memory_kills

V1 = "10:memory:/docker/4f0c\n9:pids:/docker/4f0c\n0::/system.slice/docker.service\n"
V2 = "0::/system.slice/docker-4f0c.scope\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
EVENTS = "low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 0\n"


def put(folder: Path, file: str, text: str) -> Path:
    """Write a counter as the kernel has it; return it."""
    counter = folder / file
    counter.parent.mkdir(parents=True, exist_ok=True)
    counter.write_text(text)
    return counter


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
    assert memory_kills.find_counters(groups, tmp_path) is None
    counter = put(tmp_path, file, text)
    counters = memory_kills.find_counters(groups, tmp_path)
    assert counters is not None
    assert (counters.own, counters.count_kills()) == (counter, 2)


def test_with_v2_the_group_above_is_read_after_the_containers_own_is_gone(tmp_path: Path) -> None:
    own = put(tmp_path, "system.slice/docker-4f0c.scope/memory.events", EVENTS)
    put(tmp_path, "system.slice/memory.events", EVENTS.replace("oom_kill 2", "oom_kill 7"))
    counters = memory_kills.find_counters(V2, tmp_path)
    assert counters is not None
    own.unlink()
    with pytest.raises(FileNotFoundError):
        counters.count_kills()
    assert "oom_kill 7\n" in counters.read_above()


def test_with_v1_the_group_above_counts_only_its_own_processes_and_is_not_read(
    tmp_path: Path,
) -> None:
    put(tmp_path, "memory/docker/4f0c/memory.oom_control", CONTROL)
    put(tmp_path, "memory/docker/memory.oom_control", CONTROL)
    counters = memory_kills.find_counters(V1, tmp_path)
    assert counters is not None
    assert counters.read_above() == ""


def test_a_container_without_a_group_is_not_counted(tmp_path: Path) -> None:
    assert memory_kills.find_counters("", tmp_path) is None
