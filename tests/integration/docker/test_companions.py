"""Containers beside an application, with real git and docker: start, network, data, end."""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from prevs import names
from prevs.commit_settings import BuildSettings, RunSettings
from prevs.companions import Companion
from prevs.states import Cause, Phase
from tests.fakes.samples import SERVE
from tests.integration.docker.attempts import APP, Agent
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def answering(text: str, port: int, after: float = 0.0) -> tuple[str, ...]:
    """Return a command that answers `text` to whoever connects, and obeys SIGTERM."""
    serve = f"while :; do echo {text} | nc -l -p {port} > /dev/null; done & wait"
    return shell(f"trap 'echo bye; exit 0' TERM; sleep {after}; echo up; {serve}")


ASK = "exec httpd -f -p \"$PORT\" -h /www"
"""The application, which serves its page."""


def asking(*names_and_ports: str) -> tuple[str, ...]:
    """Return a command that serves what its companions answer."""
    asked = "".join(f"nc {one.replace(':', ' ')} < /dev/null >> /www/index.html; " for one in names_and_ports)
    return shell(f": > /www/index.html; {asked}{ASK}")


def test_the_containers_of_a_preview_share_a_network_in_which_names_are_its_own_loopback(
    agent: Agent,
) -> None:
    sha = agent.image(SERVE)
    settings = RunSettings(
        command=asking("db:5000", "cache:6000"),
        hooks=(shell("nc db 5000 < /dev/null > /dev/null && echo the hook saw it"),),
        companions=(
            Companion("db", command=answering("i am db", 5000), ready_port=5000),
            Companion("cache", command=answering("i am cache", 6000), ready_port=6000),
        ),
    )
    seen: dict[str, Any] = {}

    def look() -> None:
        found = agent.client.containers(filters={"label": f"prevs.app={APP}"})
        seen.update({one["Labels"].get("prevs.companion", ""): one for one in found})

    agent.when["TASK_RUNNING"] = look
    answers: list[str] = []

    def running() -> None:
        look()
        answers.append(agent.get())
        agent.kill()

    agent.when["TASK_RUNNING"] = running
    agent.run(sha, run=settings)
    assert answers == ["i am db\ni am cache\n"], agent.message
    assert sorted(seen) == ["", "cache", "db"]
    assert b"the hook saw it" in agent.log.data
    assert agent.containers() == []
