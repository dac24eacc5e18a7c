"""What a step of a build may use of its agent, with real control groups."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.builds.build_group import ROOT, CgroupTree, held
from executor.errors import BuildFailed
from executor.limits import cgroup
from executor.limits.confinement import Confinement
from executor.workspace.watchdog import MARK
from tests.fakes.samples import remove_image
from tests.integration.docker.builds import TASK, World, making
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes control groups: root"),
]

TREE = CgroupTree()
NAME = f"{TASK}.slice"
OWN = Confinement(build_group=f"/{NAME}")
UNLIMITED = f"it has no control group /{NAME} with limits"
MANY = "RUN i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; echo $i of {}"
HUNGRY = Confinement(build_memory=64)
TAKES_ALL = "RUN echo {}; tail /dev/zero"
SHORT = "The build ran out of memory: all builds of this app together may use 64 MB"
BOMB = (
    """RUN echo {}; mkfifo /go; echo 'trap "read -t 0.01 x <>/go; exec sh /bomb" EXIT; """
    """while :; do read x </go & done' > /bomb; sh /bomb 2> /dev/null"""
)
"""It goes on where a shell would end: at the first fork that is refused. Its children only wait."""


@pytest.fixture
def buildkit(docker_host: str, builds_network: None, tmp_path: Path) -> Iterator[World]:
    with making("buildkit", docker_host, tmp_path) as made:
        yield made


def copies() -> list[Path]:
    """Return the group and its children, the deepest first."""
    tops = [top / NAME for top in (ROOT, *ROOT.iterdir()) if (top / NAME).is_dir()]
    return sorted((folder for top in tops for folder in (top, *top.rglob("*/"))), reverse=True)


def is_removed() -> bool:
    """Remove the rest of the group; return whether all of it is gone.

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
    """A control group of an operator, in which there may be 100 processes."""
    folder = TREE.folder("pids", NAME)
    folder.mkdir()
    try:
        (folder / "pids.max").write_text("100")
        yield folder
    finally:
        wait_until(is_removed)


@pytest.fixture
def own(world: World) -> str:
    """The group of the builds of this world's app, which no other run has."""
    if world.builder == "classic" and not cgroup.accepts(world.client.info()):
        pytest.skip("with Docker's driver systemd the classic builder takes no group of ours")
    return cgroup.app_group("", world.app)


def mark() -> str:
    return os.urandom(4).hex()


def a_length() -> str:
    """Return seconds that no other process sleeps for: more than a build may take."""
    return f"600.{int(mark(), 16)}"


def sleepers(seconds: str) -> Iterator[Path]:
    """Yield the processes that sleep for that long."""
    command = f"sleep {seconds}\0".encode().replace(b" ", b"\0")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cmdline").read_bytes().endswith(command):
                yield process


def wake(seconds: str) -> None:
    """End the sleep of a step, which goes on then."""
    for process in sleepers(seconds):
        os.kill(int(process.name), signal.SIGKILL)


def watch(name: str, step: str) -> list[str]:
    """Return a list that gets the score of a process of a step in a group; then the step goes on.

    The step sleeps until then.
    """
    seen: list[str] = []

    def look() -> bool:
        for process in sleepers(step):
            with contextlib.suppress(OSError):
                adjustment = (process / "oom_score_adj").read_text().strip()
                if name in (process / "cgroup").read_text() and adjustment > "0":
                    seen.append(adjustment)
        return bool(seen)

    def look_on() -> None:
        wait_until(look)
        wake(step)

    threading.Thread(target=look_on, daemon=True).start()
    return seen


def test_a_step_is_in_a_group_of_its_own_and_is_killed_before_others(
    world: World, own: str
) -> None:
    length = a_length()
    seen = watch(own, length)
    world.build(f"RUN sleep {length}; echo woken")
    assert seen[0] == "700"
    assert world.log.headers == []
    # With the last build nothing is left of it.
    assert [copy for copy in TREE.copies(own) if copy.exists()] == []


