"""Settings for ZooKeeper: the servers with a chroot, and the identities."""

import math
from pathlib import Path

from program.settings.secret_lines import read_lines

_SHARES = 3


def list_servers(servers: str) -> str:
    """Return HOST:PORT,...[/CHROOT] with at least three servers, repeating them if needed.

    kazoo divides the session's time among the servers of the list, as the limit for a connection
    to be answered. ZooKeeper 3.9 never answers some connections that come while it starts; with one
    server in the list, such a connection would cost the whole session.
    """
    hosts, slash, chroot = servers.partition("/")
    each = hosts.split(",")
    return ",".join(each * math.ceil(_SHARES / len(each))) + slash + chroot


def list_hosts(servers: str) -> list[str]:
    """Return the HOST:PORT of each server in a setting."""
    return servers.partition("/")[0].split(",")


def read_identities(path: Path) -> tuple[str, ...]:
    """Return the `user:password` lines of a file; the first user owns new znodes.

    Raises ValueError for an invalid line; the error contains nothing of the line.
    """
    found = read_lines(path)
    for number, line in found.items():
        user, colon, password = line.partition(":")
        if not (user and colon and password and line.isprintable()):
            raise ValueError(f"line {number} of {path} is not user:password")
    if not found:
        raise ValueError(f"{path} holds no user:password; write at least one line")
    return tuple(found.values())
