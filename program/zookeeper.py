"""The servers of ZooKeeper, as kazoo is to be given them."""

import math

_SHARES = 3


def list_servers(hosts: str) -> str:
    """Return HOST:PORT,... as a list of three servers at least: each as often as that takes.

    kazoo gives each of a list its share of the session to answer a new link. ZooKeeper 3.9 never
    answers some that come while it starts, and of one server that would cost the whole session.
    """
    servers = hosts.split(",")
    return ",".join(servers * math.ceil(_SHARES / len(servers)))
