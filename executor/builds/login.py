"""Who an agent is to a registry: the login in docker's settings, or what a credential helper says.

docker-py alone would read the settings of this process, and once, when it connects.
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
"""Seconds for a credential helper: it may ask a server, or somebody who is not there."""

_PAUSE = 0.1
"""Seconds between two looks at whether the login is still wanted."""

_MALFORMED = "a login in them, or what their credential helper says, is malformed"

_NOBODY = "e30="
"""A login without anything in it: {}."""

logger = logging.getLogger(__name__)


def find_login(environ: Mapping[str, str], host: str, check: Callable[[], None]) -> str:
    """Return the login to the registry at `host` as the daemon takes it (X-Registry-Auth).

    It is nobody's where there is none. Blocks for as long as a credential helper takes, 10 s at
    most, and calls `check` meanwhile: what that raises ends the wait. Raises RegistryFailed,
    whose text has nothing of a login.
    """
    answers: queue.SimpleQueue[Union[str, RegistryFailed]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_ask(environ, host))
        except RegistryFailed as exc:
            answers.put(exc)
        except Exception as exc:  # noqa: BLE001 # raised again where the answer is taken
            # Settings may be malformed in any way, and who waits has to hear of each. The texts
            # of such errors may have a part of what was read: they are neither told nor logged.
            answers.put(_refused(f"{_MALFORMED} ({type(exc).__name__})"))

    threading.Thread(target=ask, daemon=True, name="login").start()
    ends = time.monotonic() + _HELPER_LIMIT
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


def _ask(environ: Mapping[str, str], host: str) -> str:
    settings = _read(environ)
    if not settings:
        # docker-py would take that for a question after the settings of this process.
        return _NOBODY
    try:
        logins = auth.load_config(config_dict=settings, credstore_env=dict(environ))
        found = auth.resolve_authconfig(logins, host)
        return auth.encode_header(found).decode() if found else _NOBODY
    except DockerException as exc:
        # It has what a helper said that failed: a reason, but it may be an answer all the same.
        raise _refused(_MALFORMED if '"Secret"' in str(exc) else str(exc)) from None


def _refused(why: str) -> RegistryFailed:
    return RegistryFailed(f"docker's settings do not log in there: {why}")


def _read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings; none where they cannot be read, for a registry may ask for no login."""
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
        why = "it is no object of JSON"
    logger.warning("%s cannot be read, so nobody is logged in: %s", file, why)
    return {}
