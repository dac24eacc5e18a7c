"""The API's answers do not wait for a TCP acknowledgement, and whom it believes."""

import socket
import threading
from pathlib import Path
from typing import cast

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from framework import settings
from framework.__main__ import _listen, _server
from program.http.request_ids import RequestIds


def test_a_connection_sends_each_part_of_an_answer_at_once(tmp_path: Path) -> None:
    """Head and body are two parts; the second would wait until the client confirms the first."""
    (tmp_path / "token").write_text("the token\n")
    environ = {
        "PREVS_MASTER": "zk://127.0.0.1:2181/mesos",
        "PREVS_ZOOKEEPER": "127.0.0.1:2181",
        "PREVS_TOKEN_FILE": str(tmp_path / "token"),
        "PREVS_DIR": str(tmp_path),
        "PREVS_LISTEN": "127.0.0.1:0",
    }
    with _listen(settings.read(environ)) as listener:
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def _name_client(scope: Scope, receive: Receive, send: Send) -> None:
    client = Request(scope).client
    await PlainTextResponse(client.host if client else "")(scope, receive, send)


@pytest.mark.parametrize(("believes_local", "seen"), [(True, "10.0.1.10"), (False, "127.0.0.1")])
def test_where_a_proxy_signs_people_in_nobody_here_passes_for_it(
    *, believes_local: bool, seen: str
) -> None:
    server = _server(cast(RequestIds, _name_client), believes_local=believes_local)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            answer = httpx.get(url, headers={"X-Forwarded-For": "10.0.1.10"})
        finally:
            server.should_exit = True
            thread.join()
    assert answer.text == seen
