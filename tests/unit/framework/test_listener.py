"""The API's answers do not wait for a TCP acknowledgement."""

import socket
from pathlib import Path

from framework import settings
from framework.__main__ import _listen


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
