"""executor/builds/build_watch.py and build_limits.py: how the counters of a group of
version 2 are judged.

Files stand for those of the kernel; tests/integration/docker has real groups.
"""

from pathlib import Path

import pytest

from executor.builds.build_group import CgroupTree
from executor.builds.build_limits import BuildLimits
from executor.builds.build_watch import BuildWatch, find_needless
from executor.limits.cgroup import Budget

GROUP = "/prevs-builds/hello"
STEP = "buildkit/0123"
QUIET = "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n"
OWN_FULL = "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n"
ALL_FULL = "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n"
APP = Budget(64, 2048)


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A group in which something was killed before the build began."""
    (tmp_path / "cgroup.controllers").write_text("memory pids\n")
    folder = tmp_path / "prevs-builds/hello"
    (folder / STEP).mkdir(parents=True)
    (folder / "memory.events").write_text(QUIET)
    (folder / "pids.max").write_text("2048\n")
    return folder


def shortage_of(group: Path, budget: Budget | None, code: int | None, **files: str) -> str:
    """Return the shortage of a build that failed while these files changed."""
    with BuildWatch(CgroupTree(group.parents[1]), GROUP, ends=False).watching() as watch:
        for name, text in files.items():
            (group / name.replace("__", "/").replace("_", ".")).write_text(text)
        limits = BuildLimits(GROUP, watch=watch, budget=budget)
        limits.end()
        return limits.shortage(code)


@pytest.mark.parametrize(
    ("events", "budget", "code", "sentence"),
    [
        (QUIET, APP, 137, ""),
        (OWN_FULL, APP, 2, "all builds of this app together may use 64 MB"),
        (ALL_FULL, APP, 137, "none is left for all builds of an agent."),
        # Another app's step was killed there.
        (ALL_FULL, APP, 2, ""),
        (OWN_FULL, None, 137, f"none is left for its control group {GROUP}."),
        (OWN_FULL, None, 2, ""),
    ],
)
def test_only_the_build_that_ran_out_of_memory_fails_for_it(
    group: Path, events: str, budget: Budget | None, code: int, sentence: str
) -> None:
    message = shortage_of(group, budget, code, memory_events=events)
    assert bool(message) == bool(sentence)
    assert sentence in message


@pytest.mark.parametrize(
    ("files", "is_reported"),
    [
        ({"pids_peak": "2047\n"}, False),
        ({"pids_peak": "2048\n"}, True),
        ({"pids_peak": "2049\n"}, True),
        # Older kernels count it in the step's own group alone.
        ({"buildkit__0123__pids_events": "max 3\n"}, True),
        ({"buildkit__0123__pids_events": "max 0\n"}, False),
    ],
)
def test_refused_forks_are_reported(group: Path, files: dict[str, str], is_reported: bool) -> None:
    (group / STEP.replace("0123", "")).mkdir(exist_ok=True)
    message = shortage_of(group, APP, 2, **files)
    assert ("2,048 processes" in message) is is_reported


def test_without_a_group_no_shortage_is_reported() -> None:
    assert BuildLimits("", "no root").shortage(137) == ""


STATUS = "Name:\t{}\nUmask:\t0022\nState:\tR (running)\nCapEff:\t{}\nCapBnd:\t{}\nSeccomp:\t2\n"
DOCKERS, OURS, ALL = "00000000a80425fb", "00000000800405fb", "000001ffffffffff"


@pytest.mark.parametrize(
    ("name", "bound", "needless"),
    [
        ("apt-get", DOCKERS, ["CAP_NET_RAW", "CAP_MKNOD"]),
        ("apt-get", OURS, []),
        ("runc:[2:INIT]", ALL, None),
        ("runc", ALL, None),
    ],
)
def test_a_step_is_judged_by_its_bounding_set_once_runc_has_started_it(
    name: str, bound: str, needless: list[str] | None
) -> None:
    assert find_needless(STATUS.format(name, ALL, bound)) == needless


def test_what_has_ended_is_not_judged(group: Path) -> None:
    assert find_needless("") is None
    with BuildWatch(CgroupTree(group.parents[1]), GROUP, ends=False).watching() as watch:
        limits = BuildLimits(GROUP, watch=watch)
        limits.end()
    assert limits.privileges() is None
    watch.needless = []
    assert limits.privileges() == ""
    watch.needless = ["CAP_NET_RAW", "CAP_MKNOD"]
    assert limits.privileges() == "CAP_NET_RAW and CAP_MKNOD"
