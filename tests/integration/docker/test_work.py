"""Whole attempts of jobs with a real docker: what a command gets, leaves, and how it ends."""

import base64
import dataclasses
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from docker.api import APIClient

from executor.container import exchange_folder
from prevs import names
from prevs.artifacts import LIST, ArtifactsRecord
from prevs.commit_settings import RunSettings
from prevs.messages import TaskReport
from prevs.states import Cause, Phase
from prevs.work import MOST_RESULT, Progress, Work
from tests.integration.docker.attempts import APP, Agent
from tests.waits import wait_until

pytestmark = pytest.mark.integration

JOB = "k3j9x0q2ab"
RAN = ["TASK_STARTING", "TASK_RUNNING"]
NOBODY = "65534"


@pytest.fixture(autouse=True)
def sandbox(agent: Agent, tmp_path: Path) -> Path:
    """The sandbox of the agent's executors."""
    folder = tmp_path / "sandbox"
    folder.mkdir()
    agent.environ["MESOS_SANDBOX"] = str(folder)
    return folder


def run(agent: Agent, script: str, **changes: Any) -> TaskReport:
    """Run a job whose command is a shell script; return its last report."""
    sha = agent.image("echo the image has a command of its own")
    fields = {name: changes.pop(name) for name in list(changes) if name in WORK_FIELDS}
    work = Work(JOB, ("/bin/sh", "-c", script), **{"timeout": 60.0, **fields})
    given = {"repository": "/nowhere", "container_port": 0, "host_port": 0, "work": work}
    agent.run(sha, **{**given, **changes})
    return agent.report


