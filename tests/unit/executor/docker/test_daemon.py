"""executor/docker/daemon.py: what docker-py reads before it connects, and the address."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from docker.api import APIClient

from executor.docker.daemon import Daemon
from executor.errors import DockerUnavailable

SECRET = "nobody may see this"


@pytest.mark.parametrize(
    "settings", [[], {"auths": {"x": SECRET}}, {"auths": {"x": {"auth": SECRET}}}, {"auths": 3}]
)
def test_malformed_settings_of_docker_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(DockerUnavailable, match=r"config\.json is malformed") as failed:
        Daemon({"DOCKER_HOST": f"unix://{tmp_path}/none"}).client()
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("tcp://host:abc", "Port could not be cast to integer value as 'abc'"),
        ("tcp://host:99999", "Port out of range 0-65535"),
        ("ssh://user@host:x", "Port could not be cast to integer value as 'x'"),
        ("tcp://[::1", "Invalid IPv6 URL"),
        ("unix://[x", "Invalid IPv6 URL"),
        ("tcp://host", "Invalid bind address format: port is required: tcp://host"),
        ("fd://x", "fd protocol is not implemented"),
    ],
)
def test_a_malformed_address_is_not_reported_as_malformed_settings(address: str, why: str) -> None:
    with pytest.raises(DockerUnavailable) as failed:
        Daemon({"DOCKER_HOST": address}).client()
    assert f"(DOCKER_HOST is malformed: {why})" in str(failed.value)


@pytest.mark.parametrize("environ", [{"HOME": "/"}, {"DOCKER_HOST": ""}])
def test_a_missing_address_is_not_a_malformed_one(environ: dict[str, str]) -> None:
    client = cast(APIClient, object())
    assert Daemon(environ, lambda **_: client).client() is client


def test_what_a_daemon_says_of_itself_is_asked_for_once() -> None:
    class Client:
        asked = 0

        def info(self) -> dict[str, str]:
            self.asked += 1
            return {"CgroupDriver": "cgroupfs"}

        def version(self) -> dict[str, str]:
            self.asked += 1
            return {"Version": "26.1.5"}

    client = Client()
    daemon = Daemon({}, lambda **_: cast(APIClient, client))
    assert daemon.info() == daemon.info() == {"CgroupDriver": "cgroupfs"}
    assert daemon.version() == daemon.version() == {"Version": "26.1.5"}
    assert client.asked == 2


@pytest.mark.parametrize(
    ("headers", "asked"),
    [({"Api-Version": "1.43"}, ["/_ping"]), ({}, ["/_ping", "/version"])],
)
def test_a_client_speaks_the_daemons_version_of_the_api(
    headers: Mapping[str, str], asked: list[str]
) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b'{"ApiVersion": "1.43"}')

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        host = f"tcp://127.0.0.1:{server.server_port}"
        assert Daemon({"DOCKER_HOST": host}).client().api_version == "1.43"
        server.shutdown()
    assert seen == asked


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://a..test:2375"])
def test_a_daemon_that_does_not_answer_is_not_taken_for_malformed_settings(host: str) -> None:
    with pytest.raises(DockerUnavailable) as failed:
        Daemon({"DOCKER_HOST": host}).client()
    assert "config.json" not in str(failed.value)
