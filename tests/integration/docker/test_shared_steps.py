"""Two builds of one agent that share steps: BuildKit names these as the first one's Dockerfile."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from executor.builds.buildkit import find_command
from tests.fakes.samples import remove_image
from tests.integration.docker.builds import SECRET, TAG, World, making
from tests.waits import wait_until

pytestmark = pytest.mark.integration

THEIRS = f"{TAG}-theirs"
OURS = """\
FROM scratch
WORKDIR /app
COPY busybox /bin/busybox
RUN ["/bin/busybox", "echo", "of our own"]
"""
SECRET_PLAN = """\
FROM scratch AS secret-plan
WORKDIR /app
COPY secret-folder/busybox /bin/busybox
RUN ["/bin/busybox", "true"]
RUN ["/bin/busybox", "sleep", "9.{number}"]
FROM secret-plan
WORKDIR /other
"""
WITH_SECRET = """\
FROM scratch
COPY busybox /bin/busybox
RUN --mount=type=secret,id=TOKEN \\
    ["/bin/busybox", "sh", "-c", ": {number}; busybox cat /run/secrets/TOKEN; busybox sleep 9"]
"""


@pytest.fixture
def ours(docker_host: str, builds_network: None, tmp_path: Path) -> Iterator[World]:
    """An executor of the agent."""
    (tmp_path / "ours").mkdir()
    with making("buildkit", docker_host, tmp_path / "ours") as made:
        yield made


@pytest.fixture
def theirs(docker_host: str, builds_network: None, tmp_path: Path) -> Iterator[World]:
    """Another executor of the agent, whose build has another tag."""
    (tmp_path / "theirs").mkdir()
    with making("buildkit", docker_host, tmp_path / "theirs") as made:
        yield made
        remove_image(made.client, THEIRS)


def prepare(world: World, dockerfile: str, busybox: str = "busybox") -> None:
    """Give a world an app in its folder x."""
    number = int.from_bytes(os.urandom(3), "big")
    world.write("x/Dockerfile", dockerfile.format(number=number))
    world.write(f"x/{busybox}", "")
    shutil.copy(world.tree / "busybox", world.tree / "x" / busybox)


def begin(world: World, secrets: Mapping[str, str]) -> threading.Thread:
    """Build on a thread of its own."""
    building = threading.Thread(target=lambda: world.build(folder="x", tag=THEIRS, secrets=secrets))
    building.start()
    return building


def build_raw(world: World, host: str) -> str:
    """Return what BuildKit itself says of a build."""
    command = [*find_command(os.environ), "build", "--progress=plain", str(world.tree / "x")]
    environ = {**os.environ, "DOCKER_HOST": host}
    done = subprocess.run(command, env=environ, stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr


def test_the_log_has_the_steps_of_the_own_dockerfile_though_another_app_builds_them(
    ours: World, theirs: World, docker_host: str
) -> None:
    prepare(ours, OURS)
    theirs.app = "secret-app"
    prepare(theirs, SECRET_PLAN, "secret-folder/busybox")
    building = begin(theirs, {})
    wait_until(lambda: any("sleep" in step for step in theirs.steps))
    raw = build_raw(ours, docker_host)
    ours.build(folder="x")
    building.join()
    log = ours.log.data.decode()
    assert "[secret-plan 1/4] WORKDIR /app" in raw, "the two share steps"
    assert "secret" not in log
    assert "[1/3] WORKDIR /app" in log
    assert "of our own" in log


def test_a_build_without_a_secret_gets_no_output_of_one_that_has_it(
    ours: World, theirs: World
) -> None:
    prepare(theirs, WITH_SECRET)
    prepare(ours, "")
    shutil.copy(theirs.tree / "x/Dockerfile", ours.tree / "x/Dockerfile")
    building = begin(theirs, {"TOKEN": SECRET})
    wait_until(lambda: SECRET.encode() in theirs.log.data)
    ours.build(folder="x")
    building.join()
    assert SECRET.encode() not in ours.log.data
    ours.build(folder="x")
    assert SECRET.encode() not in ours.log.data
