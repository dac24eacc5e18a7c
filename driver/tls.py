"""Connects to a Mesos master by TLS, and verifies its certificate with a given authority."""

from __future__ import annotations

import errno
import select
import socket
import ssl
from pathlib import Path


def make_context(authority: Path) -> ssl.SSLContext:
    """Return a context that trusts only the certificates of this authority (PEM).

    Raises ValueError if the file has no certificate.
    """
    try:
        return ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{authority} has no certificate in PEM ({error})") from None


class TlsSocket:
    """A connected socket with TLS that does not block, for pymesos.

    If TLS has to wait, it raises the same errors as a socket without TLS. `wanted` are the poll
    events that the handshake waits for, 0 once it is done.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self.wanted = select.POLLOUT

    def handshake(self) -> None:
        """Continue the handshake. Raises OSError if the certificate is not valid."""
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
        """Return the received bytes, b"" at the end."""
        try:
            return self._sock.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError(errno.EAGAIN, "TLS has to wait") from None

    def pending(self) -> int:
        """Return how many bytes are buffered already, which poll does not see."""
        return self._sock.pending()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close it without a TLS goodbye, as no message here is cut by that."""
        self._sock.close()
