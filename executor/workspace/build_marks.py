"""Steps of a build that go on although it was cut off: the mark by which they are found.

BuildKit loses a step whose build is cut off before runc has said which process it is: what watches
over it ends ("nothing to kill"), and the step runs to its own end, unseen and unlimited. On a busy
machine that is every tenth build that is cut off at its beginning (Docker 26). What the environment
has by a proxy's name reaches every step, no image, and is no part of what BuildKit knows a step
again by: so a name that no host has is added to no_proxy. What looks for it is executor/remains.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from executor.docker.docker_settings import find_settings

_NAME = "no_proxy"


def mark_of(value: str) -> str:
    """Return the name of a host, that there is not, for `value` (hex digits)."""
    return f"prevs-{value}.invalid"


def is_marked(environment: list[bytes], mark: str) -> bool:
    """Tell whether a process with that environment is a step of a build with `mark`."""
    end = mark.encode()
    return any(entry.startswith(b"no_proxy=") and entry.endswith(end) for entry in environment)


def mark_arguments(
    mark: str, args: Mapping[str, str], environ: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the build arguments that mark each step of a build with `args`.

    What else is in no_proxy stays there: the build's own, or what the user's docker is set to.
    """
    given = [value for name, value in args.items() if name.lower() == _NAME]
    known = given[-1] if given else _configured(environ)
    value = f"{known},{mark}" if known else mark
    return {_NAME: value, _NAME.upper(): value}


def _configured(environ: Mapping[str, str]) -> str:
    settings: Any = {}
    with contextlib.suppress(OSError, ValueError):
        settings = json.loads(find_settings(environ).read_text())
    proxies = settings.get("proxies", {}) if isinstance(settings, dict) else {}
    host = environ.get("DOCKER_HOST", "")
    chosen = proxies.get(host) or proxies.get("default", {}) if isinstance(proxies, dict) else {}
    return str(chosen.get("noProxy", "")) if isinstance(chosen, dict) else ""
