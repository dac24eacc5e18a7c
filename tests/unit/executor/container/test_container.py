"""executor/container/container.py: unexpected errors of docker-py, and what needs cgroup v2.

The rest needs a docker.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from docker.api import APIClient
from docker.errors import StreamParseError

from executor.container.attachment import Attachment
from executor.container.container import DockerContainer
from executor.errors import DockerUnavailable
from executor.limits import cgroup
from executor.ports import Exit
from tests.fakes.attached import SentOutput
from tests.fakes.attempts import MemoryLog

DIED = {"Action": "die", "timeNano": 1}
LIMIT = 30.0


class Client:
    """A docker client whose container prints `pieces`, and then ends as `events` describe.

    Its process is the test's own.
    """

    def __init__(
        self, events: Callable[[], Iterator[Mapping[str, Any]]] = lambda: iter([DIED])
    ) -> None:
        self.outputs: list[bytes] = [b""]
        self.is_running = False
        self._events = events
        self.exit_code = 3
        self.until = 0
        self.is_awaited, self.has_ended = threading.Event(), threading.Event()

    def wait(self, container: str) -> Mapping[str, int]:
        self.is_awaited.set()
        self.has_ended.wait(LIMIT)
        return {"StatusCode": self.exit_code}

    def attach_socket(self, container: str, params: object) -> SentOutput:
        return SentOutput(self.outputs.pop(0))

    def events(self, *, until: int, **_: object) -> Iterator[Mapping[str, Any]]:
        self.until = until
        yield from self._events()

    def inspect_container(self, container: str) -> Mapping[str, Any]:
        return {
            "State": {
                "Pid": os.getpid(),
                "ExitCode": self.exit_code,
                "OOMKilled": False,
                "Running": self.is_running,
            }
        }

    def info(self) -> Mapping[str, Any]:
        return {"LiveRestoreEnabled": True}


def outcome(client: Client, log: MemoryLog) -> Exit | None:
    ended = threading.Event()
    container = DockerContainer(
        Attachment(cast(APIClient, client), "c"),
        log=log,
        on_exit=ended.set,
        on_removed=lambda: None,
    )
    assert ended.wait(LIMIT)
    container.drain(LIMIT)
    return container.exit()


def test_an_interrupted_answer_means_that_the_daemon_went_away_for_a_moment() -> None:
    def break_off() -> Iterator[Mapping[str, Any]]:
        yield from ()
        raise StreamParseError("half of an event")

    client = Client(events=break_off)
    client.has_ended.set()
    assert outcome(client, MemoryLog()) == Exit(3, out_of_memory=False)


def test_an_unreadable_exit_is_reported_too() -> None:
    client = Client(events=lambda: iter([{"Action": "die"}]))
    client.has_ended.set()
    with pytest.raises(DockerUnavailable, match="timeNano"):
        outcome(client, MemoryLog())


def test_with_v2_a_killed_container_is_found_though_docker_has_missed_it(tmp_path: Path) -> None:
    def count(file: Path, kills: int) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"max 41\noom 3\noom_kill {kills}\noom_group_kill 0\n")

    root = tmp_path / "above" / "root"
    own = root / cgroup.memory_counters(Path("/proc/self/cgroup").read_text())[-1]
    above = own.parent.parent / own.name
    count(above, 5)
    count(own, 0)
    client, ended = Client(), threading.Event()
    container = DockerContainer(
        Attachment(cast(APIClient, client), "c"),
        log=MemoryLog(),
        on_exit=ended.set,
        on_removed=lambda: None,
        hierarchies=root,
    )
    assert client.is_awaited.wait(LIMIT)
    count(above, 6)
    count(own, 1)
    assert container.memory_kills() == 1, "the group is still there for a moment"
    own.unlink()
    client.exit_code = 137
    client.has_ended.set()
    assert ended.wait(LIMIT)
    assert container.exit() == Exit(137, out_of_memory=True)


def test_news_of_a_lack_of_memory_is_awaited_for_two_seconds_after_a_kill() -> None:
    client = Client()
    client.exit_code = 137
    client.has_ended.set()
    began = time.time()
    assert outcome(client, MemoryLog()) == Exit(137, out_of_memory=False)
    assert client.until >= began + 2
