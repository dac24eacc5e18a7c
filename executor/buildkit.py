"""Builds with BuildKit, by the docker command: docker-py speaks only to the classic builder."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from executor import build_log
from executor.errors import Stopped
from executor.ports import Log, Signals
from executor.processes import end_group

_TAIL = 16384
"""How many bytes of output are kept to find the reason of a failure in."""

_OTHER_BUILDERS = ("DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDX_CONFIG")


class BuildKit:
    """The docker command with its buildx plugin, where this agent has both.

    Looks for them as soon as it is made, in a process beside this one. `state` is a folder for
    the plugin's own files: the user that runs it need not have a home.
    """

    def __init__(self, host: str, state: Path, environ: Mapping[str, str]) -> None:
        kept = {name: value for name, value in environ.items() if name not in _OTHER_BUILDERS}
        self._environ = {
            **kept,
            "DOCKER_HOST": host,
            "BUILDX_CONFIG": str(state),
            # It would look for a git repository around the tree, which has none.
            "BUILDX_GIT_INFO": "false",
        }
        self._question: subprocess.Popen[bytes] | None = None
        if shutil.which("docker", path=environ.get("PATH")):
            self._question = subprocess.Popen(
                ["docker", "buildx", "version"],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def available(self) -> bool:
        """Tell whether this agent can build with BuildKit. Blocks for some 50 ms."""
        return self._question is not None and self._question.wait() == 0

    def build(
        self,
        tree: Path,
        options: Iterable[str],
        *,
        limit: float,
        signals: Signals,
        log: Log,
        at_step: Callable[[str], None],
    ) -> None:
        """Build the Dockerfile in `tree`. Raises BuildFailed, DockerUnavailable, Stopped."""
        process = subprocess.Popen(
            ["docker", "buildx", "build", "--progress=plain", *options, str(tree)],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            end_group(process)

        timer = threading.Timer(limit, expire)
        timer.daemon = True
        timer.start()
        try:
            with signals.interrupting(lambda: end_group(process)):
                tail = _stream(process, log, at_step)
        except Stopped:
            end_group(process)
            _stream(process, log, at_step)
            raise
        finally:
            timer.cancel()
        signals.check()
        if expired.is_set():
            raise build_log.too_slow(limit)
        if process.returncode != 0:
            raise build_log.buildkit_failure(tail.decode(errors="replace"))


def _stream(process: subprocess.Popen[bytes], log: Log, at_step: Callable[[str], None]) -> bytes:
    """Copy a process's output to the log until it ends; return the last of it."""
    tail = b""
    steps = build_log.StepReader()
    with process:
        while process.stdout and (data := os.read(process.stdout.fileno(), 65536)):
            log.write(data)
            tail = (tail + data)[-_TAIL:]
            if step := steps.read(data):
                at_step(str(step))
    return tail
