"""Secrets of apps in a real ZooKeeper, with the right key, with another one, and with a new one."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from prevs.paths import Paths
from program.keys import new_key
from tests.conftest import Mesos
from tests.fakes.program import Program, make_repository, remove, settings
from tests.waits import wait_until

pytestmark = pytest.mark.integration

OLD, NEW = new_key(), new_key()
UNREACHABLE = "urn:prevs:problem:repository-unreachable"
ONE = "/v1/apps/hello/environment/API_KEY"


Run = Callable[..., Program]


@pytest.fixture
def run(
    mesos: Mesos, zookeeper: str, paths: Paths, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Run]:
    """Have a framework lead that has some keys, or none."""
    programs: list[Program] = []

    def start(*keys: str) -> Program:
        name = f"framework-{len(programs)}"
        environ = settings(mesos.zk, zookeeper, paths.root, free_port(), tmp_path, name)
        environ["PREVS_DIR"] = str(tmp_path / "framework")
        if keys:
            file = tmp_path / f"{name}-keys"
            file.write_text("\n".join(keys))
            environ["PREVS_KEY_FILE"] = str(file)
        programs.append(Program(environ, tmp_path / f"{name}.log"))
        programs[-1].start()
        programs[-1].wait_ready()
        return programs[-1]

    yield start
    for one in programs:
        one.clean_up()
    remove(mesos.master, zookeeper, paths.root)


def add_apps(program: Program, folder: Path) -> None:
    repository = str(make_repository(folder / "hello"))
    for name in ("hello", "other"):
        app = {"name": name, "mem": 64, "repository": repository, "health": "/runs"}
        assert program.ask("POST", "/v1/apps", json=app).status_code == 201


def start_preview(program: Program, app: str, state: str, label: str = "main") -> Mapping[str, Any]:
    answer = program.ask("POST", "/v1/previews", json={"app": app, "label": label})
    return program.wait_state(answer.headers["Location"], state)


def test_with_another_key_or_none_the_framework_leads_and_that_app_alone_does_not_start(
    run: Run, tmp_path: Path
) -> None:
    first = run(OLD)
    add_apps(first, tmp_path)
    assert first.ask("PUT", ONE, json={"value": "hunter2"}).status_code == 200
    sha = first.ask("GET", "/v1/apps/hello/labels/main").json()["sha"]
    assert first.end() == 0
    for keys in ((NEW,), ()):
        second = run(*keys)
        start_preview(second, "other", "running")
        # A repository may want the credential that cannot be opened; what is known needs no look.
        answer = second.ask("POST", "/v1/previews", json={"app": "hello", "label": "main"})
        assert (answer.status_code, answer.json()["type"]) == (502, UNREACHABLE)
        assert "PREVS_KEY_FILE" in answer.json()["detail"]
        failure = start_preview(second, "hello", "failed", label=sha)["failure"]
        assert failure["cause"] == "settings-invalid"
        assert "'hello' cannot be opened" in failure["message"]
        assert "PREVS_KEY_FILE" in failure["message"]
        assert second.ask("GET", "/v1/apps/hello/environment").status_code == 409
        assert "secrets cannot be opened" in second.log.read_text()
        if not keys:  # all works but to set something
            refused = second.ask("PUT", ONE.replace("hello", "other"), json={"value": "hunter2"})
            assert refused.status_code == 409
            assert "prevs key" in refused.json()["detail"]
        assert second.end() == 0
    third = run(OLD)
    assert third.ask("POST", f"/v1/previews/hello/{sha}/retry").status_code == 202
    third.wait_state(f"/v1/previews/hello/{sha}", "running")
    assert third.end() == 0


def test_a_key_is_changed_while_nothing_is_lost(
    run: Run, client: KazooClient, paths: Paths, tmp_path: Path
) -> None:
    first = run(OLD)
    add_apps(first, tmp_path)
    assert first.ask("PUT", ONE, json={"value": "hunter2"}).status_code == 200
    assert first.end() == 0
    before = client.get(paths.app_secrets("hello"))[0]
    both = run(NEW, OLD)
    wait_until(lambda: client.get(paths.app_secrets("hello"))[0] != before)
    assert both.end() == 0
    last = run(NEW)
    start_preview(last, "hello", "running")
    assert b"hunter2" not in client.get(paths.app_secrets("hello"))[0]
    assert last.ask("DELETE", "/v1/apps/hello").status_code == 204
    wait_until(lambda: client.exists(paths.app_secrets("hello")) is None)
    assert last.end() == 0
