"""executor/container/log_follower.py on a real docker daemon that loses its place in a container's
log.
"""

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


@pytest.fixture
def container(client: APIClient) -> Iterator[str]:
    """A container that counts, in a log that is rotated every ten lines."""
    images = SampleImages(client)
    image = images.add(f"prevs-test/following:{secrets.token_hex(3)}", COUNTS)
    key, _, value = LABEL.partition("=")
    logged = LogConfig(type="json-file", config={"max-size": "10k", "max-file": "2"})
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
