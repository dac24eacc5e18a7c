"""The Mesos of a local cluster is a real one: master, agents, containerizer, fetcher."""

import base64
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from local.mesos.installation import Installation
from local.mesos.parts import Address, Agent, agent_part, forget_executors, master_part
from local.parts import processes
from local.parts.part import ProcessPart, bring_up
from tests import times
from tests.free_ports import free_port
from tests.integration.local.mesos_local_framework import EXECUTOR, Scheduler
from tests.running_parts import running
from tests.serving import serving
from tests.waits import wait_until

pytestmark = pytest.mark.integration


class Pair:
    """A master and one agent of this test's own."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.folder = folder
        self.master = Address("127.0.0.1", free_port())
        self.agent = Address("127.0.0.1", free_port())
        environ = {"PATH": "/usr/bin:/bin"}
        self.described = Agent(
            name="agent-1",
            address=self.agent,
            resources="cpus:1;mem:256;disk:100;ports:[21000-21001]",
            folder=folder / "agent-1",
            executor_environ={"PATH": "/usr/bin:/bin", "GIVEN": "yes"},
        )
        forget_executors(self.described)
        log = folder / "log"
        self.master_part = master_part(
            installation, self.master, folder=folder / "master", environ=environ, log=log
        )
        self.agent_part = agent_part(
            installation,
            self.described,
            master=self.master,
            environ=environ,
            log=log,
            patience=times.PATIENCE,
        )

    @property
    def parts(self) -> tuple[ProcessPart, ProcessPart]:
        return self.master_part, self.agent_part

    def sandbox_file(self, name: str) -> Path | None:
        found = self.folder.glob(f"agent-1/**/executors/*/runs/latest/{name}")
        return next(found, None)

    def agent_id(self) -> str:
        [agent] = requests.get(f"http://{self.master}/slaves", timeout=30).json()["slaves"]
        return str(agent["id"])


@pytest.fixture
def pair(mesos_installation: Installation, tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(mesos_installation, tmp_path)
    with running(pair.parts):
        yield pair


@pytest.fixture
def scheduler(pair: Pair) -> Iterator[Scheduler]:
    scheduler = Scheduler(str(pair.master))
    yield scheduler
    with contextlib.suppress(requests.RequestException, AssertionError):
        scheduler.end()


def run_executor(pair: Pair, scheduler: Scheduler, name: str = "one") -> Mapping[str, str]:
    """Start a task with an executor that subscribes; return that executor's environment."""
    script = base64.b64encode(EXECUTOR.encode()).decode()
    code = f"import base64; exec(base64.b64decode('{script}'))"
    arguments = [sys.executable, "-c", code]
    command = {"shell": False, "value": sys.executable, "arguments": arguments}
    scheduler.launch(name, command)
    file = wait_until(lambda: pair.sandbox_file("launch"), "the executor gets its task")
    environ: Mapping[str, str] = json.loads(file.read_text())
    return environ


def test_an_executor_gets_its_task_and_the_configured_environment(
    pair: Pair, scheduler: Scheduler
) -> None:
    environ = run_executor(pair, scheduler)
    assert environ["GIVEN"] == "yes"
    assert environ["MESOS_EXECUTOR_ID"] == "one"
    assert "MESOS_LOCAL_LIB" not in environ
    assert "LD_LIBRARY_PATH" not in environ


def test_stopping_an_agent_shuts_its_executors_down_in_order(
    pair: Pair, scheduler: Scheduler
) -> None:
    run_executor(pair, scheduler)
    begun = time.monotonic()
    pair.agent_part.stop()
    assert time.monotonic() - begun < 15  # its grace, after which it is killed
    assert pair.sandbox_file("shutdown"), "the executor got the shutdown"
    assert processes.having("MESOS_SLAVE_PID", f"slave(1)@{pair.agent}") == []


def test_an_agent_without_its_executors_has_its_old_id_and_reports_their_tasks_as_gone(
    pair: Pair, scheduler: Scheduler
) -> None:
    run_executor(pair, scheduler)
    first = pair.agent_id()
    for part in reversed(pair.parts):
        part.stop()
    forget_executors(pair.described)
    begun = time.monotonic()
    for part in pair.parts:
        bring_up(part)
    assert time.monotonic() - begun < 60  # a master that waited for its agents would take minutes
    assert pair.agent_id() == first
    again = Scheduler(str(pair.master), scheduler.framework)
    again.reconcile("one", first)
    status = again.next("UPDATE")["status"]
    again.end()
    assert (status["task_id"]["value"], status["state"]) == ("one", "TASK_LOST")


