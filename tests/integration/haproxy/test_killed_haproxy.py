"""HAProxy is killed: its listening sockets stay open, so clients wait until it is back."""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from local.parts import processes
from proxy.haproxy import config
from proxy.haproxy.config import Files, Front
from proxy.haproxy.old_processes import OldProcesses
from proxy.haproxy.process import HaproxyProcess
from proxy.model.errors import HaproxyFailed
from tests.fakes.placements import SHA, placement
from tests.integration.haproxy.proxies import Site, haproxies, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

HOST = "main.hello.localhost"
EACH_SECONDS = 0.02
"""50 requests a second."""


class Request(NamedTuple):
    """When a request was sent and had ended (monotonic), and what went wrong."""

    sent: float
    ended: float
    problem: str | None


class Kill(NamedTuple):
    """When an HAProxy was killed, and when it surely had ended."""

    at: float
    ended: float


class Traffic:
    """Requests at a steady rate, each on a connection of its own, whether others are answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answered = 0
        self.requests: list[Request] = []

    def send(self) -> None:
        """Send a request and wait for its answer."""
        sent = time.monotonic()
        problem = None
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            client.request("GET", "/", headers={"Host": HOST})
            if (status := client.getresponse().status) != 200:
                problem = str(status)
        except (OSError, http.client.HTTPException) as error:
            problem = repr(error)
        finally:
            client.close()
        self.answered += problem is None
        self.requests.append(Request(sent, time.monotonic(), problem))

    def go_on(self, count: int = 25) -> None:
        """Wait until so many more requests are answered."""
        before = self.answered
        wait_until(lambda: self.answered >= before + count)


@contextlib.contextmanager
def traffic(port: int) -> Iterator[Traffic]:
    """Send requests until the end of the block; all are answered after it."""
    sends, over = Traffic(port), threading.Event()
    with ThreadPoolExecutor(200) as pool:

        def run() -> None:
            while not over.wait(EACH_SECONDS):
                pool.submit(sends.send)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            sends.go_on()
            yield sends
        finally:
            over.set()
            thread.join()


def kill(pid: int) -> Kill:
    """Kill a process, and wait for its end."""
    at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: processes.identify(pid) is None)
    return Kill(at, time.monotonic())


def kill_newest(site: Site) -> Kill:
    """Kill the HAProxy that serves, and wait until the next one does."""
    killed = site.proxy.haproxy
    found = kill(killed)
    wait_until(lambda: site.proxy.haproxy != killed, over=site.proxy.ended)
    return found


def assert_only_open_ones_failed(sent: Traffic, kills: list[Kill]) -> None:
    """Fail if a request failed that was not open when an HAProxy was killed."""
    failed = [one for one in sent.requests if one.problem]
    assert [
        one for one in failed if not any(one.sent <= k.ended and one.ended >= k.at for k in kills)
    ] == []
    assert not [one for one in failed if "Refused" in str(one.problem)]
    assert len(sent.requests) > 50


def test_while_a_killed_haproxy_is_started_again_no_connection_is_refused(site: Site) -> None:
    with upstream("app") as app:
        site.route("hello", {SHA: placement("hello", SHA, app.port, "main")})
        with traffic(site.proxy.port) as sent:
            kills = []
            for _ in range(4):  # the last ones with a pause before HAProxy is started
                kills.append(kill_newest(site))
                sent.go_on()
    assert_only_open_ones_failed(sent, kills)


def test_a_proxy_that_is_killed_with_its_haproxy_refuses_no_connection_either(site: Site) -> None:
    with upstream("app") as app:
        site.route("hello", {SHA: placement("hello", SHA, app.port, "main")})
        with traffic(site.proxy.port) as sent:
            site.proxy.process.kill()
            site.proxy.process.wait()
            killed = kill(site.proxy.haproxy)
            site.proxy.restart()
            sent.go_on()
        wait_until(site.proxy.is_settled)
    assert_only_open_ones_failed(sent, [killed])


def test_what_keeps_the_sockets_is_replaced_when_it_is_killed(site: Site) -> None:
    with upstream("app") as app:
        site.route("hello", {SHA: placement("hello", SHA, app.port, "main")})
        wait_until(site.proxy.is_settled)
        [keeper] = set(haproxies(site.proxy.folder)) - {site.proxy.haproxy}
        with traffic(site.proxy.port) as sent:
            newest = site.proxy.haproxy
            kill(keeper)
            wait_until(lambda: site.proxy.haproxy != newest, over=site.proxy.ended)
            wait_until(site.proxy.is_settled)
            killed = kill_newest(site)
            sent.go_on()
    assert_only_open_ones_failed(sent, [killed])


def test_a_haproxy_that_does_not_start_again_ends_the_proxy_and_clients_are_refused(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """Whoever checks the port has to notice that nothing answers there."""
    files, port = Files(tmp_path), free_port()
    config.write(files, Front(f"127.0.0.1:{port}", "localhost"))

    async def fails() -> None:
        old_processes = OldProcesses(files)
        process = HaproxyProcess(
            files, old_processes, lambda _: contextlib.nullcontext(), variables={}, patience=1.0
        )
        await process.start()
        assert len(old_processes.pids) == 1
        files.bots.unlink()
        [newest] = set(haproxies(tmp_path)) - set(old_processes.pids)
        kill(newest)
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass  # it waits
        try:
            with pytest.raises(HaproxyFailed, match="ended at once"):
                await process.watch()
        finally:
            await process.stop()

    def refuses() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        return False

    asyncio.run(fails())
    wait_until(refuses)  # the kernel takes a moment to end a killed process
    wait_until(lambda: not haproxies(tmp_path))
