"""One call that makes the docker daemon speak to a registry, as DockerRegistry and pulls need it.

The daemon's answer is a stream. It may be silent as long as the registry is, even before its first
byte. So the call uses a connection that another thread can cut; docker-py has no such one.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from executor.builds.login import NOBODY, find_login
from executor.docker.engine import connect
from executor.errors import RegistryFailed

FIRST_RESPONSE = 10.0
"""Seconds for the first response of the registry. Meanwhile an image could be built."""

SILENCE = 60.0
"""Seconds for which a transfer may make no progress."""

NO_ANSWER = "it does not answer"
CUT_OFF = "it was cut off"
"""Why a call fails: its registry is silent, or it was cut."""


class RegistryCall:
    """One request to the daemon, with the login to `host`. The response is a stream of JSON.

    With `anonymous` there is no login.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        path: str,
        host: str,
        *,
        method: str = "POST",
        anonymous: bool = False,
    ) -> None:
        self._environ = environ
        self._path = path
        self._host = host
        self._method = method
        self._anonymous = anonymous
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None
        self._is_cut = False

    def cut(self) -> None:
        """Close the connection, which ends the daemon's work for it. Any thread; doesn't block."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Cut it after so many seconds, unless the context has ended by then."""
        timer = threading.Timer(seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def messages(self, first: float) -> Iterator[Mapping[str, Any]]:
        """Yield the daemon's messages; the first one may take `first` seconds.

        Raises RegistryFailed, also for an error among them.
        """
        for piece in self._pieces(first):
            if "error" in piece:
                raise RegistryFailed(str(piece["error"]).strip())
            yield piece

    def _pieces(self, first: float) -> Iterator[Mapping[str, Any]]:
        # Here, because it may take as long as a transfer, and can be cut like one.
        login = NOBODY
        if not self._anonymous:
            login = find_login(self._environ, self._host, self._check)
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.sock.settimeout(first)
                connection.request(self._method, self._path, headers={"X-Registry-Auth": login})
                answer = connection.getresponse()
                with self._lock:
                    if self._socket is not None:
                        self._socket.settimeout(SILENCE)
                if answer.status >= 400:
                    raise RegistryFailed(_refusal(answer.read()))
                for line in answer:
                    if line.strip():
                        yield json.loads(line)
        except socket.timeout:
            raise RegistryFailed(NO_ANSWER) from None
        except (OSError, ValueError, http.client.HTTPException) as exc:
            why = CUT_OFF if self._is_cut else str(exc) or type(exc).__name__
            raise RegistryFailed(why) from exc
        self._check()

    def _check(self) -> None:
        if self._is_cut:
            raise RegistryFailed(CUT_OFF)

    def _connect(self) -> http.client.HTTPConnection:
        connection = connect(self._environ)
        connection.connect()
        with self._lock:
            self._socket = connection.sock
            if self._is_cut:
                connection.close()
                raise ConnectionAbortedError
        return connection


def _refusal(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:200] or "it refused"
