"""A real Mesos master behind TLS, and a framework that trusts one authority alone.

The Mesos here is of a library whose OpenSSL is gone, so HAProxy ends TLS before it.
"""

import contextlib
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
import trustme

from driver import tls
from driver.scheduler import SchedulerDriver
from tests.conftest import Mesos
from tests.contract.driver.worlds import framework_info
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.program import OwnRoot, Program, make_repository
from tests.waits import wait_for, wait_until

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
CONFIGURATION = """\
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
frontend master
  bind {host}:{port} ssl crt {certificate}
  default_backend master
backend master
  server master {master}
"""


class Door(NamedTuple):
    """The TLS address of the master, and the authority of its certificate."""

    address: str
    authority: Path


MakeDoor = Callable[[str], Door]
MakeProgram = Callable[..., Program]


@pytest.fixture
def door(mesos: Mesos, free_port: Callable[[], int], tmp_path: Path) -> Iterator[MakeDoor]:
    """Put TLS before the master, with a certificate for a name."""
    with contextlib.ExitStack() as stack:

        def open_door(name: str) -> Door:
            folder = tmp_path / f"door-{uuid.uuid4().hex[:6]}"
            folder.mkdir()
            authority, port = trustme.CA(), free_port()
            authority.cert_pem.write_to_path(str(folder / "authority"))
            issued = authority.issue_cert(name)
            issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "certificate"))
            configuration = folder / "haproxy.cfg"
            configuration.write_text(
                CONFIGURATION.format(
                    host=HOST, port=port, certificate=folder / "certificate", master=mesos.master
                )
            )
            command = ["/usr/sbin/haproxy", "-db", "-f", str(configuration)]
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.send_signal, signal.SIGTERM)
            found = Door(f"{HOST}:{port}", folder / "authority")
            wait_until(lambda: _answers(f"https://{found.address}/health"))
            return found

        yield open_door


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        requests.get(url, verify=False, timeout=5)
        return True
    return False


@pytest.fixture
def program(own: OwnRoot) -> MakeProgram:
    def start(master: str, authority: Path) -> Program:
        program = own.program(MASTER=master, MASTER_CA_FILE=str(authority))
        program.start()
        return program

    return start


def wait_trouble(program: Program, text: str) -> None:
    """Wait until a framework is up and reports its problem with Mesos."""

    def is_reported() -> bool:
        with contextlib.suppress(requests.RequestException):
            answer = program.request("GET", "/readyz")
            return answer.status_code == 503 and text in answer.text
        return False

    wait_until(is_reported)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_all_traffic_to_the_master_uses_tls(
    door: MakeDoor, program: MakeProgram, tmp_path: Path
) -> None:
    there = door(HOST)
    framework = program(there.address, there.authority)
    framework.wait_ready()
    path, _ = framework.order_first(make_repository(tmp_path / "hello"))
    assert len(framework.request("GET", "/v1/agents").json()["agents"]) == 2
    assert framework.request("GET", f"{path}/log").status_code == 200
    assert framework.request("DELETE", path).status_code == 202
    framework.wait_state(path, "stopped")
    assert framework.end() == 0


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_nothing_is_sent_to_anybody_but_the_master(door: MakeDoor, program: MakeProgram) -> None:
    right, other = door(HOST), door("other.example.org")
    wait_trouble(program(right.address, other.authority), "failed the TLS handshake")
    assert trouble(other.address, other.authority, "certificate verify failed")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_server_without_tls_is_reported(mesos: Mesos, door: MakeDoor) -> None:
    there = door(HOST)
    assert trouble(mesos.master, there.authority, "failed the TLS handshake")
    assert trouble(there.address, None, there.address)


def trouble(master: str, authority: Path | None, text: str) -> str:
    """Return the driver's problem with a master, once it contains a text."""
    received = RecordedScheduler()
    context = tls.make_context(authority) if authority else None
    driver = SchedulerDriver(received, framework_info(), master, tls=context)
    driver.start()
    try:
        problem = wait_for(
            lambda: driver.problem, lambda problem: text in problem, f"it says {text!r}"
        )
        assert received.names() == []
    finally:
        driver.stop()
    return problem
