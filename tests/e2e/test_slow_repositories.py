"""A git server that accepts connections and never answers: what people see meanwhile."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.chromium import Chromium
from tests.e2e.commands import environment
from tests.e2e.conftest import Api, Cluster, Hello
from tests.e2e.own_cluster import ROOT
from tests.e2e.viewers import viewing
from tests.integration.cli.command_runs import process_environ

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

_APP = "hung"
_GIT_GIVES_UP_S = 30
"""framework.git.git_command: http.lowSpeedTime."""


@pytest.fixture
def hung_server() -> Iterator[str]:
    """The address of a repository whose server takes each request, and answers none."""
    taken: list[socket.socket] = []

    def take() -> None:
        with contextlib.suppress(OSError):  # the end of the test closes the listener
            while True:
                taken.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hung.git"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in taken:
        connection.close()


@pytest.fixture
def adding(cluster: Cluster, api: Api, hung_server: str) -> "Iterator[subprocess.Popen[str]]":
    """`prevs app add` of that repository, as it goes on."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "app", "add", _APP, hung_server, "--json"],
        env={**process_environ(dict(environment(cluster))), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()
    api.call("DELETE", f"/v1/apps/{_APP}")


def test_a_git_server_that_hangs_shows_a_page_at_once_and_app_add_tells_and_ends(
    adding: "subprocess.Popen[str]", cluster: Cluster, browser: Chromium, api: Api, hello: Hello
) -> None:
    assert adding.stderr is not None
    told = adding.stderr.readline()
    assert re.match(f"The framework reads the repository of {_APP} for the first time: ", told)
    with viewing(browser) as context:
        page = context.new_page()
        url = f"http://main.{_APP}.{cluster.domain}:{cluster.port}/"
        # git gives up after 30 s: until then there would be an empty tab.
        answer = page.goto(url, timeout=_GIT_GIVES_UP_S * 1000 / 2)
        assert answer is not None
        assert answer.status == 503
        body = expect(page.locator("body"))
        body.to_contain_text(f"prevs reads the repository of '{_APP}' since")
        other = api.call("GET", f"/v1/apps/{hello.app}/labels/main")
        assert other.status_code == 200, "another app waits for nothing"
        silent = f"The git server of '{_APP}' does not answer, or only slowly"
        body.to_contain_text(silent, timeout=_GIT_GIVES_UP_S * 1000)
    printed, errors = adding.communicate(timeout=120)
    assert adding.returncode == 1, errors
    assert json.loads(printed)["name"] == _APP
    assert f"{_APP} is registered, but none of its commits can start." in errors
    assert f"prevs app rm {_APP}" in errors
