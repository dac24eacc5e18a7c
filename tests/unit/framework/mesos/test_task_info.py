import base64
import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from framework.apps.app_secrets import AppSecrets, Variable
from framework.attempts.tasks import Origin, describe
from framework.executor_bundle import pack
from framework.matching.match import Demand, InUse, Launch, match
from framework.mesos.resources import read_resources
from framework.mesos.task_info import task_info
from framework.ports.tasks import Executor
from prevs import names
from prevs.messages import BuildOrder, Credential
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.offers import offer, quotas, scalar

A = "a" * 40
APP = AppRecord(
    "hello", "https://git.example.org/hello.git", port=3000, cpus=0.5, health="/up", created=1.5
)
PREVIEW = PreviewRecord("hello", A, State.PLACED, labels=("v1", "main"), task_id=f"hello.{A}.t1")
NOTHING = AppSecrets("hello")
ORIGIN = Origin(
    "framework-1",
    Executor("http://x/v1/executor/ab.pyz", "ab", "python3.11", is_unpacked=True),
    names.addresses("localhost", 8080),
)
(LAUNCH,) = match(
    [Demand(preview_unit("hello", A), cpus=0.5, mem=128)],
    [offer()],
    InUse(),
    quotas=quotas(),
    now=0.0,
).launches


def describe_task(
    preview: PreviewRecord = PREVIEW,
    launch: Launch = LAUNCH,
    origin: Origin = ORIGIN,
    given: AppSecrets = NOTHING,
    *,
    fetches: bool = True,
) -> dict[str, Any]:
    """Return the TaskInfo of an attempt."""
    return task_info(describe(APP, preview, launch, origin, given=given, fetches=fetches))


TASK = describe_task()


def test_the_order_has_every_field_that_an_executor_needs() -> None:
    assert BuildOrder.decode(base64.b64decode(TASK["data"])) == BuildOrder(
        app="hello",
        sha=A,
        label="main",
        repository="https://git.example.org/hello.git",
        container_port=3000,
        host="127.0.0.1",
        host_port=31000,
        cpus=0.5,
        mem=128,
        health="/up",
        url="http://main.hello.localhost:8080/",
        app_created=1.5,
    )


def test_the_apps_variables_are_in_the_order_and_nowhere_else() -> None:
    variables = {"MODE": Variable("preview", secret=False), "API_KEY": Variable("hunter2")}
    given = AppSecrets("hello", variables, Credential("deploy", "hunter3"))
    task = describe_task(given=given)
    order = BuildOrder.decode(base64.b64decode(task["data"]))
    assert (order.environment, order.secrets) == ({"MODE": "preview"}, {"API_KEY": "hunter2"})
    assert order.credential == Credential("deploy", "hunter3")
    assert task | {"data": ""} == TASK | {"data": ""}
    assert "hunter" not in repr(order)


def test_mesos_shows_the_task_by_name_and_labels() -> None:
    assert TASK["name"] == "hello@main (aaaaaaa)"
    labels = {label["key"]: label["value"] for label in TASK["labels"]["labels"]}
    assert labels == {
        "app": "hello",
        "commit": A,
        "label": "main",
        "url": "http://main.hello.localhost:8080/",
    }


def test_the_discovery_of_the_task_names_it_for_dns_and_foreign_proxies() -> None:
    assert TASK["discovery"] == {
        "visibility": "EXTERNAL",
        "name": "main--hello",
        "version": A,
        "ports": {"ports": [{"number": 31000, "name": "http", "protocol": "tcp"}]},
    }


def test_the_discovery_of_the_task_names_its_services() -> None:
    preview = dataclasses.replace(PREVIEW, service_ports={"result": 31001})
    assert describe_task(preview)["discovery"]["ports"]["ports"] == [
        {"number": 31000, "name": "http", "protocol": "tcp"},
        {"number": 31001, "name": "result", "protocol": "tcp"},
    ]


def test_the_executor_is_named_like_its_task_and_started_without_a_shell() -> None:
    executor = TASK["executor"]
    assert executor["executor_id"] == TASK["task_id"] == {"value": f"hello.{A}.t1"}
    assert executor["framework_id"] == {"value": "framework-1"}
    command = executor["command"]
    assert command["shell"] is False
    assert command["value"] == command["arguments"][0] == "python3.11"


def test_an_agent_caches_the_fetched_bundle() -> None:
    assert TASK["executor"]["command"]["uris"] == [
        {
            "value": "http://x/v1/executor/ab.pyz",
            "output_file": "prevs-executor.pyz",
            "cache": True,
            "extract": False,
        }
    ]


