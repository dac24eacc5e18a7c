"""A real Mesos with authentication of frameworks and of executors."""

import dataclasses
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from local.mesos.installation import Installation
from tests.fakes.program import OwnRoot, Program, make_repository
from tests.integration.mesos.own_mesos import own_mesos
from tests.running_parts import running

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"


class Mesos(NamedTuple):
    """A master and an agent of a test's own."""

    master: str
    agent: str

    @property
    def zk(self) -> str:
        return self.master


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authentication")


@pytest.fixture(scope="module")
def mesos(mesos_installation: Installation, folder: Path) -> Iterator[Mesos]:
    """A Mesos that accepts `prevs` with its secret, and executors with the agent's tokens.

    Only `reader` may read the agent's state and logs.
    """
    credentials, readers = folder / "credentials", folder / "readers"
    credentials.write_text('{"credentials": [{"principal": "prevs", "secret": "right"}]}')
    readers.write_text('{"credentials": [{"principal": "reader", "secret": "lesser one"}]}')
    parts = own_mesos(mesos_installation, folder, **_authenticate_executors(readers))
    environ = {**parts.master.environ, **_authenticate_frameworks(credentials)}
    with running((dataclasses.replace(parts.master, environ=environ), parts.agent)):
        yield Mesos(parts.master.address, parts.agent.address)


def _authenticate_frameworks(credentials: Path) -> dict[str, str]:
    return {
        "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "true",
        "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS": "basic",
        "MESOS_CREDENTIALS": f"file://{credentials}",
    }


def _authenticate_executors(credentials: Path) -> dict[str, str]:
    key = credentials.with_name("jwt-key")
    key.write_text(uuid.uuid4().hex)
    key.chmod(0o600)
    return {
        "MESOS_AUTHENTICATE_HTTP_EXECUTORS": "true",
        "MESOS_JWT_SECRET_KEY": str(key),
        "MESOS_AUTHENTICATE_HTTP_READONLY": "true",
        # Beside the one for tokens an agent has one for passwords, and insists on some.
        "MESOS_HTTP_CREDENTIALS": f"file://{credentials}",
        # For the idle master in the same program (local/mesos), which authenticates too.
        "MESOS_CREDENTIALS": f"file://{credentials}",
    }


@pytest.fixture(scope="module")
def framework(mesos: Mesos, zookeeper: str, folder: Path) -> Iterator[Program]:
    """A framework with a principal at the master, and a reader's principal at the agent."""
    secret, lesser = folder / "secret", folder / "lesser"
    secret.write_text("right\n")
    lesser.write_text("lesser one\n")
    with OwnRoot(mesos, zookeeper, folder) as own:
        program = own.program(
            PRINCIPAL="prevs",
            SECRET_FILE=str(secret),
            AGENTS_PRINCIPAL="reader",
            AGENTS_SECRET_FILE=str(lesser),
        )
        program.run()
        yield program
        assert program.end() == 0
        log = program.log.read_text()
        assert "lesser one" not in log
        assert "right" not in [word.strip('",') for word in log.split()]


@pytest.fixture(scope="module")
def path(framework: Program, folder: Path) -> str:
    """The address of a running preview."""
    return framework.order_first(make_repository(folder / "hello"))[0]


def test_an_agent_with_authentication_accepts_a_principal_that_may_only_read(
    mesos: Mesos, framework: Program, path: str
) -> None:
    """Agents of `prevs local` need a login for /state, but not for /files/read as Mesos's own do.

    The case of one that does is in tests/unit/framework/logs/test_sandbox.py.
    """
    assert "stand-in" in framework.request("GET", f"{path}/log").text
    state = f"http://{mesos.agent}/state"
    credentials_sent = [None, ("prevs", "right"), ("reader", "lesser one")]
    answers = [requests.get(state, auth=auth, timeout=60).status_code for auth in credentials_sent]
    assert answers == [401, 401, 200]


def test_a_framework_with_its_secret_runs_previews_whose_executors_send_their_token(
    mesos: Mesos, framework: Program, path: str, folder: Path
) -> None:
    subscribe = {
        "type": "SUBSCRIBE",
        "framework_id": {"value": "somebody"},
        "executor_id": {"value": framework.request("GET", path).json()["task_id"]},
        "subscribe": {"unacknowledged_tasks": [], "unacknowledged_updates": []},
    }
    for headers in ({}, {"Authorization": "Bearer e30.e30.AAAA"}):
        refused = requests.post(
            f"http://{mesos.agent}/api/v1/executor", json=subscribe, headers=headers, timeout=60
        )
        assert refused.status_code == 401, refused.text

    assert framework.request("DELETE", path).status_code == 202
    framework.wait_state(path, "stopped")
    _assert_no_token_is_left(folder / "agent")


def _assert_no_token_is_left(agent: Path) -> None:
    """Fail if a sandbox has a token: a reader of logs could act as an executor."""
    outputs = [file for name in ("stdout", "stderr") for file in agent.rglob(name)]
    assert outputs
    begin = "eyJ"  # how every token begins: {" in base64
    assert [str(file) for file in outputs if begin in file.read_text(errors="replace")] == []
