"""executor/container/log_follower.py on a real docker daemon that loses its place in a container's
log.
"""

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api import APIClient
from docker.types import LogConfig

from executor.container.log_follower import LogFollower
from executor.docker.daemon import Daemon
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import SampleImages, nothing_left
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="writes to docker's own files: root"),
]

LABEL = f"prevs.task=following-test-{secrets.token_hex(3)}"
COUNTS = (
    "i=0; while :; do i=$((i+1)); echo it counts $i $FILL; sleep 0.02; "
    "if [ -e /enough ]; then echo the end; exec sleep 600; fi; done"
)


@pytest.fixture
def client(docker_host: str) -> Iterator[APIClient]:
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    with nothing_left(client, LABEL):
        yield client


@contextlib.contextmanager
def running(client: APIClient, command: str, **limits: str) -> Iterator[str]:
    """A container that runs a shell command, with a log of such limits."""
    images = SampleImages(client)
    image = images.add(f"prevs-test/following:{secrets.token_hex(3)}", command)
    key, _, value = LABEL.partition("=")
    logged = LogConfig(type="json-file", config=limits)
    made = client.create_container(
        image,
        environment={"FILL": "x" * 1000},
        labels={key: value},
        host_config=client.create_host_config(network_mode="none", log_config=logged),
    )
    client.start(made["Id"])
    yield str(made["Id"])
    client.remove_container(made["Id"], force=True, v=True)
    images.clear()


@pytest.fixture
def container(client: APIClient) -> Iterator[str]:
    """A container that counts, in a log that is rotated every ten lines."""
    with running(client, COUNTS, **{"max-size": "10k", "max-file": "2"}) as made:
        yield made


def test_a_daemon_that_loses_its_place_in_the_log_is_queried_again(
    client: APIClient, container: str
) -> None:
    log, over = MemoryLog(), threading.Event()
    following = LogFollower(client, container, log, over)
    thread = threading.Thread(target=following.follow, args=(lambda: False,), daemon=True)
    thread.start()
    wait_until(lambda: b"it counts 5 " in log.data)
    # It reads that as a line, and prints: "Error grabbing logs: invalid character ...".
    with Path(client.inspect_container(container)["LogPath"]).open("ab") as file:
        file.write(b"nonsense\n")
    before = len(log.data)
    wait_until(lambda: len(log.data) > before + 100_000)
    client.exec_start(client.exec_create(container, ["/bin/busybox", "touch", "/enough"])["Id"])
    wait_until(lambda: b"the end" in log.data)
    assert b"Error" not in log.data
    assert b"nonsense" not in log.data
    client.kill(container)
    over.set()
    thread.join(60)
    assert not thread.is_alive()


def test_the_rest_of_a_flood_is_not_read(client: APIClient) -> None:
    with running(client, "yes | head -n 1000000; exec sleep 600") as flooding:
        over = threading.Event()
        follower = LogFollower(client, flooding, MemoryLog(), over)
        thread = threading.Thread(target=follower.follow, args=(lambda: False,), daemon=True)
        thread.start()
        wait_until(lambda: client.top(flooding)["Processes"][0][-1] == "sleep 600")
        client.kill(flooding)
        over.set()
        # It reads without a pause now, and has most of the flood still to read.
        assert thread.is_alive()
        follower.stop()
        thread.join(5)
        assert not thread.is_alive()
