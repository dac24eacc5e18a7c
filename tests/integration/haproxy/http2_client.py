"""A client with HTTP/2, which sends many requests on one connection."""

import socket
from collections.abc import Mapping
from types import MappingProxyType

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

_NONE: Mapping[str, str] = MappingProxyType({})


class Client:
    """A connection with HTTP/2 over a socket; requests go to `host` unless they name another."""

    def __init__(self, connected: socket.socket, host: str) -> None:
        self._socket = connected
        self._host = host
        self._connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._headers: dict[int, Mapping[str, str]] = {}
        self._bodies: dict[int, bytes] = {}
        self._ended: set[int] = set()

    def send(self, path: str, host: str = "", headers: Mapping[str, str] = _NONE) -> int:
        """Send a request; return its stream."""
        stream = self._connection.get_next_available_stream_id()
        to = {":scheme": "https", ":path": path, ":authority": host or self._host}
        fields = {":method": "GET", **to, **headers}
        self._connection.send_headers(stream, list(fields.items()), end_stream=True)
        self._flush()
        return stream

    def cancel(self, stream: int) -> None:
        """Reset a stream."""
        self._connection.reset_stream(stream)
        self._flush()

    def headers(self, stream: int) -> Mapping[str, str]:
        """Wait for an answer; return its headers, `:status` among them."""
        while stream not in self._headers:
            self._read()
        return self._headers[stream]

    def body(self, stream: int) -> bytes:
        """Wait for the end of an answer; return its body."""
        while stream not in self._ended:
            self._read()
        return self._bodies[stream]

    def status(self, path: str) -> str:
        """Return the status of the answer to one request."""
        return self.headers(self.send(path))[":status"]

    def _flush(self) -> None:
        self._socket.sendall(self._connection.data_to_send())

    def _read(self) -> None:
        piece = self._socket.recv(65536)
        assert piece, "the proxy has closed the connection"
        for event in self._connection.receive_data(piece):
            if isinstance(event, ResponseReceived):
                self._headers[event.stream_id] = {str(k): str(v) for k, v in event.headers or ()}
            if isinstance(event, DataReceived):
                body = self._bodies.get(event.stream_id, b"")
                self._bodies[event.stream_id] = body + event.data
            if isinstance(event, StreamEnded):
                self._ended.add(event.stream_id)
        self._flush()
