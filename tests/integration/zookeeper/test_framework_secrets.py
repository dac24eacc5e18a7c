"""Secrets of apps in a real ZooKeeper, with the right key, with another one, and with a new one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from program.settings.keys import new_key
from tests.fakes.program import OwnRoot, Program, make_repository

pytestmark = pytest.mark.integration

OLD, NEW = new_key(), new_key()
UNREACHABLE = "urn:prevs:problem:repository-unreachable"
ONE = "/v1/apps/hello/environment/API_KEY"


Run = Callable[..., Program]


@pytest.fixture
def run(own: OwnRoot, tmp_path: Path) -> Run:
    """Start a framework with these keys, or none, and wait until it leads."""

    def start(*keys: str) -> Program:
        more = {"DIR": str(tmp_path / "framework")}
        if keys:
            file = tmp_path / f"keys-{len(own.programs)}"
            file.write_text("\n".join(keys))
            more["KEY_FILE"] = str(file)
        program = own.program(**more)
        program.run()
        return program

    return start


def add_apps(program: Program, folder: Path) -> None:
    repository = make_repository(folder / "hello")
    for name in ("hello", "other"):
        program.add_app(repository, name, health="/runs")


def test_without_the_right_key_the_framework_leads_and_only_that_app_does_not_start(
    run: Run, tmp_path: Path
) -> None:
    first = run(OLD)
    add_apps(first, tmp_path)
    assert first.request("PUT", ONE, json={"value": "hunter2"}).status_code == 200
    sha = first.request("GET", "/v1/apps/hello/labels/main").json()["sha"]
    assert first.end() == 0
    for keys in ((NEW,), ()):
        second = run(*keys)
        second.wait_state(second.order(app="other"), "running")
        # The repository may need the sealed credential; a known commit needs no read.
        answer = second.request("POST", "/v1/previews", json={"app": "hello", "label": "main"})
        assert (answer.status_code, answer.json()["type"]) == (502, UNREACHABLE)
        assert "PREVS_KEY_FILE" in answer.json()["detail"]
        failure = second.wait_state(second.order(sha), "failed")["failure"]
        assert failure["cause"] == "settings-invalid"
        assert "'hello' cannot be opened" in failure["message"]
        assert "PREVS_KEY_FILE" in failure["message"]
        assert second.request("GET", "/v1/apps/hello/environment").status_code == 409
        assert "secrets cannot be opened" in second.log.read_text()
        if not keys:  # all works but to set something
            refused = second.request(
                "PUT", ONE.replace("hello", "other"), json={"value": "hunter2"}
            )
            assert refused.status_code == 409
            assert "prevs key" in refused.json()["detail"]
        assert second.end() == 0
    third = run(OLD)
    assert third.request("POST", f"/v1/previews/hello/{sha}/retry").status_code == 202
    third.wait_state(f"/v1/previews/hello/{sha}", "running")
    assert third.end() == 0