WORK_FIELDS = {field.name for field in dataclasses.fields(Work)}


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_command_runs_to_its_exit_and_leaves_its_result_and_nothing_else(agent: Agent) -> None:
    report = run(
        agent,
        "echo to the log; echo 40 half way > $PREVS_PROGRESS_FILE; echo 42 > $R",
        environment={"R": "/run/prevs/result"},
    )
    assert agent.states == [*RAN, "TASK_FINISHED"]
    ended = TaskReport(Phase.ENDED, exit_code=0, progress=Progress(40, "half way"))
    assert report == dataclasses.replace(ended, result=encode(b"42\n"))
    assert agent.log.data == b"to the log\n"
    assert agent.containers() == []
    assert agent.volumes() == []


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143), ("/no/such/program", 127)],
)
def test_a_command_that_fails_fails_the_job_with_its_exit_code(
    agent: Agent, script: str, code: int
) -> None:
    assert run(agent, script) == TaskReport(Phase.ENDED, Cause.APP_EXITED, code)
    assert agent.message.startswith(f"The command exited with code {code}")
    assert agent.states == [*RAN, "TASK_FAILED"]
    assert agent.volumes() == []


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("may_look", [False, True], ids=["by archive", "by folder"])
def test_any_user_of_any_image_reads_the_payload_and_leaves_a_result(
    agent: Agent, read_only: bool, may_look: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever is not root, or has its docker elsewhere, may not look into docker's folders.
    monkeypatch.setattr(exchange_folder, "may_look", lambda _: may_look)
    payload = os.urandom(MOST_RESULT)
    sha = agent.image("exit 9")
    agent.images.add(names.image_tag(APP, sha), "exit 9", f"USER {NOBODY}")
    script = (
        "id -u; cp $PREVS_PAYLOAD_FILE /run/prevs/draft && mv /run/prevs/draft $PREVS_RESULT_FILE"
    )
    work = Work(JOB, ("/bin/sh", "-c", script), 60.0, payload=encode(payload))
    agent.run(sha, host_port=0, work=work, run=RunSettings(read_only=read_only))
    assert agent.log.data == f"{NOBODY}\n".encode()
    assert agent.report == TaskReport(Phase.ENDED, exit_code=0, result=encode(payload))


def test_docker_carries_nothing_for_a_command_that_leaves_nothing(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives: list[Any] = []
    for name in ("put_archive", "get_archive"):
        monkeypatch.setattr(APIClient, name, lambda *given, **_: archives.append(given))
    ended = TaskReport(Phase.ENDED, exit_code=0)
    assert run(agent, "cat $PREVS_PAYLOAD_FILE", payload=encode(b"one\n")) == ended
    assert agent.log.data == b"one\n"
    assert archives == []


def test_a_command_may_read_the_payload_as_its_standard_input(agent: Agent, sandbox: Path) -> None:
    payload = os.urandom(MOST_RESULT)
    report = run(agent, "cat > $PREVS_RESULT_FILE", payload=encode(payload), stdin=True)
    assert report == TaskReport(Phase.ENDED, exit_code=0, result=encode(payload))
    agent.statuses.clear()
    # One that does not read it ends all the same.
    assert run(agent, "exit 3", payload=encode(payload), stdin=True).exit_code == 3
    agent.statuses.clear()
    # Without it there is nothing to read, and nothing to wait for.
    report = run(agent, "cat > $PREVS_RESULT_FILE", payload=encode(payload))
    assert report == TaskReport(Phase.ENDED, exit_code=0)
    assert not list(sandbox.iterdir())


def test_the_variables_of_a_job_tell_it_what_it_is(agent: Agent) -> None:
    run(
        agent,
        "env",
        number=2,
        nominal=1700000000.0,
        environment={"MODE": "job", "TOKEN": "hunter2-and-more"},
        run=RunSettings(environment={"MODE": "commit", "FROM": "commit"}),
    )
    told = set(agent.log.data.decode().splitlines())
    assert {"MODE=job", "FROM=commit", f"PREVS_JOB={JOB}", "PREVS_TRY=2"} <= told
    assert {"PREVS_NOMINAL=2023-11-14T22:13:20Z", "TOKEN=***"} <= told
    assert not {line for line in told if line.startswith(("PORT=", "PREVS_PAYLOAD_FILE="))}


def test_progress_is_reported_while_the_command_runs(agent: Agent) -> None:
    def reported() -> None:
        if agent.report.progress == Progress(7, "begun"):
            (container,) = agent.containers()
            command = ["/bin/sh", "-c", "touch /run/prevs/continue"]
            done = agent.client.exec_create(container, command)
            agent.client.exec_start(done["Id"])

    agent.when["TASK_RUNNING"] = reported
    wait = "while [ ! -e /run/prevs/continue ]; do sleep 0.1; done"
    run(agent, f"echo 7 begun > $PREVS_PROGRESS_FILE; {wait}; echo 100 > $PREVS_PROGRESS_FILE")
    assert agent.states[-1] == "TASK_FINISHED"
    reports = [TaskReport.decode(base64.b64decode(one["data"])) for one in agent.statuses]
    told = [one.progress for one in reports if one.progress]
    assert (told[0], told[-1]) == (Progress(7, "begun"), Progress(100, ""))


def test_a_command_is_ended_at_its_timeout_within_its_grace(agent: Agent) -> None:
    began = time.monotonic()
    report = run(
        agent, "trap 'echo ends well; exit 0' TERM; while :; do sleep 0.1; done", timeout=2.0
    )
    assert report == TaskReport(Phase.ENDED, Cause.TIMED_OUT)
    assert agent.message.startswith("It ran longer than its timeout of 2 s.")
    assert agent.log.data == b"ends well\n"
    assert time.monotonic() - began < 30.0
    agent.statuses.clear()
    report = run(agent, "trap '' TERM; while :; do sleep 0.1; done", timeout=1.0, stop_grace=1.0)
    assert report.cause is Cause.TIMED_OUT
    assert agent.containers() == []
    assert agent.volumes() == []


def test_a_kill_ends_the_command_within_its_grace(agent: Agent) -> None:
    def running() -> None:
        wait_until(lambda: agent.log.data)
        agent.kill()

    agent.when["TASK_RUNNING"] = running
    run(agent, "trap 'echo ends well; exit 0' TERM; echo runs; while :; do sleep 0.1; done")
    assert agent.states == [*RAN, "TASK_KILLING", "TASK_KILLED"]
    assert agent.log.data == b"runs\nends well\n"
    assert agent.containers() == []
    assert agent.volumes() == []


def test_a_command_that_ended_well_before_the_kill_has_succeeded(agent: Agent) -> None:
    def running() -> None:
        # The executor itself may hear of the kill before it hears of the end.
        (container,) = agent.containers()
        wait_until(lambda: not agent.client.inspect_container(container)["State"]["Running"])
        agent.kill()

    agent.when["TASK_RUNNING"] = running
    report = run(agent, "echo 42 > $PREVS_RESULT_FILE")
    assert agent.states[-1] == "TASK_FINISHED"
    assert report == TaskReport(Phase.ENDED, exit_code=0, result=encode(b"42\n"))


def test_a_command_that_needs_too_much_memory_says_so(agent: Agent) -> None:
    report = run(agent, "sleep 2; exec tail /dev/zero")
    assert report == TaskReport(Phase.ENDED, Cause.OUT_OF_MEMORY, 137)
    assert "more than its 32 MB of memory. Give the job" in agent.message


def test_a_container_that_somebody_removes_is_a_loss_and_no_failure(agent: Agent) -> None:
    def running() -> None:
        (container,) = agent.containers()
        agent.client.remove_container(container, force=True)

    agent.when["TASK_RUNNING"] = running
    assert run(agent, "sleep 60") == TaskReport(Phase.ENDED, Cause.DOCKER_UNAVAILABLE)
    assert "Nobody knows how the command ended" in agent.message


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "head -c 65537 /dev/zero > /run/prevs/result",
            "has 65,537 bytes, and 65,536 are the most",
        ),
        ("ln -s /etc/passwd /run/prevs/result", "is not a plain file"),
        ("mkdir /run/prevs/result", "is not a plain file"),
    ],
)
def test_a_result_that_cannot_be_kept_fails_the_job(agent: Agent, script: str, why: str) -> None:
    assert run(agent, script) == TaskReport(Phase.ENDED, Cause.RESULT_UNUSABLE, 0)
    assert why in agent.message
    assert agent.volumes() == []


