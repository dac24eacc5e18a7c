"""executor/container/memory_kills.py on files like the kernel's."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from executor.container import memory_kills
from executor.container.memory_kills import was_killed_below, was_oom_killed

V1 = "10:memory:/docker/4f0c\n9:pids:/docker/4f0c\n0::/system.slice/docker.service\n"
V2 = "0::/system.slice/docker-4f0c.scope\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
EVENTS = "low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 0\n"

Event = Mapping[str, object]


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


def event(action: str, seconds: float) -> Event:
    return {"Action": action, "timeNano": int(seconds * 1e9)}


@pytest.mark.parametrize(
    ("events", "short"),
    [
        ([], None),
        ([event("oom", 1.0)], None),
        ([event("die", 1.0)], False),
        ([event("oom", 1.0), event("die", 1.1)], True),
        ([event("oom", 1.0), event("die", 12.0)], False),
        ([event("oom", 1.0), event("oom", 11.0), event("die", 12.0)], True),
        ([event("die", 1.0), event("oom", 1.1)], True),
    ],
)
def test_an_end_counts_as_out_of_memory_if_memory_was_short_just_before(
    events: list[Event], short: bool | None
) -> None:
    assert was_oom_killed(events, late=True) is short


def test_a_decisive_sign_ends_the_wait() -> None:
    def events(*actions: str, code: int = 1) -> Iterator[Event]:
        for seconds, action in enumerate(actions):
            yield {**event(action, seconds), "Actor": {"Attributes": {"exitCode": str(code)}}}
        pytest.fail("it waits for more")

    assert was_oom_killed(events("oom", "die"), late=True) is True
    assert was_oom_killed(events("die"), late=False) is False
    assert was_oom_killed(events("die", code=0), late=True) is False


ABOVE_V2 = "low 0\nhigh 0\nmax 41\noom 3\noom_kill {}\noom_group_kill 0\n"
ABOVE_V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"


@pytest.mark.parametrize(
    ("code", "before", "after", "killed"),
    [
        (137, ABOVE_V2.format(2), ABOVE_V2.format(3), True),
        (137, ABOVE_V2.format(2), ABOVE_V2.format(2), False),
        # Another container below that group may have been killed.
        (143, ABOVE_V2.format(2), ABOVE_V2.format(3), False),
        (1, ABOVE_V2.format(2), ABOVE_V2.format(3), False),
        # The count before is not known, or the group above is gone too.
        (137, "", ABOVE_V2.format(3), False),
        (137, ABOVE_V2.format(2), "", False),
        (137, ABOVE_V1, ABOVE_V1, False),
    ],
)
def test_with_v2_a_killed_container_is_found_by_the_count_of_the_group_above(
    code: int, before: str, after: str, killed: bool
) -> None:
    assert was_killed_below(code, before, after) is killed
