"""Copies a container's output to the attempt's log, through restarts of its daemon."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.container.log_position import LogPosition, is_stamped
from executor.docker.daemon import daemon_errors, explanation
from executor.errors import DockerUnavailable
from executor.ports import Log
from program.limits.token_bucket import TokenBucket

_RATE = 4 * 1024 * 1024
"""Bytes per second of a container's output that are read in the long run. Reading a flood costs the
agent more than writing it costs the application. What docker rotates away meanwhile is lost."""

_BURST = 16 * 1024 * 1024
"""Bytes that are read at once: more than an ordinary application prints when it starts."""

_LINE_COST = 250
"""The cost of one line, however short, in bytes."""

_RETRY_PAUSE = 0.5
_LONGEST_RETRY_PAUSE = 5.0

logger = logging.getLogger(__name__)


class LogFollower:
    """Follows the output of one container until `over` is set and the output has been read."""

    def __init__(self, client: APIClient, container: str, log: Log, over: threading.Event) -> None:
        self._client = client
        self._id = container
        self._log = log
        self._over = over
        self._has_stopped = threading.Event()
        self._bucket = TokenBucket(_RATE, _BURST, time.monotonic())

    def follow(self, was_away: Callable[[], bool]) -> None:
        """Copy the output until the container has ended. Blocks; never raises.

        `was_away` returns whether the daemon was away: then it may have more output.
        """
        position = LogPosition()
        failures = 0
        while True:
            was_over = self._over.is_set()
            taken = position.taken
            try:
                with daemon_errors():
                    self._read(position)
                failures = 0
            except NotFound:
                return
            except (APIError, DockerUnavailable) as exc:
                # The thread that waits for the container's end sees whether docker returns.
                why = explanation(exc) if isinstance(exc, APIError) else exc.why
                logger.info("the log of the container broke off: %s", why)
                failures = 1 if position.taken > taken else failures + 1
            except Exception:
                # Try again after any error: without its log an application looks silent.
                logger.exception("the log of the container could not be read")
                failures += 1
            pause = min(_RETRY_PAUSE * max(1, failures), _LONGEST_RETRY_PAUSE)
            is_over = was_over or self._has_stopped.is_set()
            # A read that broke off before the end is made again: it may have missed the last lines.
            if is_over or (self._over.wait(pause) and not failures and not was_away()):
                return

    def stop(self) -> None:
        """Read no more: what is left of the output is lost. Does not block."""
        self._has_stopped.set()

    def _read(self, position: LogPosition) -> None:
        pieces = self._client.logs(
            self._id, stream=True, follow=True, timestamps=True, since=position.resume()
        )
        for piece in pieces:
            if self._has_stopped.is_set():
                return
            if not is_stamped(piece):
                # The daemon lost its place, as the log was rotated too fast, and ends with an error
                # message in the stream.
                raise DockerUnavailable(piece.decode(errors="replace").strip())
            if text := position.take(piece):
                self._log.write(text)
            now = time.monotonic()
            self._bucket.take(len(piece) + _LINE_COST, now)
            if delay := self._bucket.wait(0, now):
                self._over.wait(delay)
