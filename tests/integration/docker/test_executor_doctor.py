"""The doctor of an agent's machine, out of the bundle, as an operator runs it there."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.serving import QuietHandler, serving

pytestmark = pytest.mark.integration

DEBIANS = "/usr/bin/python3"


class Seen(NamedTuple):
    """The doctor's findings."""

    status: int
    out: str
    err: str

    @property
    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {one["part"]: one for one in json.loads(self.out)}


def examine(bundle: Path, environ: Mapping[str, str], *arguments: str, python: str = "") -> Seen:
    done = subprocess.run(
        # Without this Python's packages: an agent has nothing of ours.
        [python or sys.executable, "-I", "-S", str(bundle), "doctor", *arguments],
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return Seen(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def environ(docker_host: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DOCKER_HOST": docker_host,
        "PREVS_EXECUTOR_DIR": str(tmp_path / "work"),
    }


@pytest.mark.parametrize("python", [sys.executable, DEBIANS])
def test_a_complete_machine_is_reported_as_it_is(
    bundle: Path, environ: dict[str, str], tmp_path: Path, python: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    seen = examine(bundle, {**environ, "TMPDIR": str(temporary)}, "--json", python=python)
    assert seen.status == 0, seen
    # Nothing is left but the folder.
    assert list(temporary.iterdir()) == list((tmp_path / "work").iterdir()) == []
    parts = seen.parts
    for part in ("python", "git", "git-lfs", "ssh", "docker", "buildx", "work folder"):
        assert parts[part]["level"] == "ok", parts[part]
    assert {"storage", "cgroup", "live-restore", "isolation", "images", "clock"} <= parts.keys()
    server = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    assert server.stdout.strip() in parts["docker"]["message"]


def test_people_get_lines_with_what_to_do(bundle: Path, environ: dict[str, str]) -> None:
    del environ["PREVS_EXECUTOR_DIR"]
    seen = examine(bundle, {**environ, "PYTHONIOENCODING": "ascii"})
    assert seen.status == 1
    assert "PREVS_EXECUTOR_DIR must be an absolute path" in seen.out
    assert "run this as the executors' user" in seen.out
    assert seen.err == ""


def test_a_machine_that_lacks_parts_has_them_reported(
    bundle: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    file = tmp_path / "file"
    file.touch()
    lacking = {
        "PATH": str(programs),
        "DOCKER_HOST": f"unix://{tmp_path}/nothing.sock",
        "PREVS_EXECUTOR_DIR": str(file / "work"),
    }
    seen = examine(bundle, lacking, "--json", "--framework", "http://127.0.0.1:1")
    assert seen.status == 1
    levels = {part: one["level"] for part, one in seen.parts.items()}
    expected = {"git": "wrong", "git-lfs": "warning", "ssh": "warning", "docker": "wrong"}
    assert expected.items() <= levels.items()
    assert levels["work folder"] == levels["framework"] == "wrong"
    assert "No such file" in seen.parts["docker"]["message"]
    # With git alone an agent builds repositories without LFS, by the classic builder.
    (programs / "git").symlink_to(shutil.which("git") or "")
    seen = examine(bundle, {**environ, "PATH": str(programs)}, "--json")
    levels = {part: one["level"] for part, one in seen.parts.items()}
    assert (seen.status, levels["git"], levels["buildx"]) == (0, "ok", "warning")


@pytest.fixture
def framework() -> Iterator[str]:
    """A server with a clock an hour ahead."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.answer()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int(time.time() + 3600))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_framework_is_reached_and_its_clock_compared(
    bundle: Path, environ: dict[str, str], framework: str
) -> None:
    parts = examine(bundle, environ, "--json", "--framework", f"{framework}/").parts
    assert (parts["framework"]["level"], parts["clock"]["level"]) == ("ok", "warning")
    seen = examine(bundle, environ, "--framework", "file:///etc/passwd")
    assert (seen.status, seen.out) == (2, "")
