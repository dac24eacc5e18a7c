"""A connection that is kept for calls that may be lost, or be executed twice: acknowledgements.

Other calls have a connection each (driver/calls.py). For the statuses of a burst of short tasks,
that would cost more than all else that is done for them.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from driver import calls
from driver.calls import Place
from driver.errors import CallFailed

_KEPT_SECONDS = 5.0
"""How long after its last use a connection is used again: what is between may forget it later."""
_AT_ONCE = 100
"""How many calls are sent before the first answer is read."""


class KeptConnection:
    """Sends calls one behind the other, and waits for about `limit` seconds for their answers.

    A call may reach Mesos twice: if a connection that was kept breaks, it is sent again on a new
    one. Thread safe.
    """

    def __init__(self, limit: float, tls: Optional[ssl.SSLContext] = None) -> None:
        self._limit = limit
        self._tls = tls
        self._lock = threading.Lock()
        self._open: Optional[tuple[str, socket.socket, io.BufferedReader]] = None
        self._used_at = 0.0

    def post_all(self, place: Place, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Send calls of one type. Raises NotConnected if none was sent, CallFailed.

        After CallFailed the calls before the failed one are done, and perhaps later ones.
        """
        with self._lock:
            left = bodies
            while left:
                left = left[self._exchange(place, left[:_AT_ONCE]) :]

    def close(self) -> None:
        """Close the connection, unless calls are just being sent on it. Does not block."""
        if self._lock.acquire(blocking=False):
            self._drop()
            self._lock.release()

    def _exchange(self, place: Place, bodies: Sequence[Mapping[str, Any]]) -> int:
        """Return how many calls were answered: at least one, or this raises."""
        call = str(bodies[0]["type"])
        is_kept = self._find_kept(place)
        try:
            done = self._try(place, call, bodies)
        except CallFailed as error:
            self._drop()
            if is_kept and error.status is None:
                return self._exchange(place, bodies)
            raise
        self._used_at = time.monotonic()
        return done

    def _try(self, place: Place, call: str, bodies: Sequence[Mapping[str, Any]]) -> int:
        sock, answers = self._connect(place, call)
        done = 0
        try:
            sock.settimeout(self._limit)
            sock.sendall(b"".join(calls.post_request(*place, body) for body in bodies))
            while done < len(bodies):
                calls.read_answer(answers).check(call)
                done += 1
        except (OSError, http.client.HTTPException) as exc:
            if not (done and isinstance(exc, ConnectionError)):
                raise calls.unanswered(call, place.address, exc) from exc
            self._drop()
        return done

    def _find_kept(self, place: Place) -> bool:
        """Return whether there is a connection to that place; drop any other."""
        is_old = time.monotonic() - self._used_at > _KEPT_SECONDS
        if self._open is not None and (is_old or self._open[0] != place.address):
            self._drop()
        return self._open is not None

    def _connect(self, place: Place, call: str) -> tuple[socket.socket, io.BufferedReader]:
        if self._open is None:
            sock = calls.connect(call, place.address, self._limit, self._tls).sock
            self._open = (place.address, sock, sock.makefile("rb"))
        return self._open[1:]

    def _drop(self) -> None:
        if self._open is not None:
            _, sock, answers = self._open
            self._open = None
            answers.close()
            sock.close()
