"""Tokens of proxies and of one app, at a framework that is started again, on real services."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from framework.zookeeper.connection import connect
from tests.fakes.program import OwnRoot, Program

pytestmark = pytest.mark.integration

USES = {"proxy": "p", "uses": []}


def get_status(program: Program, token: str, path: str) -> int:
    """Return the status of an answer to a token, to a report where the path takes one."""
    headers = {"Authorization": f"Bearer {token}"}
    report = USES if path == "/v1/uses" else None
    method = "POST" if report else "GET"
    url = program.url + path
    return requests.request(method, url, headers=headers, json=report, timeout=60).status_code


def failing(program: Program) -> Sequence[str]:
    """Return the failed checks of a framework that is ready nevertheless."""
    answer = program.request("GET", "/readyz")
    assert answer.status_code == 200
    return [check["name"] for check in answer.json()["checks"] if not check["ok"]]


def test_proxies_have_the_tokens_of_a_file_and_a_missing_file_is_reported(
    own: OwnRoot, tmp_path: Path
) -> None:
    first = own.program()
    first.run()
    assert "proxies" in failing(first)
    assert "proxies have the operator's token" in first.log.read_text()
    assert get_status(first, (tmp_path / "token").read_text(), "/v1/uses") == 204
    first.end()
    file = tmp_path / "proxy-token"
    file.write_text("the-new-token-of-proxies\nthe-old-token-of-proxies\n")
    second = own.program(PROXY_TOKEN_FILE=str(file))
    second.run()
    assert "proxies" not in failing(second)
    assert "operator's token" not in second.log.read_text()
    for token in file.read_text().split():
        assert get_status(second, token, "/v1/uses") == 204
        assert get_status(second, token, "/v1/apps") == 403
        assert token not in second.log.read_text()
    assert get_status(second, (tmp_path / "token").read_text(), "/v1/uses") == 204


def test_a_token_of_one_app_keeps_its_app_at_the_next_framework(own: OwnRoot) -> None:
    first = own.program()
    first.run()
    for app in ("shop", "zebra"):
        first.add_app("/srv/nowhere", name=app)
    order = {"name": "ci", "scope": "use", "app": "shop"}
    token = first.request("POST", "/v1/tokens", json=order).json()["token"]
    first.end()
    client = connect(own.zookeeper, 10)
    try:
        stored = json.loads(client.get(own.paths.token("ci"))[0])
    finally:
        client.stop()
        client.close()
    assert (stored["app"], stored["scope"]) == ("shop", "use")
    second = own.program()
    second.run()
    statuses = {
        path: get_status(second, token, path)
        for path in ("/v1/apps/shop", "/v1/apps/zebra", "/v1/apps", "/v1/agents", "/v1/uses")
    }
    assert list(statuses.values()) == [200, 403, 200, 403, 403]
    assert second.request("DELETE", "/v1/apps/shop").status_code == 204