def test_an_agent_with_the_unpacked_bundle_fetches_nothing() -> None:
    task = describe_task(fetches=False)
    assert task["executor"]["command"]["uris"] == []
    task["executor"]["command"]["uris"] = TASK["executor"]["command"]["uris"]
    assert task == TASK


def run_command(digest: str, folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the command of an agent for a bundle with that checksum."""
    executor = ORIGIN.executor._replace(digest=digest, python=sys.executable)
    origin = ORIGIN._replace(executor=executor)
    task = describe_task(origin=origin)
    command = task["executor"]["command"]["arguments"]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, check=False, text=True
    )


@pytest.mark.parametrize("intact", [True, False])
def test_a_bundle_runs_only_with_the_expected_checksum(intact: bool, tmp_path: Path) -> None:
    file = tmp_path / "prevs-executor.pyz"
    file.write_bytes(pack({"__main__.py": b"import sys; print('runs', sys.argv)"}))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if not intact:
        file.write_bytes(pack({"__main__.py": b"print('evil')"}))
    ran = run_command(digest, tmp_path)
    if intact:
        assert ran.stdout == "runs ['prevs-executor.pyz']\n"
    else:
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "not the bundle" in ran.stderr
        assert digest in ran.stderr


@pytest.mark.parametrize("fetched", [True, False])
@pytest.mark.parametrize("held_by", ["a digest", "nobody", "a relative folder"])
def test_an_unpacked_bundle_runs_and_the_fetched_one_is_not_read(
    held_by: str, fetched: bool, tmp_path: Path
) -> None:
    digest = "ab" * 32
    home = tmp_path / "work" / "bundles" / (digest if held_by != "nobody" else "cd" * 32)
    (home / "executor").mkdir(parents=True)
    source = "import sys\ndef main():\n    print('unpacked', sys.argv)\n    return 7\n"
    (home / "executor" / "bundle.py").write_text(source)
    if fetched:
        (tmp_path / "prevs-executor.pyz").write_bytes(b"no archive")
    work = "work" if held_by == "a relative folder" else str(tmp_path / "work")
    ran = run_command(digest, tmp_path, PREVS_EXECUTOR_DIR=work)
    if held_by == "a digest":
        assert (ran.returncode, ran.stdout) == (7, "unpacked ['prevs-executor.pyz']\n")
    else:
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ("not the bundle" if fetched else "the next attempt") in ran.stderr


def test_resources_keep_the_fields_of_the_offer() -> None:
    reserved = [{"type": "STATIC", "role": "prevs"}]
    one = offer()
    cpus = read_resources([scalar("cpus", 4, reservations=reserved)])
    resources = (*one.resources[1:], *cpus)
    offers = [one._replace(resources=resources)]
    demand = Demand(preview_unit("hello", A), cpus=0.5, mem=128)
    (launch,) = match([demand], offers, InUse(), quotas=quotas(), now=0.0).launches
    task = describe_task(launch=launch)
    assert scalar("cpus", 0.5, reservations=reserved) in task["resources"]
    assert all(r["allocation_info"] == {"role": "prevs"} for r in task["resources"])
    assert scalar("cpus", 0.01, reservations=reserved) in task["executor"]["resources"]


def test_an_executor_has_more_time_to_clean_up_than_an_application_to_stop() -> None:
    grace = TASK["kill_policy"]["grace_period"]["nanoseconds"]
    assert grace == 10_000_000_000
    assert TASK["executor"]["shutdown_grace_period"]["nanoseconds"] > grace


def test_a_preview_without_labels_is_named_by_its_commit() -> None:
    bare = dataclasses.replace(PREVIEW, labels=())
    assert describe_task(bare)["name"] == f"hello@{A} (aaaaaaa)"


DIGEST = "sha256:" + "d" * 64


def test_settings_that_all_tasks_share_are_in_the_order() -> None:
    origin = ORIGIN._replace(registry="10.0.0.9:5000/prevs", fetch_limit=20.0, build_limit=30.0)
    origin = origin._replace(control_plane=("10.0.0.1",))
    preview = dataclasses.replace(PREVIEW, digest=DIGEST)
    task = describe_task(preview, origin=origin)
    order = BuildOrder.decode(base64.b64decode(task["data"]))
    assert (order.registry, order.digest) == ("10.0.0.9:5000/prevs", DIGEST)
    assert (order.fetch_limit, order.build_limit) == (20.0, 30.0)
    assert order.control_plane == ("10.0.0.1",)
