"""The check of a machine that may run a cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.cluster.supervisor import only_one
from local.console.checkup import Finding, judge_disk, look
from local.parts.processes import MARK
from local.settings import default_folder, prepare


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """An empty environment of a user; its DOCKER_HOST is an address where no dockerd can be."""
    nowhere = f"unix://{tmp_path}/docker.sock"
    return {"HOME": str(tmp_path), "PATH": str(tmp_path), "DOCKER_HOST": nowhere}


def levels(environ: Mapping[str, str], *, needed: bool) -> dict[str, Finding]:
    return {one.part: one for one in look(environ, needed=needed)}


def test_a_machine_without_a_cluster_is_checked_only_if_it_needs_one(
    environ: Mapping[str, str],
) -> None:
    assert look(environ, needed=False) == []
    seen = levels(environ, needed=True)
    assert (seen["local"].level, seen["git"].level) == ("skipped", "wrong")
    assert "prevs local up" in seen["local"].message
    assert {"docker", "disk"} <= seen.keys()
    assert all(one.advice for one in seen.values() if one.level == "wrong")


def test_each_part_that_is_not_up_is_reported_with_its_log(environ: Mapping[str, str]) -> None:
    settings = prepare(default_folder(environ), {})
    part = {"name": "proxy", "state": "waiting", "problem": "exited with status 1", "pid": None}
    up = {"name": "master", "state": "ready", "problem": "", "pid": os.getpid()}
    with only_one(settings):
        settings.status_file.write_text(
            json.dumps({"supervisor": os.getpid(), "parts": [up, part]})
        )
        seen = levels(environ, needed=False)
        assert "local: master" not in seen
        assert seen["local: proxy"].level == "wrong"
        assert "exited with status 1" in seen["local: proxy"].message
        assert "prevs local logs proxy" in seen["local: proxy"].advice
        settings.status_file.write_text(json.dumps({"supervisor": os.getpid(), "parts": [up]}))
        assert levels(environ, needed=False)["local"].level == "ok"
    assert levels(environ, needed=False)["local"].level == "skipped"


def test_processes_that_a_killed_supervisor_left_are_a_finding_with_the_next_step(
    environ: Mapping[str, str],
) -> None:
    settings = prepare(default_folder(environ), {})
    marked = {**os.environ, MARK: settings.cluster}
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, env=marked, stdin=subprocess.PIPE):
        found = levels(environ, needed=False)["local"]
    assert (found.level, "1 of its processes" in found.message) == ("wrong", True)
    assert "prevs local down" in found.advice


def test_settings_that_cannot_be_read_are_a_finding_with_the_next_step(
    environ: Mapping[str, str],
) -> None:
    settings = prepare(default_folder(environ), {})
    (settings.folder / "settings.json").write_text("{")
    [found] = look(environ, needed=False)
    assert found.level == "wrong"
    assert "settings.json" in found.advice


@pytest.mark.parametrize(("free", "level"), [(50.0, "ok"), (4.9, "warning"), (0.5, "wrong")])
def test_images_need_room_on_the_disk(free: float, level: str) -> None:
    found = judge_disk(Path("/images"), free)
    assert found.level == level
    assert bool(found.advice) is (level != "ok")
