"""Runs the commands that set rules: iptables, ebtables, and their like. One call at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_SYSTEM = "/usr/sbin:/sbin"
_LIMIT = 20.0


class RulesRefused(Exception):
    """Such a command failed; str() is the reason."""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Lock the rules of this network namespace against other executors."""
    with Path("/proc/self/ns/net").open("rb") as namespace:
        fcntl.flock(namespace, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str], rules: str = "") -> str:
    """Return the output of a command: called directly, or by sudo. Raises RulesRefused."""
    try:
        return _execute(command, rules)
    except RulesRefused:
        if os.geteuid() == 0:
            raise
    return _execute(["sudo", "-n", *command], rules)


def list_links() -> set[str]:
    """Return the names of the network interfaces here."""
    return {name for _, name in socket.if_nameindex()}


def _execute(command: Sequence[str], rules: str) -> str:
    try:
        done = subprocess.run(
            command,
            input=rules,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise RulesRefused(f"{command[0]} cannot be used: {exc}") from exc
    if done.returncode != 0:
        raise RulesRefused(f"{command[0]} refused: {_reason(done.stderr)}")
    return done.stdout


def _reason(errors: str) -> str:
    """Return the first line, or the second if the first one is only the program's name."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(":")]
    return (told or lines or ["it gave no reason"])[0]
