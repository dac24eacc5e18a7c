"""What docker-py gives for an attached container, without a docker."""

import socket
from types import SimpleNamespace


def frame(stream: int, data: bytes) -> bytes:
    """Return docker's frame of some output: stream 1 is stdout, 2 is stderr."""
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class SentOutput:
    """A connection over which docker has sent some bytes; it ends with them unless it `stays`."""

    def __init__(self, data: bytes, *, stays: bool = False) -> None:
        self._sock, self.sender = socket.socketpair()
        self.sender.sendall(data)
        if not stays:
            self.sender.close()
        fp = SimpleNamespace(fp=self._sock.makefile("rb"))
        self._response = SimpleNamespace(raw=SimpleNamespace(_fp=fp))

    def close(self) -> None:
        """Close both ends."""
        self.sender.close()
        self._sock.close()
