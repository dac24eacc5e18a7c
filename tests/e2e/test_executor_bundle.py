"""What runs a preview comes from the framework: its agent's Python has nothing of ours."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from prevs.environment import read_environment
from tests.e2e.conftest import Api, Cluster, Hello

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def executors(task_id: str) -> list[Path]:
    """Return the executors of a task that run, as folders of /proc."""
    task = f"MESOS_EXECUTOR_ID={task_id}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"prevs-executor.pyz" in words and task in read_environment(process):
                found.append(process)
        except OSError:
            continue
    return found


def test_an_agent_with_nothing_of_ours_installed_runs_previews(
    cluster: Cluster, api: Api, hello: Hello, visit: Callable[..., requests.Response]
) -> None:
    assert visit("main").text.strip() == hello.page("main")
    process, *_ = executors(api.preview("hello", hello.commit("main"))["task_id"])
    words = (process / "cmdline").read_bytes().decode().split("\0")
    digest = words[words.index("prevs-executor.pyz") + 1]
    environ = dict(entry.decode().split("=", 1) for entry in read_environment(process) if entry)
    assert "PYTHONPATH" not in environ

    python = shutil.which(words[0], path=environ["PATH"])
    assert python is not None
    for package in ("executor", "docker"):
        tried = [python, "-I", "-S", "-c", f"import {package}"]
        ran = subprocess.run(tried, check=False, capture_output=True, text=True)
        assert "ModuleNotFoundError" in ran.stderr

    # It runs the file that the framework serves to anybody, and leaves no copy.
    address = f"{cluster.api}/v1/executor/{digest}.pyz"
    assert requests.head(address, timeout=30).status_code == 200
    home = Path(environ["PREVS_EXECUTOR_DIR"]) / "bundles" / digest
    assert (home / "executor" / "__main__.py").exists()
    assert not (Path(environ["MESOS_SANDBOX"]) / "prevs-executor.pyz").exists()
