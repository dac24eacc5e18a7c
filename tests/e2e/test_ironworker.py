"""A script with IronWorker's client for Python, on the whole system: it only has other settings."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Api
from tests.fakes.samples import SERVE, SampleRepository
from tests.published import PYTHON

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(900)]

SCRIPT = """
import json
from iron_worker import IronWorker

worker = IronWorker()
tasks = [worker.queue(code_name="CountWorker", payload={"number": n}) for n in range(100)]
for task in tasks:
    ended = worker.wait_for_task(task)
    print(json.dumps([task.id, ended.status, worker.stdout(task)]))
"""
SCHEDULE = """
import datetime, json, time
from iron_worker import IronWorker

worker = IronWorker()
soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3)
made = worker.queue(code_name="CountWorker", start_at=soon, run_times=1, priority=1)
while not (found := worker.tasks(complete=True)):
    time.sleep(1)
count = worker.task(made).run_count
print(json.dumps([found[0].id, found[0].code_name, worker.stdout(found[0]), count]))
"""
COMMAND = 'echo "$TASK_ID $2 $(cat "$PAYLOAD_FILE") $(cat "$6")"'
"""Prints what the worker's side of IronWorker's libraries reads: variables and arguments."""


RunScript = Callable[[str], list[Any]]


@pytest.fixture
def app(api: Api, tmp_path: Path) -> Iterator[str]:
    """An app whose main branch names the worker of the script."""
    made = SampleRepository(tmp_path / "work")
    command = json.dumps(["sh", "-c", COMMAND, "worker"])
    named = f"[jobs.countworker]\ncommand = {command}\nmem = 32\ncpus = 0.1\n"
    made.commit_app([f"CMD {SERVE}"], {".prevs.toml": named})
    order = {"name": "counting", "repository": str(made.folder)}
    api.add(order)
    yield "counting"
    api.call("DELETE", "/v1/apps/counting")


@pytest.fixture
def run_script(app: str, api: Api, tmp_path: Path) -> Iterator[RunScript]:
    """Run a script beside the settings that IronWorker's client reads; return its lines of JSON."""
    order = {"name": "ironworker", "scope": "use", "app": app}
    token = api.call("POST", "/v1/tokens", json=order).json()["token"]
    where = urlsplit(api.base)
    settings = {"protocol": "http", "host": where.hostname, "port": where.port, "token": token}
    (tmp_path / "iron.json").write_text(json.dumps({**settings, "project_id": app}))

    def run(script: str) -> list[Any]:
        done = subprocess.run(
            [sys.executable, "-c", script],
            check=False,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PYTHON)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return list(map(json.loads, done.stdout.splitlines()))

    yield run
    api.call("DELETE", "/v1/tokens/ironworker")


def test_a_hundred_tasks_of_the_script_all_end_with_their_own_payload(
    run_script: RunScript,
) -> None:
    ended = run_script(SCRIPT)
    assert [status for _, status, _ in ended] == ["complete"] * 100
    assert len({task_id for task_id, _, _ in ended}) == 100
    for number, (task_id, _, output) in enumerate(ended):
        payload = json.dumps({"number": number})
        assert output == f"{task_id} {task_id} {payload} {payload}\n"


def test_what_the_client_schedules_runs_at_its_time(run_script: RunScript) -> None:
    [[task_id, name, output, count]] = run_script(SCHEDULE)
    assert name == "countworker"
    assert f"{task_id} {task_id}" in output
    assert count == 1
