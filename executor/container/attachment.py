"""The connection over which docker sends the output of a container, from its first byte on.

docker passes on what it reads from the container's pipes, and holds about a megabyte for each
connection. If we are slower than that, the container waits when it prints: nothing is lost. docker
itself keeps no log, which would cost it more than all else for short lines.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.docker.daemon import daemon_errors
from executor.errors import DockerUnavailable
from executor.ports import Log
from prevs.log_sources import Source, gap_text
from program.limits.token_bucket import TokenBucket

_BLOCK = 256 * 1024
"""Bytes that are read at once."""

_HEADER = 8
"""Bytes before each frame: its stream in the first one, its size in the last four."""

_SOURCES = {1: Source.STDOUT, 2: Source.STDERR}

_RATE = 128 * 1024 * 1024
"""Bytes per second of one container in the long run: a flood must not take a machine's processors,
which copy it several times. The container waits, as above."""

_GATHER = 0.0003
"""Seconds between reads while much comes, so that each gets more: every read has its price. What
docker holds meanwhile fits into the connection."""

_LITTLE = 4096
"""Bytes that are no flood."""

_RETRY_PAUSE = 0.5
_LAST_WORDS = 2.0
"""Seconds for what a read that is given up still has to write."""

_AWAY = gap_text(None, "Docker did not answer, and nobody knows what was printed meanwhile")

logger = logging.getLogger(__name__)


class Piece(NamedTuple):
    """Bytes of one stream."""

    source: Source
    data: bytes


class Frames:
    """Takes docker's stream, however it is cut. It has a frame for each piece of output. Pure."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the output in the next bytes of the stream; neighbours of one source as one."""
        data = self._rest + data
        at, source, parts = 0, Source.STDOUT, list[bytes]()
        while at + _HEADER <= len(data):
            begin = at + _HEADER
            end = begin + int.from_bytes(data[at + 4 : begin], "big")
            if end > len(data):
                break
            found = _SOURCES.get(data[at], Source.STDOUT)
            if found is not source and parts:
                yield Piece(source, b"".join(parts))
                parts = []
            source = found
            parts.append(data[begin:end])
            at = end
        self._rest = data[at:]
        if parts:
            yield Piece(source, b"".join(parts))


class Attachment:
    """One connection. Raises APIError, DockerUnavailable if there is none."""

    def __init__(self, client: APIClient, container: str) -> None:
        """Connect; a container that has not started sends all that it prints."""
        self.client = client
        self.container = container
        with daemon_errors():
            self._stream: Any = client.attach_socket(
                container, {"stdout": 1, "stderr": 1, "stream": 1}
            )
        self._socket = cast("socket.socket", getattr(self._stream, "_sock", self._stream))
        self._socket.settimeout(None)

    def read(self) -> Iterator[bytes]:
        """Yield what docker sends, until the container's end or that of the connection. Blocks.

        Raises OSError.
        """
        # What came with the headers of the answer is in its buffer, and not in the socket any more.
        reader = self._stream._response.raw._fp.fp
        while data := reader.read1(_BLOCK):
            yield data

    def end(self) -> None:
        """Let read() end. Any thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, which nobody reads any more."""
        self.end()
        self._stream.close()


class Follower:
    """Copies the output of one container to the attempt's log, through restarts of its daemon.

    `over` is set once the container has ended, and `attachment` was there before it started.
    """

    def __init__(self, attachment: Attachment, log: Log, over: threading.Event) -> None:
        self._client = attachment.client
        self._id = attachment.container
        self._attachment: Attachment | None = attachment
        self._log = log
        self._over = over
        self._given_up = threading.Event()
        self._bucket = TokenBucket(_RATE, _RATE, time.monotonic())

    def follow(self, was_away: Callable[[], bool]) -> None:
        """Copy the output until the container has ended. Blocks; never raises.

        `was_away` returns whether the daemon was away: then it may have had more output.
        """
        while self._attachment is not None:
            try:
                self._copy(self._attachment)
            except OSError as exc:
                logger.info("the output of the container broke off: %s", exc)
            except Exception:
                # Go on after any error: without its log an application looks silent.
                logger.exception("the output of the container could not be copied")
            finally:
                self._attachment.close()
            is_over = self._over.wait(_RETRY_PAUSE)
            if self._given_up.is_set() or (is_over and not was_away()):
                return
            self._attachment = self._attach_again(was_away)

    def wait(self, thread: threading.Thread, seconds: float) -> None:
        """After the container's end, wait until `thread` has copied all, for `seconds` at most.

        What is left then is lost, and the log says so.
        """
        thread.join(0.0 if self._given_up.is_set() else seconds)
        if self._given_up.is_set() or not thread.is_alive():
            return
        self._given_up.set()
        if (attachment := self._attachment) is not None:
            attachment.end()
        why = f"Docker did not pass on the end of the output within {seconds:g} s"
        self._log.header(gap_text(None, why))
        thread.join(_LAST_WORDS)

    def _copy(self, attachment: Attachment) -> None:
        frames = Frames()
        for data in attachment.read():
            for piece in frames.feed(data):
                if self._given_up.is_set():
                    return
                self._log.write(piece.data, piece.source)
            now = time.monotonic()
            self._bucket.take(len(data), now)
            if delay := self._bucket.wait(0, now):
                self._over.wait(delay)
            elif len(data) > _LITTLE:
                time.sleep(_GATHER)

    def _attach_again(self, was_away: Callable[[], bool]) -> Attachment | None:
        """Return another connection, None if the container has ended; say if output is missing."""
        found: Attachment | None = None
        is_away = False
        while not self._given_up.is_set():
            try:
                with daemon_errors():
                    state = self._client.inspect_container(self._id)["State"]
                if state["Running"]:
                    found = Attachment(self._client, self._id)
                break
            except NotFound:
                break
            except (APIError, DockerUnavailable):
                is_away = True
                # The thread that waits for the container's end sees whether docker returns.
                if self._over.wait(_RETRY_PAUSE):
                    break
        if found is not None or is_away or was_away():
            self._log.header(_AWAY)
        return found
