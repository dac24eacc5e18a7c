"""What one request through the proxy costs HAProxy, in instructions: the same on any machine."""

import contextlib
import http.client
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.haproxy import config, text
from proxy.haproxy.config import Files, Front
from proxy.model.routes import Route
from tests.fakes.placements import SHA
from tests.integration.haproxy.proxies import upstream
from tests.waits import wait_until

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("valgrind") is None,
        reason="valgrind counts instructions: provision/debian.sh --test installs it",
    ),
]

HOST = "main.hello.localhost"
FEW, MANY = 50, 250
_START = 'PREVS_PID=$$ exec valgrind --tool=callgrind --callgrind-out-file=/dev/null haproxy "$@"'

MOST = 80_000
"""Found: 74,000 with HAProxy 3.0.11, for requests of one connection that is kept."""


@contextlib.contextmanager
def counted(folder: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    """Run HAProxy with the proxy's configuration, each of its instructions counted."""
    command = ["sh", "-c", _START, "sh", "-db", "-f", str(Files(folder).configuration)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def answers() -> bool:
        assert process.poll() is None, process.communicate()[1]
        with contextlib.suppress(OSError):
            send_requests(port, 1)
            return True
        return False

    try:
        wait_until(answers)
        yield process
    finally:
        process.kill()
        process.communicate()


def send_requests(port: int, times: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        for _ in range(times):
            client.request("GET", "/", headers={"Host": HOST})
            answer = client.getresponse()
            assert (answer.status, answer.read()[:3]) == (200, b"one")


def instructions(folder: Path, port: int, requests: int) -> int:
    """Return how many instructions HAProxy takes from its start to its end."""
    with counted(folder, port) as haproxy:
        send_requests(port, requests)
        haproxy.terminate()
        _, report = haproxy.communicate(timeout=60)
    found = re.search(r"Collected : (\d+)", report)
    assert found, report
    return int(found[1])


def test_a_request_takes_no_more_instructions(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with upstream("one") as one:
        files = Files(tmp_path)
        config.write(files, Front(f"127.0.0.1:{port}", "localhost"))
        route = Route("127.0.0.1", one.port, f"hello.{SHA}.a1")
        files.map.write_text(text.map_file({HOST: str(route)}))
        few = instructions(tmp_path, port, FEW)
        many = instructions(tmp_path, port, MANY)
    each = (many - few) // (MANY - FEW)
    # At least the cost of one look at the request: otherwise nothing was counted.
    assert 10_000 < each <= MOST, each
