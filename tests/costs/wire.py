"""A real ZooKeeper behind a connection that counts what goes over it."""

import contextlib
import socket
import struct
import threading
from collections import Counter

_LENGTH = struct.Struct(">i")
_HEAD = struct.Struct(">ii")
_WRITES = frozenset({1, 2, 5, 7, 14, 15})
"""create, delete, setData, setACL, multi, create2: as org.apache.zookeeper.ZooDefs has them."""

_READS = frozenset({3, 4, 6, 8, 12})
"""exists, getData, getACL, getChildren, getChildren2."""


class Wire:
    """A connection to a ZooKeeper that counts the requests on it, and the bytes both ways."""

    def __init__(self, zookeeper: str) -> None:
        host, _, port = zookeeper.rpartition(":")
        self._to = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: Counter[str] = Counter()
        self.bytes = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it, and all that goes over it."""
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                threading.Thread(
                    target=self._forward_requests, args=(near, far), daemon=True
                ).start()
                threading.Thread(
                    target=self._forward_answers, args=(far, near), daemon=True
                ).start()

    def _forward_requests(self, near: socket.socket, far: socket.socket) -> None:
        """Forward the framework's requests, frame by frame; the first one opens its session."""
        with contextlib.suppress(OSError, struct.error), near.makefile("rb") as frames:
            session = True
            while head := frames.read(_LENGTH.size):
                (length,) = _LENGTH.unpack(head)
                frame = frames.read(length)
                if not session:
                    self._count(_HEAD.unpack_from(frame)[1])
                session = False
                self.bytes += _LENGTH.size + length
                far.sendall(head + frame)

    def _forward_answers(self, far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                self.bytes += len(data)
                near.sendall(data)

    def _count(self, kind: int) -> None:
        if kind in _WRITES:
            self.requests["writes"] += 1
        elif kind in _READS:
            self.requests["reads"] += 1
