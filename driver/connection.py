"""One try at a subscription: a pymesos connection that always ends with a LinkOver."""

from __future__ import annotations

import http
import os
import select
import socket
import ssl
from typing import Optional

from driver import library
from driver.tls import TlsSocket

# With these the kernel notices a peer that vanished, even while we only read.
_UNANSWERED_MS = 30_000
_PROBE_SECONDS = 10
_PIPE_SIZE = 4096
_TEXT_LIMIT = 1000


class LinkOver(Exception):
    """A connection has ended; `status` is the HTTP status if a response came."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class _Answer(library.HttpParser):
    """A response that pymesos sees only if it is a stream, or once it is complete.

    pymesos decides by the head alone. Then it loses the reason in the body, or fails on it (P7).
    """

    text = ""

    def is_headers_complete(self) -> bool:
        """Return whether pymesos may read the head."""
        return super().is_headers_complete() and (self._is_stream or self.is_message_complete())

    def is_partial_body(self) -> bool:
        """Return whether there are events."""
        return self._is_stream and super().is_partial_body()

    def recv_body(self) -> bytes:
        """Return what arrived; if it is no stream, keep it as text too."""
        body = super().recv_body()
        if not self._is_stream:
            self.text = body.decode("utf-8", "replace")[:_TEXT_LIMIT].strip()
        return body

    @property
    def _is_stream(self) -> bool:
        return self.get_status_code() == http.HTTPStatus.OK


class Connection(library.Connection):
    """Connects without blocking (except for DNS), subscribes, and passes events on.

    For one thread. Raises LinkOver from the constructor and `serve`.
    """

    def __init__(
        self, address: str, callback: library.Process, tls: Optional[ssl.SSLContext] = None
    ) -> None:
        self._context = tls
        self._tls: Optional[TlsSocket] = None
        try:
            super().__init__(address, callback)
        except (OSError, ValueError, OverflowError) as exc:
            # The name does not resolve, the network is down, or the address is malformed.
            sock = getattr(self, "_sock", None)
            if sock is not None:
                sock.close()
            raise LinkOver(f"cannot connect to {address}: {exc}") from exc
        self._parser = self._answer = _Answer()
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_SECONDS)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MS)

    @property
    def wanted(self) -> int:
        """The poll events to wait for."""
        if self._tls is not None and self._tls.wanted:
            return self._tls.wanted
        if self.want_write() or not self.connected:
            return select.POLLIN | select.POLLOUT
        return select.POLLIN

    def serve(self, happened: int) -> None:
        """Handle these poll events."""
        if not self.connected:
            error = self.handle_connect_event()
            if error:
                raise LinkOver(f"cannot connect to {self.addr[0]}:{self.addr[1]}: {error}")
            if self._context is not None:
                self._tls = self._sock = TlsSocket(self._sock, self._context, self.addr[0])
        if self._tls is not None and self._tls.wanted:
            self._handshake(self._tls)
            return
        if happened & select.POLLOUT and self.want_write() and not self.write():
            raise LinkOver("the connection broke while SUBSCRIBE was sent")
        if happened & ~select.POLLOUT:
            self._read()

    def _handshake(self, tls: TlsSocket) -> None:
        try:
            tls.handshake()
        except OSError as exc:
            raise LinkOver(
                f"{self.addr[0]}:{self.addr[1]} failed the TLS handshake: {exc}"
            ) from exc

    def _read(self) -> None:
        try:
            goes_on = self.read()
            while goes_on and self._tls is not None and self._tls.pending():
                goes_on = self.read()
        except (RuntimeError, ValueError, KeyError, TypeError) as exc:
            # pymesos raises these for unexpected responses (P7).
            raise self._ending(str(exc) or type(exc).__name__) from exc
        if not goes_on:
            raise self._ending("closed the stream")

    def _ending(self, what: str) -> LinkOver:
        """Return the end of this connection: an error response, or else `what`."""
        status = self._answer.get_status_code() or None
        if status not in (None, http.HTTPStatus.OK):
            text = self._answer.text
            what = f"answered HTTP {status}: {text}" if text else f"answered HTTP {status}"
        return LinkOver(f"{self.addr[0]}:{self.addr[1]} {what}", status)


def wait(waker: int, connection: Connection | None, seconds: float | None) -> int:
    """Wait for a byte in the pipe `waker` (and read it), the connection, or the time.

    Returns the connection's poll events, 0 for none. poll, as select fails beyond 1024 files.
    """
    poll = select.poll()
    poll.register(waker, select.POLLIN)
    if connection is not None:
        poll.register(connection.fileno(), connection.wanted)
    # Rounded up: after a wait that is too short the caller would loop until its time comes.
    ready = dict(poll.poll(None if seconds is None else int(seconds * 1000) + 1))
    if waker in ready:
        os.read(waker, _PIPE_SIZE)
    return ready.get(connection.fileno(), 0) if connection is not None else 0
