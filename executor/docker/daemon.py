"""The connection to this agent's docker daemon. Turns docker-py's connection errors into ours."""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests.exceptions
from docker.api import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError, DockerException, InvalidConfigFile, StreamParseError
from docker.utils import kwargs_from_env, parse_host
from urllib3.exceptions import HTTPError

from executor.docker.engine import DEFAULT_HOST
from executor.errors import DockerUnavailable

_CALL_LIMIT = 60
"""Seconds for one response. Starting a container on a busy machine can take 10."""

_VERSION_HEADER = "Api-Version"
_ANY_VERSION = DEFAULT_DOCKER_API_VERSION
"""For a client that makes no call of a version."""

# docker-py reads streams with urllib3 directly, hence its HTTPError.
_AWAY = (requests.exceptions.RequestException, DockerException, HTTPError)


def connect(**settings: Any) -> APIClient:
    """Return a client that speaks the daemon's version of the API, which is in a header of /_ping.

    docker-py's own version="auto" reads it in /version: for each answer to that, dockerd starts
    `runc --version` and `docker-init --version`. Raises what docker-py raises, and for the daemon
    only DockerException.
    """
    with APIClient(version=_ANY_VERSION, **settings) as asking:
        try:
            answer = asking.get(f"{asking.base_url}/_ping", timeout=_CALL_LIMIT)
        except (*_AWAY, OSError, ValueError) as exc:
            raise DockerException(str(exc)) from exc
    return APIClient(version=answer.headers.get(_VERSION_HEADER, "auto"), **settings)


class Daemon:
    """Connects at the first use, by DOCKER_HOST and the like in `environ`. Thread safe.

    `connect` makes docker-py's client, given its settings.
    """

    def __init__(
        self, environ: Mapping[str, str], connect: Callable[..., APIClient] = connect
    ) -> None:
        self._connect = connect
        self._settings = kwargs_from_env(environment=dict(environ))
        self._lock = threading.Lock()
        self._client: APIClient | None = None
        self._answers: dict[str, Mapping[str, Any]] = {}
        self.host = environ.get("DOCKER_HOST") or DEFAULT_HOST

    def client(self) -> APIClient:
        """Return the one client of this process. Raises DockerUnavailable."""
        with self._lock:
            if self._client is None:
                self._client = self.new_client()
            return self._client

    def info(self) -> Mapping[str, Any]:
        """Return /info as it was first: for what stays as it is while a daemon runs.

        For each answer dockerd starts `runc --version` and `docker-init --version`. Raises
        APIError, DockerUnavailable.
        """
        return self._ask_once("info", lambda client: client.info())

    def version(self) -> Mapping[str, Any]:
        """Return /version as it was first; as info()."""
        return self._ask_once("version", lambda client: client.version())

    def _ask_once(
        self, what: str, ask: Callable[[APIClient], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        client = self.client()
        with self._lock, daemon_errors():
            if what not in self._answers:
                self._answers[what] = ask(client)
            return self._answers[what]

    def new_client(self) -> APIClient:
        """Return a client of the caller's own. Blocks for one call. Raises DockerUnavailable."""
        self._check_address()
        with daemon_errors():
            try:
                return self._connect(timeout=_CALL_LIMIT, **self._settings)
            except (InvalidConfigFile, ValueError, TypeError, AttributeError):
                # docker-py reads the user's config.json, and raises these if it is malformed. For
                # the daemon it raises only DockerException.
                raise DockerUnavailable("its user's config.json is malformed") from None

    def _check_address(self) -> None:
        """Raise DockerUnavailable for a malformed address; docker-py may raise ValueError."""
        address = self._settings.get("base_url")
        try:
            parse_host(address, tls=bool(self._settings.get("tls")))
        except (ValueError, DockerException) as exc:
            raise DockerUnavailable(f"DOCKER_HOST is malformed: {_first_line(exc)}") from None


@contextlib.contextmanager
def daemon_errors() -> Iterator[None]:
    """Raise DockerUnavailable if the daemon does not answer. Its error responses stay APIError."""
    try:
        yield
    except APIError:
        raise
    except (*_AWAY, StreamParseError, struct.error) as exc:
        # The last two mean that the response broke off in the middle.
        raise DockerUnavailable(_first_line(exc)) from exc


def explanation(error: APIError) -> str:
    """Return the message of the daemon's error response."""
    return str(error.explanation or error).strip().rstrip(".")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
