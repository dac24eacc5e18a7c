"""`down`: stops the supervisor, or cleans up after one that was killed."""

import signal
import time
from collections.abc import Callable, Mapping

from local.cluster.launch import supervisor_pid
from local.cluster.progress import Step, follow
from local.docker import containers
from local.docker.dockerd import DockerPart
from local.errors import LocalError
from local.parts import processes
from local.parts.part import bring_up
from local.settings import Settings, docker_folder

_LIMIT = 120.0  # seconds that a supervisor may take to stop all parts
Show = Callable[[Step], None]


def stop(settings: Settings, environ: Mapping[str, str], show: Show) -> bool:
    """End a cluster but keep its state; return whether anything ran."""
    pid = supervisor_pid(settings)
    process = processes.identify(pid) if pid is not None else None
    if process is None:
        return _clean_up(settings, environ, show)
    begun = time.monotonic()
    processes.send(process, signal.SIGTERM)

    def wait() -> bool:
        time.sleep(0.05)
        return time.monotonic() - begun < _LIMIT and processes.is_alive(process)

    for step in follow(settings.progress_file, wait):
        if step.state in {"stopping", "stopped"}:
            show(step)
    if processes.is_alive(process):
        processes.end([process], 0)
        _clean_up(settings, environ, show)
    return True


def _clean_up(settings: Settings, environ: Mapping[str, str], show: Show) -> bool:
    """End what a killed supervisor left: processes, containers, and an unused dockerd."""
    begun = time.monotonic()
    left = processes.marked(settings.cluster)
    processes.end(left, 10)
    docker = DockerPart(docker_folder(environ), environ)
    if docker.runs():
        if docker.pid is not None:
            bring_up(docker)  # our own dockerd: hold its lease while we use it
        try:
            failed = containers.remove_all(docker.address, settings.cluster)
        finally:
            docker.stop()
        if failed:
            advice = "Remove them with `docker rm --force` and `docker network rm`."
            raise LocalError("leftovers", "\n".join(failed), advice)
    if left:
        show(Step("leftovers", "stopped", time.monotonic() - begun, f"{len(left)} processes"))
    return bool(left)
