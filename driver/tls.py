"""TLS to a Mesos master, whose certificate is of a known authority."""

from __future__ import annotations

import errno
import select
import socket
import ssl
from pathlib import Path


def make_context(authority: Path) -> ssl.SSLContext:
    """Return what takes certificates of an authority (PEM) for their own names, and no others.

    Raises ValueError for a file that has none.
    """
    try:
        return ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{authority} has no certificate in PEM ({error})") from None


class TlsSocket:
    """A connected socket that speaks TLS without blocking, as pymesos uses one.

    Where TLS has to wait, it raises what a socket without TLS raises then. `wanted` are the poll
    events that the handshake waits for, 0 once it is done.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self.wanted = select.POLLOUT

    def shake(self) -> None:
        """Go on with the handshake. Raises OSError where the other side is not who it should be."""
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self.wanted = select.POLLIN
        except ssl.SSLWantWriteError:
            self.wanted = select.POLLOUT
        else:
            self.wanted = 0

    def send(self, data: bytes) -> int:
        """Send some of `data`; return how much."""
        try:
            return self._sock.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError(errno.EAGAIN, "TLS has to wait") from None

    def recv(self, size: int) -> bytes:
        """Return what has come, nothing at the end."""
        try:
            return self._sock.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError(errno.EAGAIN, "TLS has to wait") from None

    def pending(self) -> int:
        """Return how many bytes are here already, of which poll knows nothing."""
        return self._sock.pending()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close it, without a word: what is sent here is whole, or of no use."""
        self._sock.close()
