"""The clients that IronWorker has published, against our API: from PyPI, and from npm."""

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from framework.access import Scope
from framework.jobs import conventions
from prevs.jobs import JobState
from prevs.records import Failure
from prevs.states import Cause
from prevs.work import PAYLOAD_FILE, Work
from tests.fakes.jobs_api import NOW, JobsApi
from tests.published import MODULES, PYTHON

pytestmark = pytest.mark.integration

IN_PYTHON = """
import json, os, sys
from iron_worker import IronWorker
where = json.loads(os.environ["WHERE"])
worker = IronWorker(protocol="http", project_id="hello", **where)
"""
CALLS_IN_PYTHON = f"""{IN_PYTHON}
show = lambda one: getattr(one, "__dict__", str(one))
for line in sys.stdin:
    name, given = json.loads(line)
    try:
        print(json.dumps(getattr(worker, name)(**given), default=show), flush=True)
    except Exception as error:
        print(json.dumps({{"error": error.response.json()["msg"]}}), flush=True)
"""
SCRIPT_IN_PYTHON = f"""{IN_PYTHON}
for number in range(100):
    worker.queue(code_name="report", payload={{"number": number}})
"""
IN_NODE = """
const { Client } = require("iron_worker");
const where = JSON.parse(process.env.WHERE);
const worker = new Client({ scheme: "http", project_id: "hello", ...where });
"""
CALLS_IN_NODE = f"""{IN_NODE}
require("readline").createInterface({{ input: process.stdin }}).on("line", (line) => {{
  const [name, ...given] = JSON.parse(line);
  worker[name](...given, (error, body) =>
    console.log(JSON.stringify(error ? {{ error: error.message }} : body)));
}});
"""
SCRIPT_IN_NODE = f"""{IN_NODE}
for (let number = 0; number < 100; number += 1)
  worker.tasksCreate("report", {{ number }}, {{}}, (error) => {{ if (error) throw error; }});
"""
WORKER_IN_PYTHON = """
import json
from iron_worker import IronWorker
print(json.dumps([IronWorker.task_id(), IronWorker.payload(), IronWorker.task_dir()]))
"""
WORKER_IN_NODE = """
const { params, taskId, taskDir } = require("iron_worker");
console.log(JSON.stringify([taskId(), params(), taskDir()]));
"""

Run = Callable[..., Any]


