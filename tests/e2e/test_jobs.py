"""Jobs on the whole system, started and read by commands: real Mesos, real containers."""

import contextlib
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.commands import Prevs, environment, run_command
from tests.e2e.conftest import Api, Cluster
from tests.fakes.samples import SERVE, SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def environ(cluster: Cluster) -> Mapping[str, str]:
    """What a command of the command line needs."""
    return environment(cluster)


@pytest.fixture
def prevs(environ: Mapping[str, str]) -> Prevs:
    """Run a command, with this text as its input."""
    return partial(run_command, environ)


@pytest.fixture(scope="module")
def app(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app whose image has a shell, and whose commit names a job."""
    made = SampleRepository(tmp_path_factory.mktemp("jobs") / "work")
    named = '[jobs.hello]\ncommand = ["echo", "hello"]\n'
    named += '[jobs.weekly]\ncommand = ["true"]\nschedule = "0 6 * * mon"\n'
    made.commit_app([f"CMD {SERVE}"], {".prevs.toml": named})
    order = {"name": "worker", "repository": str(made.folder)}
    api.add(order)
    yield "worker"
    api.call("DELETE", "/v1/apps/worker")


def find(api: Api, job_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = api.call("GET", f"/v1/apps/worker/jobs/{job_id}").json()
    return found


def list_containers(docker_host: str, task_id: str) -> list[str]:
    """Return the containers of a task, ended ones too."""
    with contextlib.closing(docker.DockerClient(base_url=docker_host)) as client:
        found = client.containers.list(all=True, filters={"label": [f"prevs.task={task_id}"]})
        return [str(one.name) for one in found]


def test_a_command_prints_its_output_and_its_exit_code_is_passed_on(app: str, prevs: Prevs) -> None:
    done = prevs("run", app, "main", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n"), done.stderr
    assert "err" in done.stderr.splitlines()
    named = prevs("run", app, "main", "--job", "hello")
    assert (named.returncode, named.stdout) == (0, "hello\n"), named.stderr


def test_a_long_output_is_whole_and_a_longer_one_says_what_is_missing(
    app: str, prevs: Prevs
) -> None:
    whole = prevs("run", app, "main", "--", "seq", "1", "300000")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout == "".join(f"{number}\n" for number in range(1, 300_001))
    longer = prevs("run", app, "main", "--", "seq", "1", "5000000")
    assert longer.returncode == 0, longer.stderr
    assert longer.stdout.startswith("1\n2\n")
    assert longer.stdout.endswith("4999999\n5000000\n")
    gaps = re.findall(r"^([\d,]+) bytes are missing here", longer.stderr, re.MULTILINE)
    size = sum(len(f"{number}\n") for number in range(1, 5_000_001))
    # Who reads as fast as an agent prints misses nothing; who reads it all later always does.
    assert len(longer.stdout) + sum(int(gap.replace(",", "")) for gap in gaps) == size
    newest = json.loads(prevs("job", "ls", app, "--limit", "1", "--json").stdout)[0]["id"]
    kept = prevs("job", "logs", app, newest).stdout
    assert len(kept) < size
    assert re.search(r"^== [\d,]+ bytes are missing here: .* ==$", kept, re.MULTILINE)


def test_a_payload_comes_in_and_a_result_goes_out(app: str, prevs: Prevs, api: Api) -> None:
    count = "wc -l | tee $PREVS_RESULT_FILE; echo '100 counted' > $PREVS_PROGRESS_FILE"
    args = ("run", app, "main", "--stdin", "-d", "--json", "--", "sh", "-c", count)
    job = json.loads(prevs(*args, given="one\ntwo\n").stdout)
    wait_until(lambda: find(api, job["id"])["state"] == "succeeded", "it has succeeded")
    ended = find(api, job["id"])
    assert ended["progress"] == {"percent": 100, "message": "counted"}
    assert prevs("job", "result", app, job["id"]).stdout.strip() == "2"
    listed = prevs("job", "ls", app, "--state", "succeeded").stdout
    assert job["id"][:8] in listed


def test_the_files_of_a_job_are_listed_and_downloaded(
    app: str, prevs: Prevs, api: Api, tmp_path: Path
) -> None:
    leave = """cd /run/prevs; mkdir -p artifacts/a; echo one > "artifacts/a/100 % größe+1.txt"
        head -c 300000 /dev/zero > artifacts/zeros; ln -s /etc/passwd artifacts/link; exit 3"""
    args = ("run", app, "main", "-d", "--json", "--", "sh", "-c", leave)
    job_id = json.loads(prevs(*args).stdout)["id"]
    wait_until(lambda: find(api, job_id)["state"] == "failed", "it has exited with 3")
    listed = json.loads(prevs("job", "artifacts", app, job_id, "--json").stdout)
    files = {"a/100 % größe+1.txt": b"one\n", "zeros": bytes(300_000)}
    assert {one["path"]: one["size"] for one in listed["artifacts"]} == {
        path: len(data) for path, data in files.items()
    }
    assert time.time() < listed["until"] < time.time() + 8 * 86400
    done = prevs("job", "get", app, job_id, "--all", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for path, data in files.items():
        assert (tmp_path / path).read_bytes() == data
    for path in ("link", "..%2Fstdout", "a"):
        assert api.call("GET", f"/v1/apps/{app}/jobs/{job_id}/artifacts/{path}").status_code == 404


def test_a_job_that_is_cancelled_leaves_no_container(
    app: str, api: Api, environ: Mapping[str, str], docker_host: str
) -> None:
    command = [sys.executable, "-m", "cli", "run", app, "main", "--", "sh", "-c"]
    script = "trap 'echo bye; exit 7' TERM; echo begins; while :; do sleep 0.1; done"
    # A run in the background ignores SIGINT, and so would the command.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        subprocess.Popen(
            [*command, script],
            env={"PATH": os.environ["PATH"], **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as run,
        contextlib.ExitStack() as after,
    ):
        signal.signal(signal.SIGINT, before)
        after.callback(run.kill)  # else a failure here would wait for its end
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == "begins\n"
        # Its log may be there before its state is.
        (job,) = wait_until(
            lambda: api.call("GET", "/v1/jobs?app=worker&state=running").json()["jobs"]
        )
        assert len(list_containers(docker_host, job["task_id"])) == 1
        run.send_signal(signal.SIGINT)
        assert any("again to cancel" in line for line in run.stderr)
        run.send_signal(signal.SIGINT)
        assert run.stdout.read() == "bye\n"
        assert run.wait(60) == 130
    assert find(api, job["id"])["state"] == "cancelled"
    assert list_containers(docker_host, job["task_id"]) == []


def test_a_job_that_takes_too_long_is_ended_and_one_that_fails_is_tried_again(
    app: str, prevs: Prevs, api: Api
) -> None:
    late = prevs("run", app, "main", "--timeout", "2", "--", "sleep", "60")
    assert late.returncode == 124, late.stderr
    flaky = "echo try $PREVS_TRY; test $PREVS_TRY = 2"
    args = ("run", app, "main", "--retries", "1", "-d", "--json", "--", "sh", "-c", flaky)
    job = json.loads(prevs(*args).stdout)
    wait_until(lambda: find(api, job["id"])["state"] == "succeeded", "the second try succeeds")
    ended = find(api, job["id"])
    assert (ended["tries"], ended["failures"]) == (2, 1)
    assert "try 2" in prevs("job", "logs", app, job["id"]).stdout


def test_many_jobs_all_end_exactly_once(app: str, prevs: Prevs) -> None:
    started = prevs("job", "start", app, "main", "-n", "8", "--wait", "--json", "--", "true")
    assert started.returncode == 0, started.stderr


def test_a_schedule_makes_a_job_for_each_time_and_for_whom_asks(
    app: str, prevs: Prevs, api: Api
) -> None:
    first = int(time.time()) + 8  # a busy machine may need seconds to add it
    begin = datetime.datetime.fromtimestamp(first, datetime.UTC).isoformat()
    when = ("--job", "hello", "--every", "3600", "--start-at", begin, "--overlap", "allow")
    added = prevs("schedule", "add", app, "hourly", "--label", "main", *when)
    assert added.returncode == 0, added.stderr
    assert len(added.stdout.splitlines()) == 4
    asked = prevs("schedule", "run", app, "hourly").stdout.strip()

    def find_timed() -> Any:
        made = api.call("GET", f"/v1/jobs?app={app}&schedule=hourly").json()["jobs"]
        return next((job for job in made if job["id"] != asked and job["ended"]), None)

    path = f"/v1/apps/{app}/schedules/hourly"
    timed = wait_until(find_timed, instead=lambda: api.call("GET", path).text)
    wait_until(lambda: find(api, asked)["ended"], "the other one has ended")
    for job, nominal in [(timed, first), (find(api, asked), None)]:
        assert (job["state"], job["nominal"]) == ("succeeded", nominal), job["failure"]
        assert "hello" in prevs("job", "logs", app, job["id"]).stdout
    shown = json.loads(prevs("schedule", "show", app, "hourly", "--json").stdout)
    assert (shown["count"], shown["active"], shown["next"][0]["at"]) == (1, [], first + 3600)
    assert prevs("schedule", "rm", app, "hourly", "--yes").returncode == 0


def test_the_schedules_of_the_default_branch_hold(app: str, prevs: Prevs) -> None:
    def find_weekly() -> Any:
        listed = json.loads(prevs("schedule", "ls", app, "--json").stdout)
        return next((one for one in listed if one["name"] == "weekly"), None)

    weekly = wait_until(find_weekly, "the file of main is followed")
    assert (weekly["from_file"], weekly["label"], weekly["job"]) == (True, "main", "weekly")
    assert prevs("schedule", "rm", app, "weekly", "--yes").returncode == 1
    assert prevs("schedule", "pause", app, "weekly").returncode == 0
    assert find_weekly()["paused"]
