"""Everything is lost and restored from a backup that was made while a framework led."""

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from framework.zookeeper import whole_tree
from prevs.paths import Paths
from program.settings.keys import new_key
from tests.fakes.program import TOKEN, OwnRoot, Program, make_repository
from tests.waits import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PHRASE = "correct horse battery"
APP = "/v1/apps/hello"
READ = (
    *("/v1/apps", "/v1/tokens", "/v1/roles", "/v1/gates/api", "/v1/stacks/shop", "/v1/signatures"),
    *(f"{APP}/{what}" for what in ("environment", "access", "schedules", "notifications")),
    "/v1/jobs",
)


def start(own: OwnRoot) -> Program:
    """Run a framework with files of every kind."""
    folder = own.folder
    (folder / "keys").write_text(new_key())
    (folder / "proxy-token").write_text("the-token-of-proxies")
    program = own.program(
        KEY_FILE=str(folder / "keys"), PROXY_TOKEN_FILE=str(folder / "proxy-token")
    )
    program.run()
    return program


def prepare(program: Program, folder: Path) -> str:
    """Make something of every kind; return the path of a preview that runs."""
    program.add_app(make_repository(folder / "hello"), health="/runs")
    place = program.order()
    program.wait_state(place, "running")
    rules = [{"path": "/", "to": [{"label": "main"}]}]
    job = {"label": "main", "command": ["ends"], "every": 86400}
    for method, path, body in (
        ("PUT", f"{place}/pin", None),
        ("PUT", f"{APP}/environment/PLAIN", {"value": "1"}),
        ("PUT", f"{APP}/environment/SECRET", {"value": "hunter2", "secret": True}),
        ("PUT", f"{APP}/access", {"access": "password", "password": "correct horse"}),
        ("POST", f"{APP}/passes", {"kind": "machine", "name": "ci"}),
        ("PUT", f"{APP}/schedules/daily", job),
        ("POST", f"{APP}/jobs", {"label": "main", "command": ["ends"]}),
        ("PUT", "/v1/gates/api", {"app": "hello", "rules": rules}),
        ("PUT", "/v1/stacks/shop", {"entry": "web", "members": {"web": {"app": "hello"}}}),
        ("POST", "/v1/stacks/shop/variants", {"ref": "feature", "own": ["web"]}),
        ("POST", "/v1/tokens", {"name": "ci", "scope": "use", "app": "hello"}),
        ("POST", "/v1/roles", {"group": "devs", "scope": "use", "app": "hello"}),
    ):
        answer = program.request(method, path, json=body)
        assert answer.ok, f"{path}: {answer.text}"
    wait_for(
        lambda: program.request("GET", "/v1/jobs").json()["jobs"],
        lambda jobs: {one["state"] for one in jobs} == {"succeeded"},
        "the job has ended",
        seconds=60,
    )
    return place


def read(program: Program, place: str) -> Mapping[str, Any]:
    """Return all that the API shows of it."""
    found = {path: program.request("GET", path).json() for path in READ}
    preview = program.request("GET", place).json()
    kept = ("state", "pinned", "labels", "task_id", "created")
    return {**found, place: {name: preview[name] for name in kept}}


def run(
    program: Program, *arguments: str, phrase: str = PHRASE
) -> "subprocess.CompletedProcess[str]":
    return program.command(*arguments, "--phrase-file", "-", given=f"{phrase}\n")


def test_all_is_lost_and_restored_and_the_api_shows_no_difference(
    own: OwnRoot, client: KazooClient
) -> None:
    program, file = start(own), own.folder / "prevs.backup"
    place = prepare(program, own.folder)
    done = run(program, "--backup", str(file))
    assert done.returncode == 0, done.stderr
    before = read(program, place)
    assert file.stat().st_mode & 0o777 == 0o600
    assert not {TOKEN, "hunter2"} & set(file.read_text("latin-1").split())
    assert "is there already" in run(program, "--backup", str(file)).stderr
    assert program.end() == 0

    client.delete(own.paths.root, recursive=True)
    files = [own.folder / name for name in ("token", "keys", "proxy-token")]
    contents = [one.read_bytes() for one in files]
    for one in files:
        one.unlink()
    wrong = run(program, "--restore", str(file), phrase="something else")
    assert (wrong.returncode, "another one, or the file was changed" in wrong.stderr) == (1, True)
    assert client.exists(own.paths.root) is None
    assert not any(one.exists() for one in files)

    done = run(program, "--restore", str(file))
    assert done.returncode == 0, done.stderr
    assert [one.read_bytes() for one in files] == contents
    program.run()
    program.wait_state(place, "running")
    assert read(program, place) == before
    refused = run(program, "--restore", str(file))
    assert f"To replace all of them, name it: --over {own.paths.root}" in refused.stderr
    refused = run(program, "--restore", str(file), "--over", own.paths.root)
    assert "A framework leads" in refused.stderr
    program.request("DELETE", "/v1/gates/api")
    assert program.end() == 0
    done = run(program, "--restore", str(file), "--over", own.paths.root)
    assert done.returncode == 0, done.stderr
    program.run()
    program.wait_state(place, "running")
    assert read(program, place) == before
    assert program.end() == 0


def test_files_of_somebody_else_are_not_replaced(own: OwnRoot, client: KazooClient) -> None:
    program, file = start(own), own.folder / "prevs.backup"
    assert run(program, "--backup", str(file)).returncode == 0
    assert program.end() == 0
    client.delete(own.paths.root, recursive=True)
    (own.folder / "keys").write_text(new_key())
    refused = run(program, "--restore", str(file))
    assert f"{own.folder / 'keys'} would be replaced" in refused.stderr
    assert client.exists(own.paths.root) is None
    del program.environ["PREVS_KEY_FILE"]
    assert "not set here: PREVS_KEY_FILE" in run(program, "--restore", str(file)).stderr
    too_short = run(program, "--backup", f"{file}-2", phrase="short")
    assert "at least 12 characters" in too_short.stderr


def test_what_is_read_was_there_at_one_moment(client: KazooClient, paths: Paths) -> None:
    """One writer counts up the first znode, then the second."""
    for name in ("first", "second"):
        client.create(paths.gate(name), b"0", makepath=True)
    stopped = threading.Event()

    def count() -> None:
        number = 0
        while not stopped.wait(0.02):
            number += 1
            for name in ("first", "second"):
                client.set(paths.gate(name), str(number).encode())
                if stopped.wait(0.02):
                    return

    writer = threading.Thread(target=count)
    writer.start()
    try:
        for _ in range(50):
            tree = whole_tree.read_tree(client, paths)
            first, second = (int(tree[f"gates/{name}"]) for name in ("first", "second"))
            assert first - second in {0, 1}
    finally:
        stopped.set()
        writer.join()
