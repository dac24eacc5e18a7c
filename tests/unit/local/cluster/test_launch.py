"""What runs in a folder is read from processes that live, not from old records."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.cluster import code, launch
from local.cluster.supervisor import only_one
from local.parts.processes import MARK
from local.settings import Settings, prepare

READY = {"name": "framework", "state": "ready", "problem": ""}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return prepare(tmp_path, {})


def write(settings: Settings, **status: Any) -> None:
    settings.status_file.write_text(json.dumps({"supervisor": os.getpid(), **status}))


def find_dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_record_of_a_supervisor_that_has_ended_says_nothing(settings: Settings) -> None:
    write(settings, up=True, parts=[READY | {"pid": os.getpid()}])
    assert not launch.is_up(settings)
    assert launch.read_status(settings) == {}
    with only_one(settings):
        assert launch.is_up(settings)
        settings.status_file.write_text(json.dumps({"supervisor": 1, "up": True}))
        assert launch.read_status(settings) == {}, "the new one has written none yet"


def test_it_is_not_up_if_the_process_of_a_part_has_ended(settings: Settings) -> None:
    with only_one(settings):
        write(settings, up=True, parts=[READY | {"pid": find_dead_pid()}])
        assert not launch.is_up(settings)


def test_what_a_killed_supervisor_left_is_named_by_its_part_or_program(settings: Settings) -> None:
    environ = {**os.environ, MARK: settings.cluster}
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    part, other = (subprocess.Popen(command, env=environ, stdin=subprocess.PIPE) for _ in range(2))
    try:
        write(settings, up=True, parts=[READY | {"pid": part.pid}])
        found = {one.pid: one.name for one in launch.find_left(settings)}
        assert found == {part.pid: "framework", other.pid: Path(sys.executable).name}
    finally:
        for process in (part, other):
            process.communicate()
    assert launch.find_left(settings) == []


def test_other_code_than_what_runs_is_named_with_the_next_step(settings: Settings) -> None:
    assert launch.judge_code(settings) is None, "nothing runs"
    with only_one(settings):
        write(settings, code=code.digest(), checkout=str(code.CHECKOUT))
        assert launch.judge_code(settings) is None
        for status, what in (
            ({"code": "other", "checkout": "/srv/other"}, "another version, from /srv/other."),
            ({"code": "other", "checkout": str(code.CHECKOUT)}, "an earlier state of "),
        ):
            write(settings, **status)
            difference = launch.judge_code(settings)
            assert difference is not None
            assert difference.startswith(f"What runs is {what}")
            assert "`prevs local down` and then `prevs local up`" in difference


def test_the_id_of_the_code_changes_with_each_file_and_not_with_what_python_writes(
    tmp_path: Path,
) -> None:
    shutil.copytree(code.CHECKOUT / "prevs", tmp_path / "prevs")
    before = code.digest(tmp_path)
    cache = tmp_path / "prevs" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "new.pyc").write_bytes(b"x")
    assert code.digest(tmp_path) == before
    (tmp_path / "prevs" / "new.py").write_text("")
    assert code.digest(tmp_path) != before
