"""executor/builds/build_disk.py: what a step writes, and when a build is over its limit."""

import json
import os
import shutil
from pathlib import Path

import pytest

from executor.builds.build_disk import BuildDisk, Layers, read_layers
from executor.limits.disk_schedule import MB
from executor.workspace.build_marks import mark_of

STORE = "/var/lib/docker/overlay2"
ROOT = (
    f"109 78 0:39 / / rw,relatime - overlay overlay rw,lowerdir={STORE}/l/AB:{STORE}/l/CD,"
    f"upperdir={STORE}/3oh8/diff,workdir={STORE}/3oh8/work"
)
CACHE = "128 109 254:0 /overlay2/o3wv/diff /cache rw,relatime master:3 - ext4 /dev/vda rw"
OTHERS = "110 109 0:42 / /proc rw - proc proc rw\n112 109 254:0 /x/hosts /etc/hosts ro - ext4 d rw"
MINE, OTHER = mark_of("01"), mark_of("02")


def test_the_layers_of_a_step_are_those_at_the_root_of_its_processes() -> None:
    below = [f"{STORE}/l/AB", f"{STORE}/l/CD"]
    assert read_layers(f"{ROOT}\n{OTHERS}\n") == Layers(f"{STORE}/3oh8/diff", [], below)


def test_a_cache_is_beside_the_layers_wherever_their_file_system_is_mounted() -> None:
    found = read_layers(f"{OTHERS}\n{ROOT}\n{CACHE}\n")
    assert found is not None
    assert found.caches == [f"{STORE}/o3wv/diff"]


@pytest.mark.parametrize("mounts", ["", OTHERS, ROOT.replace("overlay overlay", "btrfs x")])
def test_other_drivers_tell_no_layer(mounts: str) -> None:
    assert read_layers(mounts) is None


def test_a_path_with_a_space_is_read() -> None:
    found = read_layers(ROOT.replace("/var/lib", r"/my\040disk"))
    assert found is not None
    assert found.written == "/my disk/docker/overlay2/3oh8/diff"


class Store:
    """The folders of a Docker, and the one of a step's process in /proc."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.process = folder / "proc"
        self.process.mkdir()
        self.time = 0.0

    def add(self, name: str, size: int, made: float) -> str:
        layer = self.root / "overlay2" / name
        (layer / "diff").mkdir(parents=True)
        (layer / "diff" / "big").write_bytes(b"x" * size)
        (layer / "link").touch()
        os.utime(layer / "link", (made, made))
        return str(layer / "diff")

    def mount(self, upper: str, below: str = "", cache: str = "", mark: str = MINE) -> None:
        mounts = f"1 2 0:3 / / rw - overlay o rw,lowerdir={below},upperdir={upper}\n"
        mounts += f"4 1 0:5 {cache} /cache rw - ext4 d rw\n" if cache else ""
        (self.process / "mountinfo").write_text(mounts)
        asked = self.root / "buildkit/executor/step"
        asked.mkdir(parents=True, exist_ok=True)
        environment = ["PATH=/bin", f"no_proxy=localhost,{mark}"]
        (asked / "config.json").write_text(json.dumps({"process": {"env": environment}}))

    def now(self) -> float:
        self.time += 100
        return self.time


@pytest.fixture
def store(tmp_path: Path) -> Store:
    if os.geteuid() != 0:
        pytest.skip("only root may look into layers")
    return Store(tmp_path)


def disk(limit: int = 3) -> BuildDisk:
    return BuildDisk(limit, MINE, began=1000.0)


def test_all_steps_of_a_build_count_together_with_what_was_copied_between_them(
    store: Store,
) -> None:
    build = disk()
    first = store.add("first", 2 * MB, made=1001.0)
    store.mount(first, below=store.add("pulled" * 10 + "0123", 9 * MB, made=1001.0))
    assert build.takes(store.process, "step")
    assert not build.check(store.now)
    copied = store.add("copied", MB, made=1002.0)
    old = store.add("old", 9 * MB, made=900.0)
    store.mount(store.add("second", MB, made=1003.0), below=f"{copied}:{first}:{old}")
    assert build.takes(store.process, "step")
    assert build.check(store.now)
    assert build.is_over


def test_of_a_cache_only_what_the_build_adds_counts(store: Store) -> None:
    build = disk()
    cache = store.add("cache", 5 * MB, made=900.0)
    store.mount(store.add("step", MB, made=1001.0), cache=cache)
    assert build.takes(store.process, "step")
    assert not build.check(store.now)
    Path(cache, "more").write_bytes(b"x" * 3 * MB)
    assert build.check(store.now)


def test_a_new_cache_counts_in_full(store: Store) -> None:
    build = disk()
    store.mount(store.add("step", MB, made=1001.0), cache=store.add("c", 3 * MB, made=1001.0))
    assert build.takes(store.process, "step")
    assert build.check(store.now)


def test_a_step_is_of_the_build_that_asked_runc_for_it(store: Store) -> None:
    build = disk()
    store.mount(store.add("step", 9 * MB, made=1001.0), mark=OTHER)
    assert not build.takes(store.process, "step")
    assert not build.check(store.now)
    # The classic builder's steps tell nothing: they count for all builds of the app.
    assert build.takes(store.process, "container")
    assert build.check(store.now)


def test_a_layer_that_is_gone_counts_as_it_was_last(store: Store) -> None:
    build = disk()
    for name in ("first", "second"):
        layer = store.add(name, 2 * MB, made=1001.0)
        store.mount(layer)
        assert build.takes(store.process, "step")
        assert build.check(store.now) == (name == "second")
        shutil.rmtree(layer)


def test_a_process_that_has_ended_is_nobodys(store: Store) -> None:
    assert not disk().takes(store.root / "gone", "step")
