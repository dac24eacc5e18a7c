"""What a command leaves behind, and how a test runs one."""

import os
from collections.abc import Callable
from typing import NamedTuple


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def process_environ(environ: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **environ, "TERM": "xterm", "BROWSER": "/bin/false"}
