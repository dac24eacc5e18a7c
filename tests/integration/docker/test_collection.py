"""Collection on a real docker daemon with a small disk: what goes, what stays, what comes back."""

import contextlib
import io
import json
import logging
import os
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from executor.attempt.attempt import Attempt, image_spec
from executor.cleanup.collector import DiskCollector, Store
from executor.cleanup.docker_artifacts import ImageStore, VolumeStore, find_disk
from executor.cleanup.policy import Watermarks
from executor.cleanup.work_files import MirrorStore
from executor.container.volumes import DockerVolumes
from executor.docker.daemon import Daemon
from executor.limits.disk_usage import DiskUsage, measure
from executor.workspace import usage_locks
from executor.workspace.container_guard import LABEL
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder
from prevs import names
from tests.fakes.attempts import JumpingSignals
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.executor_process import CLUSTER, ExecutorProcess
from tests.fakes.samples import serving
from tests.integration.docker.attempts import APP, Agent

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk of its own: root"),
]

MB = 1024 * 1024
DISK = 300
"""MB of the daemon's disk, which is memory."""
INODES = 20000
"""Of that disk: the other tests use a far smaller share of them than of its bytes."""
IMAGE = 15
"""MB of an image, and once more of what its build leaves in the cache."""


@pytest.fixture(scope="module")
def dockerd() -> Iterator[OwnDockerd]:
    """A dockerd that keeps all on a file system of its own."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: a socket is made in it
    (folder / "data").mkdir()
    options = f"size={DISK}m,nr_inodes={INODES}"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "prevs-test", str(folder / "data")], check=True
    )
    made = OwnDockerd(folder)
    try:
        made.start()
        made.add_network(f"prevs-{CLUSTER}")
        yield made
        made.stop()
    finally:
        made.clear()
        shutil.rmtree(folder)


class World:
    """An agent with that daemon; commits that are built there, each used later than the last."""

    def __init__(self, dockerd: OwnDockerd, folder: Path, free_port: Callable[[], int]) -> None:
        self.folder = folder
        self.agent = Agent(dockerd.host, folder, free_port, CLUSTER)
        self.work = self.agent.config.dir
        self.repository = self.agent.repository
        self.daemon = Daemon({"DOCKER_HOST": dockerd.host})
        self.client = self.agent.client
        self.uses = UsageLocks(self.work)
        self.executors: list[ExecutorProcess] = []
        self._host = dockerd.host
        self._free_port = free_port
        disk = find_disk(self.daemon)
        assert disk is not None
        self.disk = disk

    def commit(self) -> str:
        """Return a commit whose image takes its share of the disk."""
        files: dict[str, str | bytes] = {"large": b"x" * (IMAGE * MB)}
        files["name"] = secrets.token_hex(8)
        return self.repository.commit_app(["COPY large name /", *serving("hello")], files)

    def run(self, sha: str, **environ: str) -> ExecutorProcess:
        """Return an executor in which the application of a commit runs."""
        number = len(self.executors)
        executor = ExecutorProcess(
            self.folder / f"sandbox-{number}", self.work, self._host, **environ
        )
        self.executors.append(executor)
        executor.launch(self.agent.order(sha, host_port=self._free_port()), str(number))
        executor.wait_for("TASK_RUNNING")
        return executor

    def end(self, executor: ExecutorProcess) -> None:
        executor.agent.kill(executor.task_id, None)
        assert executor.wait() == 0

    def have(self, sha: str) -> str:
        """Make the image of a commit that is no longer in use; return its tag."""
        assert self.agent.answer(sha) == "hello\n"
        return names.image_tag(APP, sha)

    def have_like(self, size: int = IMAGE * MB, number: int = 1) -> str:
        """Make an image like that of a commit, with files of that many bytes; return its tag."""
        sha = secrets.token_hex(20)
        attempt = Attempt("", "", CLUSTER, self.agent.order(sha))
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for index in range(number):
                file = tarfile.TarInfo(f"{sha}-{index}")
                file.size = size // number
                tar.addfile(file, io.BytesIO(b"x" * file.size))
        repository, _, version = attempt.image.rpartition(":")
        labels = image_spec(attempt).labels
        changes = [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
        self.client.import_image_from_data(
            data.getvalue(), repository=repository, tag=version, changes=changes
        )
        with self.uses.using(usage_locks.image(attempt.image)):
            return attempt.image

    def collect(
        self,
        watermarks: Watermarks,
        measure: Callable[[Path], DiskUsage] = measure,
        cluster: str = CLUSTER,
    ) -> None:
        stores: list[Store] = [
            ImageStore(self.daemon, cluster, self.uses, self.disk),
            VolumeStore(self.daemon, WorkFolder(self.work), self.uses, self.disk),
            MirrorStore(self.work, self.uses),
        ]
        collector = DiskCollector(self.work, watermarks, self.uses, lambda: stores, measure=measure)
        collector.make_room(JumpingSignals(), lambda: None)

    def fill(self) -> float:
        """Return how full the disk is, in percent."""
        disk = measure(self.disk)
        return 100 * disk.used / disk.total

    def collect_all(self, cluster: str = CLUSTER) -> None:
        """Collect with marks that make everything too much."""
        self.collect(Watermarks(85.0, 75.0), lambda _: DiskUsage(1, 1), cluster)

    def import_image(self, name: str) -> str:
        """Make a foreign image; return its tag."""
        self.client.import_image_from_data(b"\0" * 10240, repository=name)
        return f"{name}:latest"

    def mirrors(self) -> list[Path]:
        return list((self.work / "mirrors").iterdir())

    def volumes(self) -> set[str]:
        found: Mapping[str, Any] = self.client.volumes()
        return {volume["Name"] for volume in found["Volumes"] or ()}

    def tags(self) -> set[str]:
        return {tag for image in self.client.images() for tag in image["RepoTags"] or ()}

    def clear(self) -> None:
        for executor in self.executors:
            executor.clear()
        for container in self.client.containers(all=True):
            self.client.remove_container(container["Id"], force=True, v=True)
        for tag in self.tags():
            self.client.remove_image(tag, force=True)
        for volume in self.volumes():
            self.client.remove_volume(volume)
        self.client.prune_builds(all=True)


@pytest.fixture
def world(dockerd: OwnDockerd, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    made = World(dockerd, tmp_path, free_port)
    with contextlib.ExitStack() as stack:
        stack.callback(made.clear)
        yield made


def test_a_full_disk_loses_the_least_recently_used_and_what_runs_stays(world: World) -> None:
    oldest, again, once = (world.commit() for _ in range(3))
    running = world.run(oldest)
    assert len(world.mirrors()) == 1
    kept, lost = world.have(again), world.have(once)
    assert world.have(again) == kept
    before, full = measure(world.disk).used, world.fill()
    # Less than the size of an image: one goes, and not the one that was used again.
    world.collect(Watermarks(full - 1, full - 80 * IMAGE / DISK))
    assert world.fill() < full - 80 * IMAGE / DISK
    assert world.tags() == {names.image_tag(APP, oldest), kept}
    world.collect_all()
    assert world.tags() == {names.image_tag(APP, oldest)}
    # Two images and their build cache, which is freed when both are gone.
    assert before - measure(world.disk).used > 2.5 * IMAGE * MB
    assert world.mirrors() == []
    world.end(running)
    # What was collected is fetched and built again, and served.
    assert "== building" in world.run(once).stdout.read_text()
    assert lost in world.tags()
    assert len(world.mirrors()) == 1


def test_a_disk_short_of_inodes_loses_the_least_recently_used(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    tags = [world.have_like(0, INODES // 10) for _ in range(2)]
    disk = measure(world.disk)
    share = 100 * disk.inodes_used / disk.inodes
    assert share > 2 * world.fill()
    caplog.set_level(logging.INFO)
    # Fewer than an image takes: one goes.
    world.collect(Watermarks(share - 1, share - 8))
    assert measure(world.disk).inodes_used < disk.inodes_used - 0.08 * INODES
    assert world.tags() == {tags[1]}
    assert "of its inodes are used" in caplog.text


def test_an_executor_makes_room_before_it_builds(world: World) -> None:
    tags = [world.have_like() for _ in range(2)]
    watermarks = {"PREVS_DISK_HIGH": f"{world.fill() - 1:.1f}", "PREVS_DISK_LOW": "1"}
    executor = world.run(world.commit(), **watermarks)
    assert not world.tags() & set(tags)
    assert "the agent's disk is nearly full" in executor.stdout.read_text()


def test_files_of_others_stay(world: World) -> None:
    tag = world.have_like()
    world.collect_all(cluster="another")
    assert world.tags() == {tag}
    world.client.tag(tag, "somebody/else", "1")
    world.client.tag(world.import_image("base"), "base", "1")
    world.collect_all()
    assert world.tags() == {tag, "somebody/else:1", "base:1", "base:latest"}


def test_an_image_that_an_attempt_is_about_to_run_stays(world: World) -> None:
    tag = world.have_like()
    starting = UsageLocks(world.work)
    starting.hold(usage_locks.image(tag))
    world.collect_all()
    assert world.tags() == {tag}
    starting.release()
    world.collect_all()
    assert world.tags() == set()


def test_an_untagged_image_goes_once_no_build_can_be_making_it(
    world: World,
) -> None:
    tag = world.have_like()
    (image,) = world.client.images(tag)
    repository, version = tag.split(":")
    world.client.tag(world.import_image("other"), repository, version)
    assert world.client.images(filters={"dangling": True})
    world.collect_all()
    left = [found["Id"] for found in world.client.images(filters={"dangling": True})]
    assert left == [image["Id"]]  # it is as young as this test


def test_volumes_go_last_and_their_hooks_run_again(world: World) -> None:
    folder = WorkFolder(world.work)
    uses = UsageLocks(world.work)
    volumes = DockerVolumes(world.daemon, folder, uses)
    hooks = [["migrate"]]
    made = volumes.have(APP, "1" * 40, ["/data"], {"prevs.app": APP})
    volumes.keep_prepared(made, hooks)
    world.client.create_volume("anothers", labels={LABEL: "another-folder", "prevs.app": APP})
    world.collect_all()
    assert world.volumes() == {"anothers", made[0].name}  # in use
    assert volumes.have(APP, "1" * 40, ["/data"], {}) == made
    assert volumes.prepared(made, hooks)
    uses.release()
    world.collect_all()
    assert world.volumes() == {"anothers"}
    again = volumes.have(APP, "1" * 40, ["/data"], {})
    assert again[0].name == made[0].name
    assert not volumes.prepared(again, hooks)


def test_a_volume_in_use_by_a_container_stays(world: World) -> None:
    uses = UsageLocks(world.work)
    (volume,) = DockerVolumes(world.daemon, WorkFolder(world.work), uses).have(
        APP, "2" * 40, ["/x"], {}
    )
    uses.release()
    image = world.import_image("holder")
    limits = world.client.create_host_config(binds=[f"{volume.name}:/x"])
    world.client.create_container(image, "true", host_config=limits)
    world.collect_all()
    assert world.volumes() == {volume.name}
