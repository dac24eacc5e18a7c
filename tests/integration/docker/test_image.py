"""executor/builds/images.py on a real docker daemon, with BuildKit and with the classic builder."""

import os
import threading
from pathlib import Path

import pytest

from executor.builds.images import DockerImages
from executor.docker.daemon import Daemon
from executor.errors import BuildFailed, DockerUnavailable, ExecutorError
from executor.ports import Context, ImageSpec
from prevs.containers import BuildSettings
from tests.fakes.samples import DOCKERFILE
from tests.integration.docker.builds import SECRET, TAG, World
from tests.waits import wait_until

pytestmark = pytest.mark.integration


def test_an_image_has_its_labels_once_the_configured_builder_has_built_it(
    world: World,
) -> None:
    assert not world.images.exists(TAG)
    world.build("RUN echo built > /what")
    assert world.images.exists(TAG)
    assert world.run("cat /what") == "built\n"
    (found,) = world.client.images(filters={"label": f"prevs.app={world.app}"}, name=TAG)
    assert found["Labels"] == {"prevs.app": world.app}
    buildkit = b"[internal] load build definition" in world.log.data
    assert buildkit == (world.builder == "buildkit")


def test_the_output_of_a_step_is_in_the_log_while_it_runs(world: World) -> None:
    seen: list[bool] = []

    def watch() -> None:
        wait_until(lambda: b"first words" in world.log.data)
        seen.append(b"last words" not in world.log.data.replace(b"echo last words", b""))

    watcher = threading.Thread(target=watch)
    watcher.start()
    unique = os.urandom(4).hex()
    world.build(f"RUN echo {unique}", "RUN echo first words; sleep 3; echo last words")
    watcher.join()
    assert seen == [True]
    numbers = {"buildkit": "4/4", "classic": "5/6"}
    assert f"{numbers[world.builder]} RUN echo first words; sleep 3; echo last words" in world.steps


def test_a_step_that_fails_is_named_with_its_exit_code(world: World) -> None:
    with pytest.raises(BuildFailed) as caught:
        world.build("RUN echo out of luck; exit 7")
    assert caught.value.exit_code == 7
    # The classic builder counts FROM, and a step of its own for the labels.
    step = {"buildkit": "3/3", "classic": "4/5"}[world.builder]
    assert f"Step {step} of the Dockerfile failed (exit code 7)" in str(caught.value)
    assert "out of luck; exit 7" in str(caught.value)
    assert b"out of luck\n" in world.log.data
    assert not world.images.exists(TAG)


@pytest.mark.parametrize(
    ("line", "message"),
    [("COPY nothing-here /x", "nothing-here"), ("RUM echo", "(?i)unknown instruction: RUM")],
)
def test_an_impossible_line_of_a_dockerfile_is_reported(
    world: World, line: str, message: str
) -> None:
    with pytest.raises(BuildFailed, match=message):
        world.build(line)


def test_a_link_out_of_the_commit_shows_nothing_of_the_agent(world: World) -> None:
    secret = world.tree.parent / "secret"
    secret.mkdir()
    (secret / "file").write_text(SECRET)
    (world.tree / "link").symlink_to(secret / "file")
    (world.tree / "up").symlink_to("../secret")
    (world.tree / "absolute").symlink_to(secret)
    for source in ("link", "up", "up/file", "absolute", "absolute/file"):
        try:
            world.build(f"COPY {source} /got")
        except ExecutorError:
            continue
        found = world.run("cat /got /got/* 2>/dev/null; ls -l /got")
        assert SECRET not in found
    assert SECRET.encode() not in world.log.data


def test_a_missing_daemon_is_reported_as_such(world: World, tmp_path: Path) -> None:
    daemon = Daemon({"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    environ = {"PATH": os.environ["PATH"] if world.builder == "buildkit" else "/nowhere"}
    images = DockerImages(daemon, tmp_path, environ, world, signals=world.signals, log=world.log)
    with pytest.raises(DockerUnavailable):
        images.exists(TAG)
    (world.tree / "Dockerfile").write_text(DOCKERFILE)
    context = Context(world.tree, world.tree / "Dockerfile")
    with pytest.raises(DockerUnavailable):
        images.build(context, ImageSpec(TAG, {}), limit=30.0, at_step=world.steps.append)


def test_a_dockerfile_that_prevs_wrote_sees_the_commit_without_what_it_ignores(
    world: World,
) -> None:
    world.write("page", "of the commit\n")
    world.write("secret", "kept out\n")
    world.write(".dockerignore", "secret\n")
    (world.tree / "Dockerfile").write_text("FROM nothing-that-exists\n")
    recipe = BuildSettings(text=f"{DOCKERFILE}COPY . /src\nRUN ls /src > /what\n")
    world.build(folder=".", settings=recipe)
    assert {"page"} <= set(world.run("cat /what").split())
    assert "secret" not in world.run("cat /what").split()
