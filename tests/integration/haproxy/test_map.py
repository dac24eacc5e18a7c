"""HAProxy's map at its start."""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy, upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration


def replacements(proxy: Proxy) -> int:
    """Return how often the map was replaced as a whole since HAProxy read it from the file."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(proxy.folder / "haproxy.sock"))
        client.sendall(b"show map\n")
        reply = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    [versions] = re.findall(r"routes\.map.* curr_ver=(\d+)", reply)
    return int(versions)


def test_a_haproxy_that_starts_with_the_placements_is_not_given_them_again(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> None:
    with (
        proxies.site(tmp_path, zookeeper, free_port()) as site,
        upstream("one") as one,
        upstream("two") as two,
    ):
        site.tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in site.tree.applied())
        site.proxy.process.terminate()
        assert site.proxy.process.wait(60) == 0
        version = site.tree.place("hello", {SHA: placement("hello", SHA, two.port, "main")})
        site.proxy.restart()
        wait_until(lambda: {"hello": version} in site.tree.applied())
        assert site.proxy.ask("main.hello.localhost").body.startswith(b"two")
        assert replacements(site.proxy) == 0
        placements = {OTHER_SHA: placement("hello", OTHER_SHA, one.port, "main")}
        version = site.tree.place("hello", placements)
        wait_until(lambda: {"hello": version} in site.tree.applied())
        assert site.proxy.ask("main.hello.localhost").body.startswith(b"one")
