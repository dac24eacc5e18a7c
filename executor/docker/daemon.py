"""The connection to this agent's docker daemon; docker-py's errors of it become ours here."""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Iterator, Mapping

import requests.exceptions
from docker.api import APIClient
from docker.errors import APIError, DockerException, InvalidConfigFile, StreamParseError
from docker.utils import kwargs_from_env, parse_host
from urllib3.exceptions import HTTPError

from executor.docker.engine import DEFAULT_HOST
from executor.errors import DockerUnavailable

_CALL_LIMIT = 60
"""Seconds for one answer of the daemon. Starting a container on a busy machine can take 10."""

# The last one is urllib3's: docker-py reads streams past requests.
_AWAY = (requests.exceptions.RequestException, DockerException, HTTPError)


class Daemon:
    """Connects once, when first asked. Thread safe. DOCKER_HOST and its kin in `environ` decide."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._settings = kwargs_from_env(environment=dict(environ))
        self._lock = threading.Lock()
        self._client: APIClient | None = None
        self.host = environ.get("DOCKER_HOST") or DEFAULT_HOST

    def client(self) -> APIClient:
        """Return the one client of this process. Raises DockerUnavailable."""
        with self._lock:
            if self._client is None:
                self._client = self.new_client()
            return self._client

    def new_client(self) -> APIClient:
        """Return a client of the caller's own. Blocks for one call. Raises DockerUnavailable."""
        self._check_address()
        with daemon_errors():
            try:
                return APIClient(version="auto", timeout=_CALL_LIMIT, **self._settings)
            except (InvalidConfigFile, ValueError, TypeError, AttributeError):
                # docker-py reads all of that, logins to registries too, and has no
                # answer to what is malformed. Of the daemon it raises DockerException alone.
                raise DockerUnavailable("its user's config.json is malformed") from None

    def _check_address(self) -> None:
        """Raise DockerUnavailable for an address that docker-py would raise ValueError of too."""
        address = self._settings.get("base_url")
        try:
            parse_host(address, tls=bool(self._settings.get("tls")))
        except (ValueError, DockerException) as exc:
            raise DockerUnavailable(f"DOCKER_HOST is malformed: {_first_line(exc)}") from None


@contextlib.contextmanager
def daemon_errors() -> Iterator[None]:
    """Raise DockerUnavailable for a daemon that does not answer; its refusals pass as APIError."""
    try:
        yield
    except APIError:
        raise
    except (*_AWAY, StreamParseError, struct.error) as exc:
        # The last two are of an answer that broke off in the middle.
        raise DockerUnavailable(_first_line(exc)) from exc


def explanation(error: APIError) -> str:
    """Return the daemon's own sentence for a refusal."""
    return str(error.explanation or error).strip().rstrip(".")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
