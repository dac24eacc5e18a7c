"""HttpParser: one HTTP/1.1 response, fed in pieces of any size.

The interface is that of http-parser 0.9.0 as far as pymesos 0.3.15 calls it; the parsing is h11's.
There is no `errno` attribute on purpose: by its absence pymesos knows that `get_errno` is there.
"""

from __future__ import annotations

from typing import Final

import h11

OK: Final = 0
INVALID: Final = 1


class HttpParser:
    """Parses one response. Not thread safe, and not to be used again for a second response."""

    def __init__(self) -> None:
        self._connection = h11.Connection(h11.CLIENT)
        # h11 follows a whole exchange: it takes a response only after a request.
        request = h11.Request(method="POST", target="/", headers=[("Host", "any")])
        self._connection.send(request)
        self._connection.send(h11.EndOfMessage())
        self._response: h11.Response | None = None
        self._body = bytearray()
        self._complete = False
        self._errno = OK

    def execute(self, data: bytes, length: int) -> int:
        """Take the first `length` bytes of `data`; none at all mean that the peer has closed.

        Returns how many of them belong to the response: fewer than `length` if the response
        ended before, none after an error (see `get_errno`).
        """
        if self._errno or self._complete:
            return 0
        try:
            self._connection.receive_data(bytes(data[:length]))
            self._take_events()
        except h11.RemoteProtocolError:
            self._errno = INVALID
            return 0
        left_over = len(self._connection.trailing_data[0]) if self._complete else 0
        return length - left_over

    def _take_events(self) -> None:
        while not self._complete:
            event = self._connection.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return
            if isinstance(event, h11.Response):
                self._response = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._complete = True

    def get_errno(self) -> int:
        """Return 0, or another number after bytes that are no HTTP response."""
        return self._errno

    def is_headers_complete(self) -> bool:
        """Tell whether the final response's head is there; interim (1xx) ones don't count."""
        return self._response is not None

    def get_status_code(self) -> int:
        """Return the status, or 0 before the head is complete."""
        return self._response.status_code if self._response else 0

    def get_headers(self) -> dict[str, str]:
        """Return the headers, named as they were sent; repeated ones are joined by a comma."""
        headers: dict[str, str] = {}
        names: dict[str, str] = {}
        for raw_name, raw_value in self._raw_headers():
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            first = names.setdefault(name.lower(), name)
            headers[first] = f"{headers[first]}, {value}" if first in headers else value
        return headers

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        return self._response.headers.raw_items() if self._response else []

    def is_chunked(self) -> bool:
        """Tell whether the body comes in chunks."""
        return any(
            name.lower() == b"transfer-encoding" and value.lower() == b"chunked"
            for name, value in self._raw_headers()
        )

    def is_partial_body(self) -> bool:
        """Tell whether there is body that `recv_body` has not handed out."""
        return bool(self._body)

    def recv_body(self) -> bytes:
        """Return the body that arrived since the last call; empty if there is none."""
        body = bytes(self._body)
        self._body.clear()
        return body

    def is_message_complete(self) -> bool:
        """Tell whether the whole response has arrived."""
        return self._complete
