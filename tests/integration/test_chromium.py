"""The browser of the tests: no test waits for one that does not close a page."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest
from playwright.sync_api import sync_playwright

from tests import pauses
from tests.chromium import Chromium

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
def impatient() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        made = Chromium(playwright, patience=0.5)
        yield made
        made.close()


def test_a_browser_that_hangs_is_killed_and_the_next_test_has_another(
    impatient: Chromium, capsys: pytest.CaptureFixture[str]
) -> None:
    with impatient.new_page() as page:
        page.set_content("<h1>One</h1>")
        hangs = impatient.pid
        pauses.pause(hangs)
    assert "killed" in capsys.readouterr().err
    with impatient.new_page() as page:
        page.set_content("<h1>Another</h1>")
        assert page.locator("h1").inner_text() == "Another"
    assert impatient.pid != hangs


def test_other_pages_of_a_killed_browser_are_not_waited_for(
    impatient: Chromium, capsys: pytest.CaptureFixture[str]
) -> None:
    with impatient.new_page(), impatient.new_page():
        pauses.pause(impatient.pid)
    assert capsys.readouterr().err.count("killed") == 1


def test_contexts_share_nothing(impatient: Chromium) -> None:
    with impatient.new_context() as one, impatient.new_context() as other:
        one.add_cookies([{"name": "a", "value": "b", "url": "http://127.0.0.1/"}])
        assert [cookie["name"] for cookie in one.cookies()] == ["a"]
        assert other.cookies() == []


class _AcceptsLate(HTTPServer):
    """Accepts nobody at first: one connection waits to be accepted, others to be made."""

    request_queue_size = 0


def _change_network() -> None:
    """Have a network interface come and go. Blocks until Chromium has told itself of that."""
    link = f"t{os.getpid()}"
    subprocess.run(["ip", "link", "add", link, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "addr", "add", "198.51.100.7/32", "dev", link], check=True)
        subprocess.run(["ip", "link", "set", link, "up"], check=True)
        time.sleep(3)  # it waits 2 s for more changes
    finally:
        subprocess.run(["ip", "link", "del", link], check=True)


def test_a_page_arrives_although_the_network_of_the_machine_changes(impatient: Chromium) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_AcceptsLate(("127.0.0.1", 0), SimpleHTTPRequestHandler))
        before = stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port)))

        def accept_later() -> None:
            _change_network()
            before.close()
            server.serve_forever(0.01)

        beside = threading.Thread(target=accept_later)
        page = stack.enter_context(impatient.new_page())
        beside.start()
        try:
            answer = page.goto(f"http://127.0.0.1:{server.server_port}/")
        finally:
            server.shutdown()
            beside.join()
        assert answer is not None
        assert answer.ok
