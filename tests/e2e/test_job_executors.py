"""Jobs of an app that run in one executor, on the whole system: real Mesos, real containers."""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest

from prevs import names
from prevs.environment import read_environment
from tests.e2e.conftest import Api
from tests.fakes.samples import SERVE, SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

JOBS = 6
SCRIPT = """
echo "I am $NAME"; echo "$NAME" > $PREVS_RESULT_FILE
mkdir /run/prevs/artifacts; echo "$NAME" > /run/prevs/artifacts/$NAME
"""


@pytest.fixture(scope="module")
def app(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app whose image has a shell, and of which one job runs at a time."""
    made = SampleRepository(tmp_path_factory.mktemp("shared") / "work")
    made.commit_app([f"CMD {SERVE}"], {})
    order = {"name": "shared", "repository": str(made.folder), "mem": 16, "max_jobs": 1}
    api.add(order)
    yield "shared"
    api.call("DELETE", "/v1/apps/shared")


def request(api: Api, app: str, scripts: Sequence[str], **terms: Any) -> list[str]:
    """Request a job for each script, in one request; return their ids."""
    orders = [
        {
            "label": "main",
            "command": ["sh", "-c", script],
            "environment": {"NAME": f"secret-{number}"},
            **terms,
        }
        for number, script in enumerate(scripts)
    ]
    answer = api.call("POST", f"/v1/apps/{app}/jobs", json={"jobs": orders})
    assert answer.status_code == 202, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


def find(api: Api, app: str, job_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = api.call("GET", f"/v1/apps/{app}/jobs/{job_id}").json()
    return found


def wait_succeeded(api: Api, app: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """Wait until all have ended; return them."""

    def have_ended() -> bool:
        return all(find(api, app, one)["state"] in ("succeeded", "failed") for one in ids)

    wait_until(have_ended, "all have ended", seconds=200)
    found = [find(api, app, one) for one in ids]
    assert [job["state"] for job in found] == ["succeeded"] * len(ids), found
    return found


def executor_of(job: Mapping[str, Any]) -> str:
    return names.executor_id(job["task_id"])


def test_jobs_of_an_executor_have_logs_results_and_files_of_their_own(app: str, api: Api) -> None:
    jobs = wait_succeeded(api, app, request(api, app, [SCRIPT] * JOBS))
    assert all(job["tries"] == 1 for job in jobs)
    assert len({executor_of(job) for job in jobs}) < JOBS / 2
    assert max(names.find_number(job["task_id"]) for job in jobs) >= 3
    for number, job in enumerate(jobs):
        path, name = f"/v1/apps/{app}/jobs/{job['id']}", f"secret-{number}"
        log = api.call("GET", f"{path}/log").text
        # Its name is a variable of its own, which its log may not show.
        assert log.count("\nI am ***\n") == 1, log
        assert "secret-" not in log
        assert api.call("GET", f"{path}/result").text == f"{name}\n"
        listed = api.call("GET", f"{path}/artifacts").json()["artifacts"]
        assert [one["path"] for one in listed] == [name]
        assert api.call("GET", f"{path}/artifacts/{name}").text == f"{name}\n"


def test_a_job_whose_shared_executor_is_killed_starts_again_alone(
    app: str, api: Api, docker_host: str
) -> None:
    slow = 'echo "try $PREVS_TRY"; [ $PREVS_TRY = 2 ] || exec sleep 1000'
    # While the first one runs, which has an executor for itself, the others come.
    ids = request(api, app, ["sleep 5; true"], priority=2)
    ids += request(api, app, ["true", "true"], priority=2)
    ids += request(api, app, [slow], priority=1)
    ids += request(api, app, ["true"], priority=0)
    wait_until(lambda: find(api, app, ids[3])["state"] == "running", "it runs", seconds=60)
    struck = find(api, app, ids[3])
    assert names.find_number(struck["task_id"]) == 3
    (executor,) = find_processes(executor_of(struck))
    os.kill(executor, signal.SIGKILL)
    jobs = wait_succeeded(api, app, ids)
    assert [job["tries"] for job in jobs] == [1, 1, 1, 2, 1]
    assert jobs[3]["failures"] == 0
    assert executor_of(jobs[3]) != executor_of(struck)
    logs = [api.call("GET", f"/v1/apps/{app}/jobs/{one}/log").text for one in ids]
    assert [text.count("running ") for text in logs] == [1] * len(ids)
    assert "try 2" in logs[3]

    def are_removed() -> bool:
        label = f"prevs.app={app}"
        with contextlib.closing(docker.DockerClient(base_url=docker_host)) as client:
            return not client.containers.list(all=True, filters={"label": [label]})

    # Its own, and that of the network which it shared.
    wait_until(are_removed, "all containers are removed", seconds=60)


def find_processes(executor_id: str) -> list[int]:
    """Return the executors of that id, without their watchdogs and what they have started."""
    wanted = f"MESOS_EXECUTOR_ID={executor_id}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"prevs-executor.pyz" in words and wanted in read_environment(process):
                found.append(int(process.name))
    return found
