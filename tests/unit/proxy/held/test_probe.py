"""What a probe of a preview's port looks like from there."""

import asyncio
import socket

import pytest

from proxy.held.probe import accepts_connections
from proxy.model.routes import Route


@pytest.mark.parametrize("source", ["", "127.0.83.1"])
def test_a_probe_comes_from_where_haproxy_connects_from(source: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        route = Route("127.0.0.1", listener.getsockname()[1], "task")
        assert asyncio.run(accepts_connections(route, source))
        peer, (address, _) = listener.accept()
        peer.close()
    assert address == (source or "127.0.0.1")
