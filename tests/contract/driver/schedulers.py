"""What the tests of a scheduler's defects share, besides their fixtures."""

import socket
from collections.abc import Callable
from typing import Any

from driver.pace import Pace
from driver.scheduler import SchedulerDriver

Json = dict[str, Any]
Make = Callable[..., SchedulerDriver]
FRAMEWORK: Json = {"user": "u", "name": "n", "roles": ["r"], "failover_timeout": 2419200.0}
QUICK = Pace(first_delay=0.02, longest_delay=0.08, answer_limit=5.0)
IMPATIENT = Pace(first_delay=0.02, longest_delay=0.08, answer_limit=1.0)


def listen(backlog: int) -> socket.socket:
    """Return a socket that takes connections, and never answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    listener.settimeout(30.0)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return host:port of a socket."""
    return f"127.0.0.1:{listener.getsockname()[1]}"
