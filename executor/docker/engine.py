"""Talks to the docker daemon with the standard library alone, for example to remove a container.

executor/cleanup/orphans.py uses it: docker-py takes 25 MB and 0.1 s for one call, and the machine
may be short of both.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

DEFAULT_HOST = "unix:///var/run/docker.sock"
_CALL_LIMIT = 60.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_CALL_LIMIT)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def remove_container(environ: Mapping[str, str], name: str) -> int | None:
    """Kill a container and remove it; return the HTTP status, None if docker does not answer.

    204: removed, 404: there is none, 409: it is being removed. DOCKER_HOST and the like in
    `environ` say where the daemon is. Blocks for a minute at most. Never raises.
    """
    return _delete(environ, f"/containers/{quote(name)}?force=1&v=1")


def remove_network(environ: Mapping[str, str], name: str) -> int | None:
    """Remove a network without containers; return what remove_container() returns."""
    return _delete(environ, f"/networks/{quote(name)}")


def _delete(environ: Mapping[str, str], path: str) -> int | None:
    connection = None
    try:
        connection = connect(environ)
        connection.request("DELETE", path)
        return connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        if connection is not None:
            connection.close()


def connect(environ: Mapping[str, str]) -> http.client.HTTPConnection:
    """Return a connection to the daemon; it connects at the first use. Raises OSError, ValueError.

    DOCKER_HOST and the like in `environ` say where the daemon is.
    """
    host = environ.get("DOCKER_HOST") or DEFAULT_HOST
    if host.startswith("unix://"):
        return _UnixConnection(host.removeprefix("unix://"))
    address = urlsplit(host)
    certificates = environ.get("DOCKER_CERT_PATH")
    if not certificates and not environ.get("DOCKER_TLS_VERIFY"):
        return http.client.HTTPConnection(
            address.hostname or "localhost", address.port or 2375, timeout=_CALL_LIMIT
        )
    return http.client.HTTPSConnection(
        address.hostname or "localhost",
        address.port or 2376,
        timeout=_CALL_LIMIT,
        context=_tls(
            Path(certificates or Path(environ.get("HOME", "/")) / ".docker"),
            verify=bool(environ.get("DOCKER_TLS_VERIFY")),
        ),
    )


def _tls(folder: Path, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem") if verify else None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
    return context
