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
from program.token_bucket import TokenBucket

_RATE = 4 * 1024 * 1024
"""Bytes per second that are read of a container's output in the long run: reading a flood costs the
agent more than the application that makes it. What docker lets go of meanwhile is not read."""

_BURST = 16 * 1024 * 1024
"""Bytes that are read at once: more than an honest application prints when it starts."""

_LINE_COST = 250
"""Bytes that can be read in the time that one line takes, however short."""

_RETRY_PAUSE = 0.5
_LONGEST_RETRY_PAUSE = 5.0

logger = logging.getLogger(__name__)


class Following:
    """Follows one container until `over` is set and its output has been read."""

    def __init__(self, client: APIClient, container: str, log: Log, over: threading.Event) -> None:
        self._client = client
        self._id = container
        self._log = log
        self._over = over
        self._bucket = TokenBucket(_RATE, _BURST, time.monotonic())

    def follow(self, was_away: Callable[[], bool]) -> None:
        """Copy the output until the container has ended; blocks, never raises.

        `was_away` tells whether its daemon was away, and so may have more to say of it.
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
                # Whoever waits for the container's end tells whether the daemon returns.
                why = explanation(exc) if isinstance(exc, APIError) else exc.why
                logger.info("the log of the container broke off: %s", why)
                failures = 1 if position.taken > taken else failures + 1
            except Exception:
                # Whatever it is: an application whose log nobody reads any more looks silent.
                logger.exception("the log of the container could not be read")
                failures += 1
            pause = min(_RETRY_PAUSE * max(1, failures), _LONGEST_RETRY_PAUSE)
            if was_over or (self._over.wait(pause) and not was_away()):
                return

    def _read(self, position: LogPosition) -> None:
        pieces = self._client.logs(
            self._id, stream=True, follow=True, timestamps=True, since=position.resume()
        )
        for piece in pieces:
            if not is_stamped(piece):
                # It lost its place while the log was rotated, as fast as it is written at times,
                # and says no more than that.
                raise DockerUnavailable(piece.decode(errors="replace").strip())
            if text := position.take(piece):
                self._log.write(text)
            now = time.monotonic()
            self._bucket.take(len(piece) + _LINE_COST, now)
            if delay := self._bucket.wait(0, now):
                self._over.wait(delay)