def test_a_build_that_takes_all_memory_fails_for_it_and_no_other_build_suffers(
    world: World, own: str, docker_host: str, tmp_path: Path
) -> None:
    (tmp_path / "beside").mkdir()
    with making(world.builder, docker_host, tmp_path / "beside") as beside:
        beside.restart(HUNGRY)
        beside.app = f"{TASK}-beside"
        failed: list[BaseException] = []
        length = a_length()

        def build() -> None:
            try:
                beside.build(f"RUN sleep {length}; echo built > /what")
            except BuildFailed as exc:
                failed.append(exc)

        builds = threading.Thread(target=build)
        builds.start()
        wait_until(lambda: list(sleepers(length)))
        world.restart(HUNGRY)
        with pytest.raises(BuildFailed) as caught:
            world.build(TAKES_ALL.format(mark()))
        wake(length)
        builds.join()
    assert str(caught.value).startswith(SHORT)
    assert "of the Dockerfile failed (exit code 137" in str(caught.value)
    assert caught.value.exit_code == 137
    assert [line for line in world.log.headers if line.startswith(SHORT)]
    assert failed == []
    world.build("RUN echo built > /what")
    assert world.read("/what") == "built\n"


def test_a_step_whose_child_was_killed_for_memory_fails_with_that_reason(
    world: World, own: str
) -> None:
    world.restart(HUNGRY)
    with pytest.raises(BuildFailed) as caught:
        world.build(f"RUN echo {mark()}; tail /dev/zero || exit 3")
    assert str(caught.value).startswith(SHORT)
    assert caught.value.exit_code == 3


def test_a_step_that_cannot_begin_in_its_group_is_not_the_agents_fault(
    world: World, own: str
) -> None:
    world.restart(Confinement(build_memory=1))
    with pytest.raises(BuildFailed, match=r"^The build ran out of memory: all builds"):
        world.build(f"RUN echo {mark()}")


FILL = """
import _thread, sys, time
with open(sys.argv[1], "w") as file:
    file.write("0")
_thread.stack_size(65536)
try:
    while True:
        _thread.start_new_thread(time.sleep, (300,))
except RuntimeError:
    print("full", flush=True)
time.sleep(300)
"""
"""To a control group, each thread is a process."""


