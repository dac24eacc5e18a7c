"""The registry in which agents share images. The docker daemon pulls from it and pushes to it.

The daemon's responses are streams. They may be silent as long as the registry is, even before their
first byte. So the calls use a connection that another thread can cut; docker-py has no such one.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Optional
from urllib.parse import quote, urlencode

from docker.errors import APIError, ImageNotFound

from executor.builds.login import find_login
from executor.docker.daemon import Daemon, daemon_errors
from executor.docker.engine import connect
from executor.errors import DockerUnavailable, RegistryFailed
from executor.ports import ImageSpec, Signals

_FIRST_RESPONSE = 10.0
"""Seconds for the first response of the registry. Meanwhile the image could be built."""

_SILENCE = 60.0
"""Seconds for which a transfer may make no progress."""

_LOCAL = "prevs/"
_SAME = ("prevs.app", "prevs.commit", "prevs.folder")
"""The labels that show the app and the commit of an image."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class DockerRegistry:
    """Fulfils the port Registry. `address` is "host:port/prefix".

    The login comes from the docker settings of `environ` (executor/builds/login.py).
    """

    def __init__(
        self, daemon: Daemon, address: str, environ: Mapping[str, str], *, signals: Signals
    ) -> None:
        self._daemon = daemon
        self._address = address.rstrip("/")
        self._environ = environ
        self._signals = signals
        self._lock = threading.Lock()
        self._ended = False
        self._pushing: Optional[_Call] = None

    def pull(self, spec: ImageSpec, digest: str, *, limit: float) -> str:
        """Pull an image and tag it; return its digest in the registry.

        Pulls `digest`, or the image's tag if that is "". Blocks for `limit` seconds at most. Raises
        RegistryFailed, Stopped.
        """
        repository, tag = self._name(spec.tag)
        wanted = {"fromImage": repository, "tag": digest or tag}
        name = f"{repository}@{digest}" if digest else f"{repository}:{tag}"
        call = self._call(f"/images/create?{urlencode(wanted)}")
        # Around the call: the image may have come although the call was cut off.
        with self._renamed(name):
            try:
                with _limited(call, limit), self._signals.interrupting(call.cut):
                    found = _last_digest(self._messages(call, _FIRST_RESPONSE))
            finally:
                self._signals.check()
            self._keep(name, spec)
        return found

    def push(self, tag: str, *, limit: float) -> str:
        """Push an image; return its digest. Blocks for `limit` seconds at most.

        Raises RegistryFailed.
        """
        repository, version = self._name(tag)
        call = self._call(f"/images/{quote(repository)}/push?{urlencode({'tag': version})}")
        with self._lock:
            if self._ended:
                raise RegistryFailed("the attempt has ended")
            self._pushing = call
        with self._renamed(f"{repository}:{version}"):
            self._tag(tag, repository, version)
            with _limited(call, limit):
                return _last_digest(self._messages(call, _SILENCE))

    def end(self) -> None:
        """End a push at once, and let no other start. Any thread."""
        with self._lock:
            self._ended = True
            if self._pushing is not None:
                self._pushing.cut()

    def _name(self, tag: str) -> tuple[str, str]:
        """Return the repository and the tag that an image has in the registry."""
        repository, _, version = tag.rpartition(":")
        return f"{self._address}/{repository[len(_LOCAL) :]}", version

    def _call(self, path: str) -> _Call:
        return _Call(self._environ, path, self._address.partition("/")[0])

    def _messages(self, call: _Call, first: float) -> Iterator[Mapping[str, Any]]:
        """Yield the daemon's messages. Raises RegistryFailed for an error among them."""
        for piece in call.pieces(first):
            if "error" in piece:
                raise RegistryFailed(str(piece["error"]).strip())
            yield piece

    def _keep(self, name: str, spec: ImageSpec) -> None:
        """Tag the pulled image if it is the right one."""
        with _registry_errors():
            client = self._daemon.client()
            found = client.inspect_image(name)  # type: ignore[no-untyped-call]
            labels = found["Config"].get("Labels") or {}
        wanted = {key: spec.labels.get(key) for key in _SAME}
        if {key: labels.get(key) for key in _SAME} != wanted:
            raise RegistryFailed("another image has its name there")
        repository, _, version = spec.tag.rpartition(":")
        self._tag(name, repository, version)

    def _tag(self, image: str, repository: str, version: str) -> None:
        with _registry_errors():
            self._daemon.client().tag(image, repository, version)

    @contextlib.contextmanager
    def _renamed(self, name: str) -> Iterator[None]:
        """Remove the registry's name from the image afterwards: its own tag keeps it."""
        try:
            yield
        finally:
            with contextlib.suppress(APIError, DockerUnavailable), daemon_errors():
                self._daemon.client().remove_image(name, noprune=True)


class _Call:
    """One POST to the daemon, with the login to `host`. The response is a stream of JSON."""

    def __init__(self, environ: Mapping[str, str], path: str, host: str) -> None:
        self._environ = environ
        self._path = path
        self._host = host
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

    def pieces(self, first: float) -> Iterator[Mapping[str, Any]]:
        """Yield the daemon's messages; the first one may take `first` seconds.

        Raises RegistryFailed.
        """
        # Here, because it may take as long as a transfer, and can be cut like one.
        login = find_login(self._environ, self._host, self._check)
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.sock.settimeout(first)
                connection.request("POST", self._path, headers={"X-Registry-Auth": login})
                answer = connection.getresponse()
                with self._lock:
                    if self._socket is not None:
                        self._socket.settimeout(_SILENCE)
                if answer.status >= 400:
                    raise RegistryFailed(_refusal(answer.read()))
                for line in answer:
                    if line.strip():
                        yield json.loads(line)
        except socket.timeout:
            raise RegistryFailed("it does not answer") from None
        except (OSError, ValueError, http.client.HTTPException) as exc:
            why = "it was cut off" if self._is_cut else str(exc) or type(exc).__name__
            raise RegistryFailed(why) from exc
        self._check()

    def _check(self) -> None:
        if self._is_cut:
            raise RegistryFailed("it was cut off")

    def _connect(self) -> http.client.HTTPConnection:
        connection = connect(self._environ)
        connection.connect()
        with self._lock:
            self._socket = connection.sock
            if self._is_cut:
                connection.close()
                raise ConnectionAbortedError
        return connection


@contextlib.contextmanager
def _limited(call: _Call, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, call.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _registry_errors() -> Iterator[None]:
    try:
        with daemon_errors():
            yield
    except (APIError, ImageNotFound, DockerUnavailable) as exc:
        raise RegistryFailed(str(exc)) from exc


def _last_digest(messages: Iterator[Mapping[str, Any]]) -> str:
    """Return the digest from the daemon's messages. Raises RegistryFailed."""
    found = ""
    for piece in messages:
        aux = piece.get("aux")
        if isinstance(aux, dict) and _DIGEST.fullmatch(str(aux.get("Digest", ""))):
            return str(aux["Digest"])
        if match := _DIGEST.search(str(piece.get("status", ""))):
            found = match.group()
    if not found:
        raise RegistryFailed("the daemon reports no digest")
    return found


def _refusal(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:200] or "it refused"
