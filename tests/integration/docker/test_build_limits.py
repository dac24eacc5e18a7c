"""What a step of a build may use of its agent, with BuildKit and with real control groups."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.confinement import Confinement
from executor.errors import BuildFailed
from tests.integration.docker.builds import TASK, World, making
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes control groups: root"),
]

ROOT = Path("/sys/fs/cgroup")
PIDS = ROOT / "pids" if (ROOT / "pids").is_dir() else ROOT
NAME = f"{TASK}.slice"
UNLIMITED = f"it has no control group /{NAME} with limits"
MANY = "RUN i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; echo $i of {}"


@pytest.fixture
def world(docker_host: str, tmp_path: Path) -> Iterator[World]:
    with making("buildkit", docker_host, tmp_path) as made:
        yield made


@pytest.fixture
def classic(docker_host: str, tmp_path: Path) -> Iterator[World]:
    with making("classic", docker_host, tmp_path) as made:
        yield made


def copies() -> list[Path]:
    """Return what there is of the group and below it, the deepest first."""
    tops = [top / NAME for top in (ROOT, *ROOT.iterdir()) if (top / NAME).is_dir()]
    return sorted((folder for top in tops for folder in (top, *top.rglob("*/"))), reverse=True)


def is_removed() -> bool:
    """Remove what there is of the group; tell whether all of it is gone.

    BuildKit removes groups at the same time, and one whose processes are still ending is busy.
    """
    with contextlib.suppress(OSError):
        for folder in copies():
            with contextlib.suppress(OSError):
                folder.rmdir()
        return copies() == []
    return False


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group in which there may be 100 processes."""
    (PIDS / NAME).mkdir()
    try:
        (PIDS / NAME / "pids.max").write_text("100")
        yield PIDS / NAME
    finally:
        wait_until(is_removed)


def test_a_step_has_no_more_processes_than_the_group_of_builds(world: World, group: Path) -> None:
    world.restart(Confinement(build_group=f"/{NAME}"))
    with pytest.raises(BuildFailed, match="Step 3/3 of the Dockerfile failed"):
        world.build(MANY.format(os.urandom(4).hex()))
    assert b"can't fork" in world.log.data
    wait_until(lambda: (group / "pids.current").read_text() == "0\n")
    world.build("RUN echo built > /what")
    assert world.run("cat /what") == "built\n"


def test_without_a_group_it_has(world: World, group: Path) -> None:
    mark = os.urandom(4).hex()
    world.build(MANY.format(mark))
    assert f"300 of {mark}".encode() in world.log.data


def test_a_group_that_is_missing_is_told_and_not_made_without_limits(world: World) -> None:
    world.restart(Confinement(build_group=f"/{NAME}"))
    world.build(f"RUN echo {os.urandom(4).hex()}")
    assert f"this agent does not limit builds: {UNLIMITED}" in world.log.headers
    assert copies() == []


def test_a_group_that_limits_nothing_is_told_too(world: World, group: Path) -> None:
    world.restart(Confinement(build_group=f"/{NAME}"))
    world.build(f"RUN echo {os.urandom(4).hex()}")
    assert world.log.headers == []
    (group / "pids.max").write_text("max")
    world.build(f"RUN echo {os.urandom(4).hex()}")
    assert world.log.headers == [f"this agent does not limit builds: {UNLIMITED}"]


def test_the_classic_builder_says_that_it_limits_nothing(classic: World, group: Path) -> None:
    classic.restart(Confinement(build_group=f"/{NAME}"))
    classic.build(f"RUN echo {os.urandom(4).hex()}")
    assert [line for line in classic.log.headers if "limit" in line] == [
        "this agent does not limit builds: it has no BuildKit, which puts them in a control group"
    ]
