"""The job of all that are compared: `true` in a container of an image that is there.

Celery and RQ import this module in workers of their own Python, so it imports nothing of ours.
"""

import os
import subprocess
from collections.abc import Sequence

PLACES = 4
"""How many run at a time."""

COMMAND = ("true",)
MEM = 64
"""MB of memory, as a limit. Each also has the CPU shares of one CPU."""

HOST, IMAGE, BROKER = "BENCH_DOCKER", "BENCH_IMAGE", "BENCH_BROKER"
"""Where workers find the docker, the image, and Redis."""


def docker_run(host: str, image: str, command: Sequence[str]) -> list[str]:
    """Return the words that run a command in a container, which is removed at its end."""
    limits = ["--memory", f"{MEM}m", "--cpu-shares", "1024"]
    return ["docker", "--host", host, "run", "--rm", "--init", *limits, image, *command]


def work() -> int:
    """Run the container; return its exit code. This is the task of RQ, and in that of Celery."""
    words = docker_run(os.environ[HOST], os.environ[IMAGE], COMMAND)
    return subprocess.run(words, check=True, stdin=subprocess.DEVNULL).returncode
