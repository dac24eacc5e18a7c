"""Finds an agent's login to a registry: in docker's settings, or by a credential helper.

docker-py reads the settings only once, when it connects, and by this process's own environment.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Union

from docker import auth
from docker.errors import DockerException

from executor.docker.docker_settings import find_settings
from executor.errors import RegistryFailed

_HELPER_LIMIT = 10.0
"""Seconds for a credential helper: it may call a server, or prompt a user who is not there."""

_PAUSE = 0.1
"""Seconds between checks whether the login is still wanted."""

_MALFORMED = "a login in them, or the output of their credential helper, is malformed"

NOBODY = "e30="
"""An empty login: {}."""

logger = logging.getLogger(__name__)


_Found = Union[str, RegistryFailed]


def find_login(
    environ: Mapping[str, str],
    host: str,
    check: Callable[[], None],
    *,
    limit: float = _HELPER_LIMIT,
) -> str:
    """Return the login to the registry at `host` as the daemon takes it (X-Registry-Auth).

    The login is empty if there is none. Blocks as long as a credential helper takes, `limit`
    seconds at most. Calls `check` meanwhile, and raises what `check` raises. Raises RegistryFailed,
    whose text has nothing of a login.
    """
    answers: queue.SimpleQueue[_Found] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: answers.put(_find(environ, host)), daemon=True, name="login"
    ).start()
    ends = time.monotonic() + limit
    while time.monotonic() < ends:
        try:
            found = answers.get(timeout=_PAUSE)
        except queue.Empty:
            check()
            continue
        if isinstance(found, RegistryFailed):
            raise found
        return found
    raise RegistryFailed("the credential helper of docker's settings does not answer")


def _find(environ: Mapping[str, str], host: str) -> _Found:
    """Return the login, or why there is none. Never raises."""
    try:
        return _resolve(environ, host)
    except RegistryFailed as exc:
        return exc
    except Exception as exc:  # noqa: BLE001 # raised again in the other thread
        # Settings may be malformed in any way, and each must be reported. The text of such an
        # error may contain a part of the settings, so it is neither reported nor logged.
        return _refused(f"{_MALFORMED} ({type(exc).__name__})")


def _resolve(environ: Mapping[str, str], host: str) -> str:
    settings = _read(environ)
    if not settings:
        # With empty settings docker-py would read those of this process.
        return NOBODY
    try:
        logins = auth.load_config(config_dict=settings, credstore_env=dict(environ))
        found = auth.resolve_authconfig(logins, host)
        return auth.encode_header(found).decode() if found else NOBODY
    except DockerException as exc:
        # Its text has the output of a helper that failed. That may contain a login after all.
        raise _refused(_MALFORMED if '"Secret"' in str(exc) else str(exc)) from None


def _refused(why: str) -> RegistryFailed:
    return RegistryFailed(f"docker's settings give no login there: {why}")


def _read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings; {} if they cannot be read, as a registry may need no login."""
    file = find_settings(environ)
    try:
        settings = json.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as exc:
        why = exc.strerror
    except ValueError:
        why = "it is not JSON"
    else:
        if isinstance(settings, dict):
            return settings
        why = "it is not a JSON object"
    logger.warning("%s cannot be read, so there are no logins to registries: %s", file, why)
    return {}
