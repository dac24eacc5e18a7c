"""`prevs doctor`, against an API and a proxy's answer on real sockets."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from tests.fakes import api as fake
from tests.integration.cli.running import Done, Run

pytestmark = pytest.mark.integration

UNKNOWN = fake.problem("unknown-app", 404, "There is no app 'prevs-doctor'.")


@contextlib.contextmanager
def answering(status: int, content: Any) -> Iterator[int]:
    """Answer every GET alike on a free port of 127.0.0.1, and yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def well(world: fake.World) -> Iterator[fake.World]:
    """A world in which all is well, with a proxy."""
    with answering(*UNKNOWN) as port:
        url = f"http://main.hello.localhost:{port}/"
        world.previews["hello", fake.SHA] = fake.preview(state="running", url=url)
        world.agents = [fake.agent("10.0.0.1")]
        yield world


def found(done: Done) -> dict[str, dict[str, str]]:
    return {one["part"]: one for one in json.loads(done.out)}


def levels(done: Done) -> dict[str, str]:
    return {part: one["level"] for part, one in found(done).items()}


@pytest.mark.usefixtures("well")
def test_where_all_is_well_each_part_says_so(run: Run) -> None:
    done = run("doctor", "--json")
    assert done.status == 0
    seen = levels(done)
    assert seen.pop("agents' machines") == "skipped"
    assert set(seen.values()) == {"ok"}
    parts = {"settings", "framework", "framework: clock", "token", "agents", "queue", "previews"}
    assert parts | {"repositories", "addresses"} <= seen.keys()
    assert "All is well." in run("doctor").err


def test_every_wrong_part_is_told_with_what_to_do(well: fake.World, run: Run) -> None:
    checks = [{"name": "mesos", "ok": False, "detail": "Mesos is away.", "needed": True}]
    _, problem = fake.problem("unavailable", 503, "Mesos is away.")
    well.probe = 503, problem | {"role": "leader", "checks": checks, "version": "0.0.1"}
    well.agents = []
    well.problem = "Could not resolve host."
    well.previews["hello", fake.OTHER_SHA] = fake.failed(sha=fake.OTHER_SHA)
    done = run("doctor", "--json")
    assert done.status == 1
    seen = found(done)
    for part, level in {
        "framework: mesos": "wrong",
        "framework: version": "warning",
        "agents": "wrong",
        "previews": "warning",
        "repository of hello": "warning",
    }.items():
        assert seen[part]["level"] == level
        assert seen[part]["advice"]
    shown = run("doctor")
    assert "✗  agents" in shown.out
    assert "→ " in shown.out
    assert "2 things are wrong." in shown.err


def test_a_token_of_little_scope_is_well_and_a_wrong_one_is_not(well: fake.World, run: Run) -> None:
    well.refusals["GET", "/v1/tokens"] = fake.problem(
        "forbidden", 403, "No.", needed="admin", scope="read"
    )
    seen = found(run("doctor", "--json"))
    assert seen["token"]["level"] == "ok"
    assert "read" in seen["token"]["told"]
    wrong = run("doctor", "--json", PREVS_TOKEN="wrong")
    assert wrong.status == 1
    assert levels(wrong)["token"] == "wrong"
    assert levels(wrong)["cluster"] == "skipped"
    assert "PREVS_TOKEN" in found(wrong)["token"]["advice"]


@pytest.mark.parametrize(("status", "content"), [(200, "hi"), (503, UNKNOWN[1])])
def test_an_address_that_leads_elsewhere_is_wrong(
    well: fake.World, run: Run, status: int, content: Any
) -> None:
    with answering(status, content) as port:
        url = f"http://main.hello.localhost:{port}/"
        well.previews["hello", fake.SHA]["url"] = url
        assert levels(run("doctor", "--json"))["addresses"] == "wrong"


def test_several_frameworks_are_each_looked_at(well: fake.World, run: Run, address: str) -> None:
    seen = found(run("doctor", "--json", PREVS_API=f"http://127.0.0.1:9,{address}"))
    assert seen["framework 1"]["level"] == "wrong"
    assert "connection refused" in seen["framework 1"]["told"]
    assert seen["framework 2"]["level"] == "ok"
    assert seen["agents"]["level"] == "ok"


def test_where_nothing_is_known_it_leads_to_make_up_and_to_the_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["doctor", "--json"], {"HOME": str(tmp_path), "PATH": str(tmp_path)}) == 1
    seen = {one["part"]: one for one in json.loads(capsys.readouterr().out)}
    for words in ("make up", "PREVS_API", "prevs local up"):
        assert words in seen["settings"]["advice"]
    assert seen["git"]["level"] == "wrong"
    assert seen["local"]["level"] == "skipped"


def test_a_token_that_others_may_read_is_wrong(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prevs" / "credentials.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"api": address, "token": fake.TOKEN}))
    for mode, level in ((0o644, "wrong"), (0o600, "ok")):
        file.chmod(mode)
        main(["doctor", "--json"], {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)})
        seen = {one["part"]: one["level"] for one in json.loads(capsys.readouterr().out)}
        assert seen["settings"] == level


def test_an_api_that_keeps_silent_holds_nobody_up_for_long(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = run("doctor", "--json", PREVS_API=address)
    assert "no answer in time" in found(done)["framework"]["told"]
    assert levels(done)["token"] == "skipped"
