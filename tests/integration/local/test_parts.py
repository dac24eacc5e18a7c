"""The parts of a local cluster besides Mesos, all real."""

import contextlib
import io
import json
import os
import secrets
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from local.cluster.zookeeper import zookeeper_part
from local.docker import containers
from local.errors import LocalError
from local.mesos.announcement import AnnouncementPart
from local.mesos.installation import Installation
from local.mesos.parts import Address, master_part
from local.parts import processes
from local.parts.part import ProcessPart, bring_up
from local.parts.ports import is_free
from tests.free_ports import free_port
from tests.waits import wait_until

pytestmark = pytest.mark.integration


def python_part(tmp_path: Path, code: str, **options: Any) -> ProcessPart:
    return ProcessPart(
        name="test",
        command=(sys.executable, "-c", code),
        environ={"PREVS_CLUSTER": str(tmp_path)},
        log=tmp_path / "log",
        answers=(tmp_path / "ready").exists,
        folder=tmp_path,
        **options,
    )


# processes and parts


def test_a_part_that_does_not_end_on_a_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('ready', 'w'); time.sleep(60)"
    )
    part = python_part(tmp_path, code, grace=0.2)
    bring_up(part)
    wait_until(lambda: len(processes.marked(str(tmp_path))) == 2)
    part.stop()
    assert processes.marked(str(tmp_path)) == []


def test_processes_of_a_dead_part_go_on_until_the_part_is_stopped(tmp_path: Path) -> None:
    code = (
        "import os, signal, subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('ready', 'w'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    part = python_part(tmp_path, code)
    part.start()
    assert wait_until(part.problem) == "ended by SIGKILL"
    part.give_up()
    part.start()
    assert len(wait_until(lambda: processes.marked(str(tmp_path)))) >= 1
    wait_until(part.problem)
    part.give_up()
    wait_until(lambda: len(processes.marked(str(tmp_path))) == 2)
    part.stop()
    assert processes.marked(str(tmp_path)) == []


def test_a_part_that_exits_at_once_fails_with_the_end_of_its_log(tmp_path: Path) -> None:
    part = python_part(tmp_path, "print('no such thing'); raise SystemExit(3)", advice="Mend it.")
    with pytest.raises(LocalError, match="exited with status 3\nno such thing") as failure:
        bring_up(part)
    assert failure.value.advice == "Mend it."


def test_processes_are_found_by_their_mark_and_ended_even_in_another_session(
    tmp_path: Path,
) -> None:
    mark = str(tmp_path)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    environ = {**os.environ, "PREVS_CLUSTER": mark}
    process = subprocess.Popen(command, env=environ, start_new_session=True)
    found = wait_until(lambda: processes.marked(mark))
    assert [p.pid for p in found] == [process.pid]
    threading.Thread(target=process.wait).start()  # reaps it
    processes.end(found, 5)
    assert not processes.is_alive(found[0])


# ZooKeeper


@pytest.fixture
def own_zookeeper(tmp_path: Path) -> Iterator[ProcessPart]:
    part = zookeeper_part(tmp_path, free_port(), os.environ, tmp_path / "log")
    bring_up(part)
    yield part
    part.stop()


def test_zookeeper_keeps_its_data_when_it_is_started_again(own_zookeeper: ProcessPart) -> None:
    with_client(own_zookeeper.address, lambda client: client.create("/kept", b"value"))
    own_zookeeper.stop()
    bring_up(own_zookeeper)
    assert with_client(own_zookeeper.address, lambda client: client.get("/kept"))[0] == b"value"


def test_zookeeper_listens_on_loopback_only(own_zookeeper: ProcessPart) -> None:
    assert own_zookeeper.pid is not None
    assert listening(own_zookeeper.pid) == {own_zookeeper.address}


def listening(pid: int) -> set[str]:
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in listening.splitlines() if f"pid={pid}," in line]
    return {line.split()[3].replace("[::ffff:127.0.0.1]", "127.0.0.1") for line in lines}


def with_client(hosts: str, query: Callable[[KazooClient], Any]) -> Any:
    client = KazooClient(hosts)
    client.start()
    try:
        return query(client)
    finally:
        client.stop()
        client.close()


