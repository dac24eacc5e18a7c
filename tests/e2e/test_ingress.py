"""The port of a preview at its agent: proxies reach it, and nobody else does."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
import requests

from tests.e2e.conftest import Api, Hello, StartProxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

AS_ANOTHER = """
import socket, sys

try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2, (sys.argv[3], 0)).close()
except TimeoutError:
    print("closed")
"""


def is_closed(host: str, port: int) -> bool:
    """Return whether nothing answers what a browser of this machine asks."""
    try:
        socket.create_connection((host, port), 2).close()
    except TimeoutError:
        return True
    return False


def is_closed_to_another(host: str, port: int, source: str) -> bool:
    """Return whether it is closed to another user, who connects from a proxy's address."""
    less = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    command = [*less, sys.executable, "-c", AS_ANOTHER, host, str(port), source]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.strip() == "closed"


def test_only_proxies_reach_the_port_of_a_preview_also_one_that_is_added_later(
    hello: Hello, api: Api, visit: Callable[..., requests.Response], start_proxy: StartProxy
) -> None:
    page = visit("main").content
    preview = api.preview("hello", hello.commit("main"))
    host, port = preview["agent"]["host"], preview["host_port"]
    assert is_closed(host, port)
    assert is_closed_to_another(host, port, "127.0.83.1")
    later = start_proxy("127.0.83.7")
    # HAProxy tries for four seconds.
    assert later.request("main.hello.localhost").body == page
    assert is_closed(host, port)
    assert visit("main").content == page
    agents = api.call("GET", "/v1/agents").json()["agents"]
    told = [one["isolation"] for one in agents if one["host"] == host]
    assert [one["ports_open"] for one in told if one] == [""]