def test_a_step_that_other_builds_of_its_app_keep_from_beginning_is_not_the_agents_fault(
    world: World, own: str
) -> None:
    of_app = cgroup.Budget(1000, 2048)
    with held(TREE, own, cgroup.Budget(2000, 4096), of_app):
        folder = TREE.folder("pids", own)
        begun = subprocess.Popen(
            [sys.executable, "-c", FILL, str(folder / "cgroup.procs")],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            assert begun.stdout is not None
            assert begun.stdout.readline() == b"full\n"
            with pytest.raises(BuildFailed, match=r"^The build used all 2,048 processes that the"):
                world.build(f"RUN echo {mark()}")
        finally:
            os.killpg(begun.pid, signal.SIGKILL)
            begun.communicate()
            wait_until(lambda: (folder / "pids.current").read_text() == "0\n")


def test_a_step_that_fails_for_another_reason_is_not_blamed_on_memory(
    world: World, own: str
) -> None:
    world.restart(HUNGRY)
    with pytest.raises(BuildFailed) as caught:
        world.build(f"RUN echo {mark()}; dd if=/dev/zero of=/big bs=1M count=100; exit 137")
    assert str(caught.value).startswith("Step ")


@pytest.mark.parametrize(
    "world", ["buildkit", pytest.param("classic", marks=pytest.mark.night)], indirect=True
)
def test_a_fork_bomb_is_ended_with_its_build(world: World, own: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        world.build(BOMB.format(mark()), limit=120.0)
    assert str(caught.value).startswith(
        "The build used all 2,048 processes that the builds of this app may have together, and "
        "was stopped. Step "
    )
    wait_until(lambda: not TREE.folder("pids", own).exists())
    world.build("RUN echo built > /what")
    assert world.read("/what") == "built\n"


def test_an_operators_group_is_used_instead_of_one_of_ours(buildkit: World, group: Path) -> None:
    buildkit.restart(OWN)
    with pytest.raises(BuildFailed, match="Step 3/3 of the Dockerfile failed") as caught:
        buildkit.build(MANY.format(mark()))
    assert str(caught.value).startswith(
        f"The build used all processes that its group /{NAME} may have. Step "
    )
    assert b"can't fork" in buildkit.log.data
    wait_until(lambda: (group / "pids.current").read_text() == "0\n")
    buildkit.build("RUN echo built > /what")
    assert buildkit.read("/what") == "built\n"


def test_a_missing_group_is_reported_and_not_made_without_limits(buildkit: World) -> None:
    buildkit.restart(OWN)
    buildkit.build(f"RUN echo {mark()}")
    assert f"this agent does not limit builds: {UNLIMITED}" in buildkit.log.headers
    assert copies() == []


def test_a_group_without_limits_is_reported_too(buildkit: World, group: Path) -> None:
    buildkit.restart(OWN)
    buildkit.build(f"RUN echo {mark()}")
    assert buildkit.log.headers == []
    (group / "pids.max").write_text("max")
    buildkit.build(f"RUN echo {mark()}")
    assert buildkit.log.headers == [f"this agent does not limit builds: {UNLIMITED}"]


FILLS = "RUN echo {}; dd if=/dev/zero of=/big bs=1M count=400; echo has filled it; sleep 2"
LITTLE = Confinement(build_disk=64)


@pytest.fixture
def little(world: World, own: str) -> World:
    """A world whose builds may write 64 MB, which is known of layers of overlay2 alone."""
    if world.client.info()["Driver"] != "overlay2":
        pytest.skip("only overlay2 tells which layer a step writes")
    world.restart(LITTLE)
    return world


def test_a_build_that_fills_the_disk_is_ended_at_its_limit(little: World) -> None:
    with pytest.raises(BuildFailed, match=r"wrote more than 64 MB to the agent's disk") as caught:
        little.build(FILLS.format(mark()), limit=120)
    assert "PREVS_BUILD_DISK" in str(caught.value)
    assert "memory" not in str(caught.value)
    assert f"== {str(caught.value).split('(')[0]}" in f"== {little.log.headers[-1]}"


def test_what_all_steps_of_a_build_write_counts_together(little: World) -> None:
    part = "RUN echo {}; dd if=/dev/zero of=/part{} bs=1M count=40; sleep 5"
    steps = [part.format(mark(), number) for number in range(3)]
    with pytest.raises(BuildFailed, match=r"wrote more than 64 MB") as caught:
        little.build(*steps, limit=120)
    assert "/part0" not in str(caught.value), "one of them alone is not too much"


def test_another_build_of_the_app_is_not_ended_with_it(
    little: World, docker_host: str, tmp_path: Path
) -> None:
    if little.builder == "classic":
        pytest.skip("the steps of two builds cannot be told apart")
    folder, failed = tmp_path / "other", []
    folder.mkdir()
    with making("buildkit", docker_host, folder) as other:
        other.app = little.app
        other.environ[MARK] = "0" * 16
        other.restart(LITTLE)

        def build() -> None:
            try:
                other.build(f"RUN echo {mark()}; sleep 6", limit=120, tag=f"{TASK}:other")
            except BuildFailed as exc:
                failed.append(exc)

        thread = threading.Thread(target=build)
        thread.start()
        with pytest.raises(BuildFailed, match="wrote more than 64 MB"):
            little.build(FILLS.format(mark()), limit=120)
        thread.join()
        remove_image(other.client, f"{TASK}:other")
    assert failed == []
