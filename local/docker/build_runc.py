#!/usr/bin/env -S python3 -IS
"""runc for the steps of builds, with fewer capabilities than Docker gives them.

dockerd starts the steps of BuildKit by the program in DOCKER_BUILDKIT_RUNC_COMMAND (moby,
builder-next/executor_linux.go). BuildKit has no option for their capabilities: they are Docker's
default. This program takes most of them out of a step's config.json, and becomes runc.

It is copied to where dockerd may execute it, without the rest of prevs: it needs only Python 3.9.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RUNC = "runc"
COMMAND = "DOCKER_BUILDKIT_RUNC_COMMAND"
"""dockerd's variable for the program that starts the steps of builds."""

KEPT = frozenset(
    f"CAP_{name}"
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
"""What Podman and Buildah give by default (containers/common, pkg/config), and SYS_CHROOT."""

_STARTS = ("run", "create")


def confine(spec: Mapping[str, Any]) -> None:
    """Take all other capabilities from the process of a container's specification."""
    sets = spec["process"].get("capabilities") or {}
    for kind, given in sets.items():
        sets[kind] = [one for one in given or () if one in KEPT]


def find_bundle(arguments: Sequence[str]) -> str | None:
    """Return the folder of the container that runc is to start, None if it is to do another thing.

    BuildKit gives it as `--bundle FOLDER`; without that it is the current folder (runc-run(8)).
    """
    if not any(one in _STARTS for one in arguments):
        return None
    for at, one in enumerate(arguments):
        name, is_one, value = one.partition("=")
        if name in ("--bundle", "-bundle", "-b"):
            return value if is_one else arguments[at + 1]
    return "."


def main(arguments: Sequence[str]) -> None:
    """Become runc. Exits with 1, and starts nothing, if the capabilities cannot be taken."""
    if (bundle := find_bundle(arguments)) is not None:
        file = Path(bundle, "config.json")
        try:
            spec = json.loads(file.read_bytes())
            confine(spec)
            new = file.with_name("config.json.new")
            new.write_text(json.dumps(spec))
            new.replace(file)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as exc:
            sys.exit(f"the capabilities of a build's step cannot be taken: {exc!r}")
    os.execvp(RUNC, [RUNC, *arguments])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
