"""The standard input of a job's command."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from typing import cast

from docker.api import APIClient

from executor.docker.daemon import daemon_errors

_CHUNK = 4096

logger = logging.getLogger(__name__)


def feed(client: APIClient, container: str, data: bytes) -> None:
    """Give `data` to a container that has not started, as all that it reads as its standard input.

    Returns at once; a thread of its own writes. The container must have been created with an open
    standard input. Raises APIError, DockerUnavailable.
    """
    with daemon_errors():
        stream = client.attach_socket(container, {"stdin": 1, "stream": 1})
    threading.Thread(target=_write, args=(stream, data), daemon=True, name="stdin").start()


def _write(stream: socket.SocketIO, data: bytes) -> None:
    # docker-py gives the file of a socket; only the socket itself can be shut down for writing.
    sock = cast("socket.socket", getattr(stream, "_sock", stream))
    with contextlib.closing(stream):
        try:
            sock.settimeout(None)
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(_CHUNK):  # until docker has passed it on, or the container is gone
                pass
        except OSError as exc:
            logger.info("the command does not read its standard input to its end: %s", exc)
