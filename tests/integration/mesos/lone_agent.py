"""A Mesos agent of a test's own, whose executors work in the test's folder."""

import os
import sys
from pathlib import Path

from local.mesos.parts import Address, Agent


def lone_agent(folder: Path, docker_host: str, port: int) -> Agent:
    """Return an agent in `folder`, not started; PREVS_EXECUTOR_DIR is `executor` in there."""
    return Agent(
        name="agent",
        address=Address("127.0.0.1", port),
        resources="cpus:4;mem:4096;disk:1000;ports:[22000-22099]",
        folder=folder / "agent",
        executor_environ={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "DOCKER_HOST": docker_host,
            "PREVS_EXECUTOR_DIR": str(folder / "executor"),
        },
    )
