"""executor/container/attachment.py on a real docker daemon: all that a container prints arrives."""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterator

import pytest
from docker.api import APIClient
from docker.types import LogConfig

from executor.container.attachment import Attachment, Follower
from executor.docker.daemon import Daemon
from prevs.log_sources import Source
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import SampleImages, nothing_left
from tests.waits import wait_until

pytestmark = pytest.mark.integration

LABEL = f"prevs.task=following-test-{secrets.token_hex(3)}"
LIMIT = 120


@pytest.fixture
def client(docker_host: str) -> Iterator[APIClient]:
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    with nothing_left(client, LABEL):
        yield client


class CountingLog(MemoryLog):
    """Counts and sums what it gets of each source; its first write takes `first` seconds."""

    def __init__(self, first: float = 0.0) -> None:
        super().__init__()
        self.sizes = dict.fromkeys(Source, 0)
        self.sums = {source: hashlib.sha256() for source in Source}
        self._first = first

    def write(self, data: bytes, source: Source = Source.PREVS) -> None:
        wait, self._first = self._first, 0.0
        time.sleep(wait)
        self.sizes[source] += len(data)
        self.sums[source].update(data)


def follow(client: APIClient, command: str, log: MemoryLog) -> None:
    """Run a shell command in a container, and copy its output until it has ended."""
    images = SampleImages(client)
    image = images.add(f"prevs-test/following:{secrets.token_hex(3)}", command)
    key, _, value = LABEL.partition("=")
    config = client.create_host_config(
        network_mode="none", log_config=LogConfig(type="none", config={})
    )
    made = client.create_container(image, labels={key: value}, host_config=config)["Id"]
    over = threading.Event()
    follower = Follower(Attachment(client, made), log, over)
    thread = threading.Thread(target=follower.follow, args=(lambda: False,), daemon=True)
    client.start(made)
    thread.start()
    client.wait(made, timeout=LIMIT)
    over.set()
    thread.join(LIMIT)
    assert not thread.is_alive()
    client.remove_container(made, force=True, v=True)
    images.clear()


def test_a_flood_of_short_lines_arrives_whole_and_each_stream_by_itself(client: APIClient) -> None:
    log = CountingLog()
    follow(client, "seq 1 1000000 & seq 1 500000 >&2; wait", log)
    for source, last in ((Source.STDOUT, 1_000_000), (Source.STDERR, 500_000)):
        printed = b"".join(b"%d\n" % number for number in range(1, last + 1))
        assert log.sizes[source] == len(printed)
        assert log.sums[source].digest() == hashlib.sha256(printed).digest()
    assert log.headers == []


@pytest.mark.parametrize("size", [100_000, 1_300_000, 5_000_000])
def test_a_container_that_ends_while_nobody_reads_loses_nothing(
    client: APIClient, size: int
) -> None:
    """What docker holds when it ends is more than it would write to a pipe that nobody reads."""
    log = CountingLog(first=5.0)
    follow(client, f"echo; head -c {size} /dev/zero", log)
    assert log.sizes[Source.STDOUT] == size + 1
    assert log.sums[Source.STDOUT].digest() == hashlib.sha256(b"\n" + bytes(size)).digest()


def test_bytes_stay_what_they_are(client: APIClient) -> None:
    log = MemoryLog()
    command = r"printf '\377\376\000\033[31m no line end'; printf '\201' >&2"
    follow(client, command, log)
    assert log.of[Source.STDOUT] == b"\xff\xfe\x00\x1b[31m no line end"
    assert log.of[Source.STDERR] == b"\x81"


def test_a_container_that_prints_faster_than_its_log_takes_it_waits(client: APIClient) -> None:
    release = threading.Event()

    class Held(CountingLog):
        def write(self, data: bytes, source: Source = Source.PREVS) -> None:
            release.wait(LIMIT)
            super().write(data, source)

    log = Held()
    thread = threading.Thread(
        target=follow, args=(client, "head -c 20000000 /dev/zero; exec sleep 0", log), daemon=True
    )
    thread.start()
    label = {"label": LABEL}
    wait_until(lambda: client.containers(filters=label))
    time.sleep(1.0)
    assert client.containers(filters=label), "it cannot have ended: most is still to be printed"
    release.set()
    thread.join(LIMIT)
    assert log.sizes[Source.STDOUT] == 20_000_000