def test_a_command_that_fails_keeps_the_result_that_it_left(agent: Agent) -> None:
    report = run(agent, "echo 3 of 40 tests failed > /run/prevs/result; exit 3")
    assert (report.cause, report.exit_code) == (Cause.APP_EXITED, 3)
    assert report.result == encode(b"3 of 40 tests failed\n")


def test_artifacts_are_kept_in_the_sandbox_as_plain_files_also_of_a_command_that_fails(
    agent: Agent, sandbox: Path
) -> None:
    script = (
        "mkdir -p /run/prevs/artifacts/a/b && cd /run/prevs/artifacts && echo 1 > a/b/one; "
        "echo 2 > two; chmod 0 two; ln -s /etc/passwd link; ln two three; mkfifo pipe; exit 3"
    )
    assert run(agent, script).exit_code == 3
    files = {path: path.read_bytes() for path in sandbox.rglob("*") if not path.is_dir()}
    listed = ArtifactsRecord.decode(files.pop(sandbox / LIST)).artifacts
    kept = {str(path.relative_to(sandbox / "artifacts")): data for path, data in files.items()}
    assert {one.path: one.size for one in listed} == dict.fromkeys(kept, 2)
    # Of a file with two names, the archive has one as a link.
    name = "three" if "three" in kept else "two"
    assert kept == {"a/b/one": b"1\n", name: b"2\n"}
    assert not any(path.is_symlink() for path in files)
    assert "kept 2 files of /run/prevs/artifacts" in agent.log.headers
    assert any(header.startswith("left out 3 entries") for header in agent.log.headers)


def test_no_port_is_published_and_the_images_own_command_and_volumes_are_not_used(
    agent: Agent,
) -> None:
    seen: list[Mapping[str, Any]] = []

    def running() -> None:
        (container,) = agent.containers()
        seen.append(agent.client.inspect_container(container))

    agent.when["TASK_RUNNING"] = running
    run(agent, "sleep 1", run=RunSettings(command=("false",), volumes=("/data",), hooks=(("x",),)))
    assert agent.states[-1] == "TASK_FINISHED"
    (found,) = seen
    assert found["HostConfig"]["PortBindings"] == {}
    assert [mount["Destination"] for mount in found["Mounts"]] == ["/run/prevs"]
    assert found["Config"]["Labels"]["prevs.task"]


def test_a_daemon_that_is_away_is_no_failure_of_the_job(agent: Agent, sandbox: Path) -> None:
    agent.environ["DOCKER_HOST"] = f"unix://{sandbox}/nowhere"
    assert run(agent, "true").cause is Cause.DOCKER_UNAVAILABLE
