"""The mark by which steps are found that go on after their build was cut off.

BuildKit loses a step if its build is cut off before runc has reported the step's pid: the code that
should kill it ends ("nothing to kill"), and the step runs to its end, unseen and without a limit.
On a busy machine this happens to one in ten builds that are cut off right after the start
(Docker 26; https://github.com/moby/buildkit/issues/2855 has the same end).

The proxy arguments of a build, such as no_proxy, reach the environment of every step, do not end up
in the image, and do not change the cache key. So each build adds the name of a host that does not
exist to no_proxy. executor/cleanup/orphans.py looks for it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from executor.docker.docker_settings import find_settings

_NAME = "no_proxy"


def mark_of(value: str) -> str:
    """Return the mark for `value` (hex digits): the name of a host that cannot exist."""
    return f"prevs-{value}.invalid"


def is_marked(environment: list[bytes], mark: str) -> bool:
    """Return whether a process with this environment is a step of a build with `mark`."""
    end = mark.encode()
    return any(entry.startswith(b"no_proxy=") and entry.endswith(end) for entry in environment)


def mark_arguments(
    mark: str, args: Mapping[str, str], environ: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the build arguments that mark each step of a build with `args`.

    They keep the value that no_proxy has already: the build's own, or that of docker's settings.
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
