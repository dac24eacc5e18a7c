"""Serving ASGI applications on Unix sockets of their own, for HAProxy on the same machine."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

_OPEN_REQUESTS_SECONDS = 1


class Server(uvicorn.Server):
    """A server that leaves the signals to the program: there are two of them in it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def make_server(app: ASGIApp) -> Server:
    """Return a server for `app`; `serve(sockets=[listen(path)])` runs it."""
    return Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            ws="none",
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=_OPEN_REQUESTS_SECONDS,
        )
    )


def listen(path: Path) -> socket.socket:
    """Listen on a Unix socket that only this user can reach, in the place of an old one."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(1024)
    return listener
