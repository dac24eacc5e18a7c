"""executor/builds/build_group.py: the files it writes, in folders that stand for control groups.

The kernel makes the files of a group; here they exist before. tests/integration/docker uses the
machine's version of control groups.
"""

from pathlib import Path

import pytest

from executor.builds.build_group import CgroupTree, GroupRefused, held
from executor.limits.cgroup import BUILDS, Budget

GROUP = f"{BUILDS}/hello"
ALL, APP = Budget(6000, 4096), Budget(4000, 2048)
V2 = ("memory.max", "memory.swap.max", "pids.max", "cgroup.subtree_control")
V1 = {"memory": ("memory.limit_in_bytes",), "pids": ("pids.max",), "cpu": ()}


def make(folder: Path, *files: str) -> None:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text("max\n" if name.endswith("max") else "")


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    """A machine with version 2, whose root enables only pids for the groups below it."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("pids\n")
    make(tmp_path / "prevs-builds", *V2)
    make(tmp_path / "prevs-builds/hello", *V2)
    return tmp_path


def test_with_v2_controllers_are_handed_down_and_limits_set(v2: Path) -> None:
    with held(CgroupTree(v2), GROUP, ALL, APP):
        assert (v2 / "cgroup.subtree_control").read_text() in ("+memory", "+cpu")
        top, group = v2 / "prevs-builds", v2 / "prevs-builds/hello"
        assert (top / "cgroup.subtree_control").read_text() == "+memory +pids"
        assert (top / "memory.max").read_text() == str(6000 * 2**20)
        assert (top / "pids.max").read_text() == "4096"
        assert (group / "memory.max").read_text() == str(4000 * 2**20)
        assert (group / "memory.swap.max").read_text() == "0"
        assert (group / "pids.max").read_text() == "2048"
        assert CgroupTree(v2).is_limited(GROUP)


def test_with_v1_each_controller_has_a_folder_of_its_own(tmp_path: Path) -> None:
    for controller, files in V1.items():
        make(tmp_path / controller / "prevs-builds")
        make(tmp_path / controller / "prevs-builds/hello")
        for name in files:
            (tmp_path / controller / "prevs-builds" / name).write_text("9223372036854771712\n")
            (tmp_path / controller / "prevs-builds/hello" / name).write_text("max\n")
    with held(CgroupTree(tmp_path), GROUP, ALL, APP):
        assert (tmp_path / "pids/prevs-builds/hello/pids.max").read_text() == "2048"
        limit = tmp_path / "memory/prevs-builds/hello/memory.limit_in_bytes"
        assert limit.read_text() == str(4000 * 2**20)
        assert CgroupTree(tmp_path).is_limited(GROUP)


def test_nothing_is_left_when_the_last_build_has_ended(tmp_path: Path) -> None:
    for controller in V1:
        # As an executor leaves it that was killed, of an app that is never built again.
        (tmp_path / controller / "prevs-builds/another/buildkit").mkdir(parents=True)
    tree = CgroupTree(tmp_path)
    # No kernel makes the files here: it reports that, and removes its folders.
    with pytest.raises(GroupRefused, match="no limits there"), held(tree, GROUP, ALL, APP):
        pass
    assert list(tmp_path.glob("*/*")) == []


def test_a_kernel_without_a_controller_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    assert CgroupTree(tmp_path).find_problem() == "the machine has no control groups for memory"
