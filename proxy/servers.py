"""Serves ASGI applications on Unix sockets, for HAProxy on the same machine."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

_OPEN_REQUESTS_SECONDS = 1


class Server(uvicorn.Server):
    """A server that leaves signals to the program, which runs two servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def make_server(app: ASGIApp) -> Server:
    """Return a server for `app`; run it with `serve(sockets=[listen(path)])`."""
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
    """Listen on a Unix socket that only this user can reach; replace an old socket."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(1024)
    return listener
