"""The registry in which agents share images. The docker daemon pulls from it and pushes to it."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Optional
from urllib.parse import quote, urlencode

from docker.errors import APIError, ImageNotFound

from executor.builds.registry_call import FIRST_RESPONSE, SILENCE, RegistryCall
from executor.docker.daemon import Daemon, daemon_errors
from executor.errors import DockerUnavailable, RegistryFailed
from executor.ports import ImageSpec, Signals

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
        self._pushing: Optional[RegistryCall] = None

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
                with call.limited(limit), self._signals.interrupting(call.cut):
                    found = _last_digest(call.messages(FIRST_RESPONSE))
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
            with call.limited(limit):
                return _last_digest(call.messages(SILENCE))

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

    def _call(self, path: str) -> RegistryCall:
        return RegistryCall(self._environ, path, self._address.partition("/")[0])

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
