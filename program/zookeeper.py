"""What ZooKeeper is as a setting: its servers with a chroot, and who one is there."""

import math
from pathlib import Path

from program.secret_lines import read_lines

_SHARES = 3


def list_servers(servers: str) -> str:
    """Return HOST:PORT,...[/CHROOT] with three servers at least: each as often as that takes.

    kazoo gives each of a list its share of the session to answer a new link. ZooKeeper 3.9 never
    answers some that come while it starts, and of one server that would cost the whole session.
    """
    hosts, slash, chroot = servers.partition("/")
    each = hosts.split(",")
    return ",".join(each * math.ceil(_SHARES / len(each))) + slash + chroot


def list_hosts(servers: str) -> list[str]:
    """Return each HOST:PORT of a setting."""
    return servers.partition("/")[0].split(",")


def read_identities(path: Path) -> tuple[str, ...]:
    """Return the `user:password` lines of a file; the first one owns what is made.

    Raises ValueError for what is none, and has nothing of a line in it.
    """
    found = read_lines(path)
    for number, line in found.items():
        user, colon, password = line.partition(":")
        if not (user and colon and password and line.isprintable()):
            raise ValueError(f"line {number} of {path} is not user:password")
    if not found:
        raise ValueError(f"{path} holds no user:password")
    return tuple(found.values())
