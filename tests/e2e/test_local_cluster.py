"""`prevs local`: up, status, down and up again; killed parts come back; nothing is left."""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from local.docker import containers
from local.mesos.access import Access
from local.parts import processes
from tests.e2e.commands import run_command
from tests.e2e.conftest import Cluster
from tests.e2e.own_cluster import Own
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
AGENTS = ("127.0.0.1", "127.0.0.2")


def mounts(folder: Path) -> list[Path]:
    """Return what is mounted below a folder; elsewhere others mount things meanwhile."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = (Path(line.split()[4]) for line in lines)
    return [place for place in places if place.is_relative_to(folder)]


def test_up_shows_each_step_and_where_everything_answers(own: Own) -> None:
    output = own.up()
    for part in ("zookeeper", "master", "agent-1", "agent-2", "framework", "proxy"):
        assert any(line.split()[1:3] == [part, "ready"] for line in output.splitlines()), output
    assert f"http://127.0.0.1:{own.ports['api-port']}" in output
    assert (own.folder / "token").read_text() in output


def test_status_lists_the_parts_and_succeeds_only_when_all_are_up(running: Own) -> None:
    done = running.run("status")
    assert done.returncode == 0
    assert f"127.0.0.2:{running.ports['agent-port']}" in done.stdout
    status = json.loads(running.run("status", "--json").stdout)
    assert status["up"] is True
    assert {part["state"] for part in status["parts"]} == {"ready"}
    lines = done.stdout.splitlines()[1:]
    for part, line in zip(status["parts"], lines, strict=True):
        assert line.startswith(part["name"])
        assert part["address"] in line


def test_up_reports_that_it_is_up_already(running: Own) -> None:
    done = running.run("up", *running.options)
    assert done.returncode == 0
    assert "already up" in done.stdout


def test_up_with_other_settings_is_refused_while_it_is_up(running: Own) -> None:
    done = running.run("up", *running.options, "--agents=3")
    assert done.returncode == 1
    assert "agents is 2" in done.stdout
    assert running.status()["up"] is True


def test_everything_listens_on_loopback_only_but_the_proxy_for_previews(
    serving: Own, docker_host: str
) -> None:
    for_previews = f"{containers.default_gateway(docker_host)}:{serving.ports['port']}"
    ours = {process.pid for process in processes.marked(serving.id)}
    output = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in output.splitlines() if any(f"pid={pid}," in line for pid in ours)]
    places = {line.split()[3].removeprefix("[::ffff:") for line in lines}
    assert len(places) > len(serving.ports)
    assert [place for place in places if not place.startswith("127.0.0.")] == [for_previews]


def test_the_log_of_a_part_is_shown_and_an_unknown_part_is_wrong_use(running: Own) -> None:
    assert "framework: ready" in running.run_process("logs", "supervisor").stdout
    wrong = running.run("logs", "nothing")
    assert wrong.returncode == 2
    assert "zookeeper" in wrong.stderr


def test_a_part_that_is_killed_is_started_again(running: Own) -> None:
    before = running.part("framework")
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(
        lambda: running.part("framework")["restarts"] > before["restarts"], "noticed", seconds=120
    )
    wait_until(lambda: running.status()["up"], "all up again", seconds=120)
    assert running.part("framework")["pid"] != before["pid"]
    assert running.call("GET", "/readyz").status_code == 200


def test_visitors_are_served_while_the_proxy_that_died_is_started_again(serving: Own) -> None:
    before = serving.part("proxy")
    os.kill(before["pid"], signal.SIGKILL)
    answers = []

    def is_started_again() -> bool:
        answers.append(serving.visit().status_code)
        part = serving.part("proxy")
        return part["pid"] not in {None, before["pid"]} and serving.status()["up"]

    wait_until(is_started_again, "the proxy is started again", instead=serving.status, seconds=120)
    answers.append(serving.visit().status_code)
    assert set(answers) == {200}


@pytest.mark.night  # where tests have workers, this one's has no cluster of this module yet
def test_a_cluster_whose_folder_was_lost_answers_again_once_it_is_restored(
    serving: Own, tmp_path: Path
) -> None:
    file, phrase = str(tmp_path / "cluster.backup"), tmp_path / "phrase"
    phrase.write_text("correct horse battery")
    named = (file, f"--phrase-file={phrase}", f"--dir={serving.folder}")
    rules = [{"path": "/", "to": [{"label": "main"}]}]
    made = serving.call("PUT", "/v1/gates/api", app="hello", rules=rules)
    assert made.ok, made.text
    gate, apps = _show_gate(serving), serving.call("GET", "/v1/apps").json()
    done = run_command(os.environ, "backup", *named)
    assert done.returncode == 0, done.stderr
    serving.down()
    shutil.rmtree(serving.folder)
    done = run_command(os.environ, "restore", *named)
    assert done.returncode == 0, done.stderr
    serving.up()
    assert _show_gate(serving) == gate
    assert serving.call("GET", "/v1/apps").json() == apps
    # Its task has gone with Mesos' state, and nobody is blamed for that.
    assert serving.visit().status_code == 200


def _show_gate(serving: Own) -> Any:
    """Return a gate once all proxies have its rules."""

    def look() -> Any:
        shown = serving.call("GET", "/v1/gates/api").json()
        return shown if shown["revision"] and shown["behind"] == 0 else None

    return wait_until(look)


def test_two_clusters_live_side_by_side(serving: Own, cluster: Cluster) -> None:
    headers = {"Authorization": f"Bearer {cluster.token}"}
    answer = requests.get(f"{cluster.api}/v1/previews", headers=headers, timeout=30)
    assert answer.status_code == 200
    api = f"http://127.0.0.1:{serving.ports['api-port']}"
    strange = requests.get(f"{api}/v1/apps", headers=headers, timeout=30)
    assert strange.status_code == 401, "each has a token of its own"
    assert serving.visit().status_code == 200


def rules() -> set[str]:
    """Return every word of the iptables rules that isolate previews."""
    command = ["iptables", "-w", "-t", "mangle", "-S"]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    return set(done.stdout.split())


def test_down_leaves_nothing_and_the_next_up_goes_on_from_the_same_state(
    serving: Own, docker_host: str
) -> None:
    assert serving.in_docker(docker_host), "a preview runs"
    page = serving.visit().text
    framework = framework_id(serving)
    chains = serving.chains(docker_host)
    assert os.geteuid() != 0 or (chains and chains <= rules())
    serving.down()
    assert not chains & rules()
    assert processes.marked(serving.id) == []
    assert serving.in_docker(docker_host) == []
    assert mounts(serving.folder) == []
    assert mounts(Path(docker_host.removeprefix("unix://")).parent) == []
    for port in serving.ports.values():
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=1)
    status = json.loads(serving.run("status", "--json").stdout)
    assert status == {"up": False, "parts": [], "left": [], "folder": str(serving.folder)}
    assert "Nothing runs" in serving.down()

    serving.up()
    [app] = serving.call("GET", "/v1/apps").json()["apps"]
    assert app["name"] == "hello"
    [preview] = serving.call("GET", "/v1/previews").json()["previews"]
    assert preview["state"] != "failed", preview
    assert serving.visit().text == page
    assert framework_id(serving) == framework


def framework_id(own: Own) -> str:
    address = f"http://127.0.0.1:{own.ports['mesos-port']}/frameworks"
    [framework] = requests.get(
        address, auth=Access(own.folder / "mesos").credential(), timeout=30
    ).json()["frameworks"]
    return str(framework["id"])


@pytest.mark.night
def test_up_recovers_from_a_supervisor_that_was_killed(serving: Own, docker_host: str) -> None:
    old = {process.pid for process in processes.marked(serving.id)}
    supervisor = serving.status()["supervisor"]
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not serving.status()["up"], "its end is noticed", seconds=120)
    left = {process.pid for process in processes.marked(serving.id)}
    shown = json.loads(serving.run("status", "--json").stdout)
    assert left == {one["pid"] for one in shown["left"]}, "its parts go on"
    assert {"zookeeper", "framework", "proxy"} <= {one["name"] for one in shown["left"]}
    done = serving.run("status")
    assert done.returncode == 1
    assert "Nothing runs" not in done.stdout
    assert "`prevs local down` ends them" in done.stdout
    output = serving.up()
    assert "processes of an earlier run" in output
    new = {process.pid for process in processes.marked(serving.id)}
    assert not old & new
    assert serving.visit().status_code == 200
    assert len(serving.in_docker(docker_host)) > 1, "beside the network there is a preview"


@pytest.mark.night
def test_down_cleans_up_after_a_supervisor_that_was_killed(serving: Own, docker_host: str) -> None:
    os.kill(serving.status()["supervisor"], signal.SIGKILL)
    wait_until(lambda: not serving.status()["up"], "its end is noticed", seconds=120)
    serving.down()
    assert processes.marked(serving.id) == []
    assert serving.in_docker(docker_host) == []


def test_a_port_that_is_taken_is_named_with_the_option_that_changes_it(own: Own) -> None:
    own.down()
    with socket.create_server(("127.0.0.1", own.ports["mesos-port"])):
        done = own.run("up", *own.options)
    assert done.returncode == 1
    assert f"port {own.ports['mesos-port']} of 127.0.0.1 is taken" in done.stdout
    assert "--mesos-port" in done.stdout
    assert processes.marked(own.id) == []


def test_a_step_that_fails_is_reported_with_its_log_and_everything_is_ended(own: Own) -> None:
    own.down()
    data = own.folder / "zookeeper" / "data"
    data.mkdir(parents=True, exist_ok=True)
    kept = data.rename(data.with_name("kept"))
    data.write_text("no folder")
    try:
        done = own.run("up", *own.options)
    finally:
        data.unlink()
        kept.rename(data)
    assert done.returncode == 1
    assert "zookeeper failed" in done.stdout
    assert "exited with status" in done.stdout
    assert processes.marked(own.id) == []