def test_an_agent_with_other_resources_is_a_new_one(pair: Pair) -> None:
    first = pair.agent_id()
    for part in reversed(pair.parts):
        part.stop()
    forget_executors(pair.described._replace(resources="cpus:9"))
    for part in pair.parts:
        bring_up(part)
    assert pair.agent_id() != first


def test_a_task_gets_the_files_that_its_uris_name(
    pair: Pair, scheduler: Scheduler, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "page.txt").write_text("over http")
    (tmp_path / "tool").write_text("#!/bin/sh\necho from the tool\n")
    with serving_late(served) as base:
        uris = [
            {"value": f"{base}/page.txt", "output_file": "in/a/folder.txt"},
            {"value": str(tmp_path / "tool"), "executable": True},
        ]
        command = {"shell": True, "value": "./tool > said; exit 1", "uris": uris}
        scheduler.launch("fetching", command)
        written = wait_until(lambda: pair.sandbox_file("said"), "the tool runs")
    assert wait_until(written.read_text, "it writes") == "from the tool\n"
    page = pair.sandbox_file("in/a/folder.txt")
    assert page is not None
    assert page.read_text() == "over http"


def test_the_output_of_a_task_is_in_its_sandbox_though_its_uri_is_slow(
    pair: Pair, scheduler: Scheduler, tmp_path: Path
) -> None:
    # The agent makes the files once it knows the size of the cached file, or has it already:
    # later than the launcher begins, as for the second of two attempts that begin at once.
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "page.txt").write_text("kept")
    with serving_late(tmp_path / "served", late=2) as base:
        uri = {"value": f"{base}/page.txt", "cache": True, "extract": False}
        command = {"shell": True, "value": "echo to stdout; echo to stderr >&2; exit 1"}
        scheduler.launch("writing", {**command, "uris": [uri]})
        assert scheduler.next("UPDATE")["status"]["state"] == "TASK_FAILED"
    for name in ("stdout", "stderr"):
        file = pair.sandbox_file(name)
        assert file is not None
        assert f"to {name}\n" in file.read_text()


def test_the_agent_fetches_a_cacheable_file_once(
    pair: Pair, scheduler: Scheduler, tmp_path: Path
) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "page.txt").write_text("kept")
    methods: list[str] = []
    with serving_late(tmp_path / "served", methods) as base:
        uri = {"value": f"{base}/page.txt", "cache": True, "extract": False}
        for name in ("first", "second"):
            command = {"shell": True, "value": "cat page.txt > said", "uris": [uri]}
            scheduler.launch(name, command)
            assert scheduler.next("UPDATE")["status"]["state"] == "TASK_FAILED"
    # How large it is, and then it.
    assert methods == ["HEAD", "GET"]
    written = list(pair.folder.glob("agent-1/**/executors/*/runs/latest/said"))
    assert [file.read_text() for file in written] == ["kept", "kept"]


def test_a_task_whose_uri_cannot_be_fetched_fails_with_the_reason_in_its_sandbox(
    pair: Pair, scheduler: Scheduler
) -> None:
    uris = [{"value": "/no/such/file"}]
    command = {"shell": True, "value": "exec sleep 60", "uris": uris}
    scheduler.launch("failing", command)
    status = scheduler.next("UPDATE")["status"]
    assert status["state"] == "TASK_FAILED"
    stderr = pair.sandbox_file("stderr")
    assert stderr is not None
    assert "/no/such/file" in stderr.read_text()


@contextlib.contextmanager
def serving_late(folder: Path, methods: list[str] | None = None, late: float = 0) -> Iterator[str]:
    """Serve a folder, each file `late` seconds after it was asked for.

    The methods of all requests are added to `methods`.
    """

    class Handler(SimpleHTTPRequestHandler):
        def parse_request(self) -> bool:
            understood = super().parse_request()
            if methods is not None:
                methods.append(self.command)
            time.sleep(late)
            return understood

    handler = partial(Handler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"
