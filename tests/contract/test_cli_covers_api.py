"""Whatever the API can do, a command does."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cli.__main__ import main
from tests.fakes import api as stand_in
from tests.fakes import asgi

pytestmark = pytest.mark.contract

SHA = stand_in.SHA
_ONE = "/v1/previews/{app}/{sha}"
COMMANDS: Mapping[str, str] = {
    "GET /v1/apps": "app ls",
    "POST /v1/apps": "app add shop /srv/shop",
    "GET /v1/apps/{app}": "app show hello",
    "PATCH /v1/apps/{app}": "app set hello --mem 64",
    "DELETE /v1/apps/{app}": "app rm hello --yes",
    "GET /v1/apps/{app}/labels/{label}": "show hello main",
    "GET /v1/apps/{app}/refs": "refs hello",
    "GET /v1/apps/{app}/commits": "commits hello main",
    "GET /v1/previews": "ls",
    "POST /v1/previews": "start hello main",
    f"GET {_ONE}": "show hello main",
    f"DELETE {_ONE}": "stop hello main",
    f"POST {_ONE}/retry": "retry hello main",
    f"PUT {_ONE}/pin": "pin hello main",
    f"DELETE {_ONE}/pin": "unpin hello main",
    f"GET {_ONE}/log": "logs hello main",
    "GET /v1/queue": "queue",
    "GET /v1/agents": "agents",
    "GET /v1/events": "events",
    "GET /v1/tokens": "token ls",
    "POST /v1/tokens": "token add ci --scope use",
    "DELETE /v1/tokens/{name}": "token rm old",
    "GET /v1/audit": "audit",
    "GET /readyz": "doctor",
}
ONLY_PROXIES = {"POST /v1/uses", "POST /v1/refusals"}
ONLY_MACHINES = {"GET /healthz", "GET /metrics"}
"""For supervisors and for Prometheus."""


def operations() -> set[str]:
    """Return what the framework's own description lists."""
    paths: Mapping[str, Mapping[str, Any]] = asgi.ApiInProcess().app.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls}


def test_every_operation_of_the_api_has_a_command() -> None:
    assert operations() - ONLY_PROXIES - ONLY_MACHINES <= COMMANDS.keys()


@pytest.mark.parametrize(("operation", "command"), COMMANDS.items())
def test_the_command_asks_for_that_very_operation(operation: str, command: str) -> None:
    world = stand_in.World(
        apps={"hello": stand_in.app("hello")},
        labels={("hello", "main"): SHA},
        previews={("hello", SHA): stand_in.failed()},
        tokens={"old": {"name": "old", "scope": "read", "created": 1.0}},
    )
    with stand_in.serving(world) as address:
        environ = {"PREVS_API": address, "PREVS_TOKEN": stand_in.TOKEN, "HOME": "/nonexistent"}
        main(command.split(), environ)
    method, _, path = operation.partition(" ")
    names = {"app": "hello", "sha": SHA, "label": "main", "name": "old"}
    assert (method, path.format(**names)) in world.asked, json.dumps(world.asked)