def program(
    language: str, text: str, environment: Mapping[str, str] | None = None
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the command and the environment of a program that uses IronWorker's library."""
    known = {"PYTHONPATH": str(PYTHON), "NODE_PATH": str(MODULES), "NODE_NO_WARNINGS": "1"}
    command = [sys.executable, "-c", text] if language == "python" else ["node", "-e", text, "--"]
    return command, {"PATH": os.environ["PATH"], **known, **(environment or {})}


def run_program(
    language: str, text: str, *args: str, environment: Mapping[str, str] | None = None
) -> str:
    """Return what a program prints that uses IronWorker's library."""
    command, environ = program(language, text, environment)
    done = subprocess.run(
        [*command, *args], check=False, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def calling(language: str, text: str, environment: Mapping[str, str]) -> Iterator[Run]:
    """Run a program that reads calls, a line each, and prints what each returns."""
    command, environ = program(language, text, environment)
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        calls, answers = process.stdin, process.stdout
        assert calls is not None
        assert answers is not None

        def call(*told: Any) -> Any:
            print(json.dumps(told), file=calls, flush=True)
            return json.loads(answers.readline())

        yield call
    assert process.returncode == 0


@pytest.fixture
def api() -> JobsApi:
    return JobsApi(ironworker=True)


@pytest.fixture
def where(api: JobsApi) -> Iterator[Mapping[str, str]]:
    """What clients are told in their settings: the address, and a token of the scope `use`."""
    _, token = api.tokens.add_token("shop", Scope.USE)
    with api.serving() as address:
        port = urlsplit(address).port
        yield {"WHERE": json.dumps({"host": "127.0.0.1", "port": port, "token": token})}


@pytest.fixture
def python(where: Mapping[str, str]) -> Iterator[Run]:
    """Call a method of the Python client."""
    with calling("python", CALLS_IN_PYTHON, where) as call:
        yield lambda name, **given: call(name, given)


@pytest.fixture
def node(where: Mapping[str, str]) -> Iterator[Run]:
    """Call a method of the client for Node."""
    with calling("node", CALLS_IN_NODE, where) as call:
        yield call


@pytest.mark.parametrize(
    ("language", "script"),
    [("python", SCRIPT_IN_PYTHON), ("node", SCRIPT_IN_NODE)],
    ids=["python", "node"],
)
def test_the_script_that_creates_a_hundred_tasks_runs_as_it_is(
    api: JobsApi, where: Mapping[str, str], language: str, script: str
) -> None:
    run_program(language, script, environment=where)
    assert len(api.known) == 100
    assert {(job.name, job.label, job.by) for job in api.known.values()} == {
        ("report", "main", "shop")
    }


def test_the_python_client_queues_watches_cancels_and_tries_again(
    api: JobsApi, python: Run
) -> None:
    queued = python("queue", code_name="report", payload={"n": 1}, priority=1, label="nightly")
    task = queued["id"]
    assert python("task", id=task)["status"] == "queued"
    assert "no log yet" in python("log", id=task)["error"]
    api.work("hello\n")
    python("setProgress", id=task, percent=40, msg="half way")
    shown = python("task", id=task)
    assert (shown["status"], shown["percent"], shown["label"]) == ("running", 40, "nightly")
    assert python("stdout", id=task) == "hello\n"
    assert "== running" in python("log", id=task)
    api.jobs.clock.seconds = NOW + 2
    api.succeed()
    shown = python("task", id=task)
    assert (shown["status"], shown["duration"]) == ("complete", 2000)
    assert shown["start_time"].startswith("2033-05-18T03:33:20")
    other = python("queue", code_name="import", payload="x")["id"]
    assert python("cancel", id=other) is True
    failed = python("queue", code_name="import", payload="y")["id"]
    api.build(job_id=failed)
    api.fail_job(Cause.APP_EXITED, "It exited with 3.", 3, failed)
    shown = python("task", id=failed)
    assert (shown["status"], api.known[failed].failure) == (
        "error",
        Failure(Cause.APP_EXITED, "It exited with 3.", 3),
    )
    again = python("retry", id=failed, delay=5)["tasks"][0]["id"]
    assert (api.known[again].name, api.known[again].has_payload) == ("import", True)
    listed = python("tasks", cancelled=1)
    assert [(one["id"], one["status"]) for one in listed] == [(other, "cancelled")]
    assert [one["name"] for one in python("codes")] == ["import", "report"]
    assert python("code", id="report")["latest_history_id"] == api.known[task].sha
    scheduled = python("queue", code_name="report", payload={"n": 1}, run_every=3600, run_times=3)[
        "id"
    ]
    shown = python("task", id=scheduled, scheduled=True)
    assert (shown["status"], shown["run_every"]) == ("scheduled", 3600)
    assert [one["id"] for one in python("tasks", scheduled=True)] == [scheduled]
    assert python("cancel", id=scheduled, scheduled=True) is True
    assert "[jobs.nobody]" in python("queue", code_name="nobody", payload="")["error"]


def test_the_node_client_queues_watches_cancels_and_tries_again(api: JobsApi, node: Run) -> None:
    task = node("tasksCreate", "report", {"n": 1}, {"priority": 1})["id"]
    assert node("tasksGet", task)["status"] == "queued"
    assert "no log yet" in node("tasksLog", task)["error"]
    api.work("hello\n")
    node("tasksSetProgress", task, {"percent": 40, "msg": "half way"})
    shown = node("tasksGet", task)
    assert (shown["status"], shown["percent"], shown["msg"]) == ("running", 40, "half way")
    assert node("tasksStdout", task) == "hello\n"
    api.succeed()
    assert node("tasksWaitFor", task, {})["status"] == "complete"
    others = [node("tasksCreate", "import", "x", {})["id"] for _ in range(2)]
    assert node("tasksCancel", others[0])["msg"] == "Cancelled"
    assert node("tasksCancelAll", "import")["msg"] == "Cancelled"
    assert {api.known[one].state for one in others} == {JobState.CANCELLED}
    assert {one["id"] for one in node("tasksList", {"cancelled": 1})} == set(others)
    assert [one["name"] for one in node("codesList", {})] == ["import", "report"]
    assert node("codesGet", "import")["name"] == "import"
    api.jobs.clock.seconds = NOW
    soon = {"start_at": "2034-01-01T00:00:00Z", "run_every": 3600, "priority": 1}
    scheduled = node("schedulesCreate", "report", {"n": 1}, soon)["id"]
    assert node("schedulesGet", scheduled)["next_start"] == "2034-01-01T00:00:00.000Z"
    assert [one["id"] for one in node("schedulesList", {})] == [scheduled]
    assert node("schedulesCancel", scheduled)["msg"] == "Cancelled"
    assert "[jobs.nobody]" in node("tasksCreate", "nobody", "", {})["error"]
    assert "encryption" in node("tasksCreate", "report", "", {"encryption": "x"})["error"]


@pytest.mark.parametrize("by", ["arguments", "variables"])
@pytest.mark.parametrize(
    ("language", "program"),
    [("python", WORKER_IN_PYTHON), ("node", WORKER_IN_NODE)],
    ids=["python", "node"],
)
def test_a_worker_finds_its_task_and_its_payload(
    tmp_path: Path, language: str, program: str, by: str
) -> None:
    payload = base64.b64encode(b'{"n": 1}').decode()
    told = conventions.tell(Work("k4z7", (), 60.0, payload=payload), conventions.IRONWORKER)
    file = tmp_path / "payload"
    file.write_text('{"n": 1}')

    def place(text: str) -> str:
        return str(file) if text == PAYLOAD_FILE else text

    args = map(place, told.command) if by == "arguments" else ()
    variables = {name: place(one) for name, one in told.variables.items()}
    printed = run_program(
        language, program, *args, environment=variables if by == "variables" else None
    )
    assert json.loads(printed) == ["k4z7", {"n": 1}, "/run/prevs"]
