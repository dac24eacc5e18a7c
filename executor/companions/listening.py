"""Finds out whether something listens on a port, by the kernel's tables of sockets. Pure."""

from __future__ import annotations

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
"""The tables of a network namespace (proc(5)): `sl local_address rem_address st …` in hex."""

_LISTEN = "0A"


def listens(tables: str, port: int) -> bool:
    """Return whether a socket listens on a port at any address, by the text of the tables."""
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTEN:
            found = words[1].rpartition(":")[2]
            if found and int(found, 16) == port:
                return True
    return False