# the master's announcement


@pytest.fixture
def announced(
    mesos_installation: Installation, own_zookeeper: ProcessPart, tmp_path: Path
) -> Iterator[tuple[ProcessPart, AnnouncementPart]]:
    address = Address("127.0.0.1", free_port())
    folder, log = tmp_path / "master", tmp_path / "log"
    master = master_part(mesos_installation, address, folder=folder, environ={}, log=log)
    announcement = AnnouncementPart(own_zookeeper.address, address)
    bring_up(master)
    bring_up(announcement)
    yield master, announcement
    announcement.stop()
    master.stop()


def announcements(own_zookeeper: ProcessPart) -> dict[str, Any]:
    def read(client: KazooClient) -> dict[str, Any]:
        announced = {}
        for name in client.get_children("/mesos"):
            with contextlib.suppress(NoNodeError):  # it went between the two questions
                announced[name] = json.loads(client.get(f"/mesos/{name}")[0])
        return announced

    found: dict[str, Any] = with_client(own_zookeeper.address, read)
    return found


def test_a_master_is_announced_while_it_answers_and_again_at_each_start(
    announced: tuple[ProcessPart, AnnouncementPart], own_zookeeper: ProcessPart
) -> None:
    master, announcement = announced
    [(name, info)] = announcements(own_zookeeper).items()
    assert name == "json.info_0000000000"
    assert info["pid"] == f"master@{master.address}"
    master.stop()
    wait_until(lambda: not announcements(own_zookeeper))
    assert not announcement.ready()
    bring_up(master)
    [(again, other)] = wait_until(lambda: announcements(own_zookeeper)).items()
    assert again > name
    assert other["id"] != info["id"]


def test_an_announcement_comes_back_after_zookeeper_did(
    announced: tuple[ProcessPart, AnnouncementPart], own_zookeeper: ProcessPart
) -> None:
    own_zookeeper.stop()
    bring_up(own_zookeeper)
    wait_until(lambda: announcements(own_zookeeper))
    wait_until(announced[1].ready)


def test_a_master_listens_on_loopback_only(
    announced: tuple[ProcessPart, AnnouncementPart],
) -> None:
    assert announced[0].pid is not None
    assert listening(announced[0].pid) == {announced[0].address}


# leftovers of tasks in Docker


def test_containers_and_networks_of_a_cluster_are_removed_and_others_stay(
    docker_host: str,
) -> None:
    client = docker.DockerClient(base_url=docker_host)
    mine, other = (f"parts-test-{name}-{secrets.token_hex(3)}" for name in ("mine", "other"))
    with io.BytesIO() as empty:
        with tarfile.open(fileobj=empty, mode="w"):
            pass
        image = client.api.import_image_from_data(empty.getvalue(), f"prevs-test/{mine}")
    assert "error" not in image
    try:
        for cluster in (mine, other):
            labels = {"prevs.cluster": cluster}
            client.networks.create(cluster, labels=labels)
            client.containers.create(f"prevs-test/{mine}", "none", labels=labels, network=cluster)
        assert containers.remove_all(docker_host, mine) == []
        label: dict[str, str | list[str] | bool] = {"label": "prevs.cluster"}
        left = client.containers.list(all=True, filters=label)
        ours = {c.labels["prevs.cluster"] for c in left} & {mine, other}
        assert ours == {other}
        assert [n.name for n in client.networks.list(names=[mine, other])] == [other]
    finally:
        containers.remove_all(docker_host, mine)
        containers.remove_all(docker_host, other)
        client.images.remove(f"prevs-test/{mine}")
        client.close()


def test_a_dockerd_that_is_not_there_does_not_answer() -> None:
    assert not containers.answers("unix:///no/such/socket")
    assert not containers.answers(f"tcp://127.0.0.1:{free_port()}")


def test_a_port_in_use_is_not_free(own_zookeeper: ProcessPart) -> None:
    port = int(own_zookeeper.address.rpartition(":")[2])
    assert not is_free(port)
    assert is_free(free_port())
