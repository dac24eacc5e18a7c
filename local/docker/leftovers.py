"""A part that removes what tasks leave in Docker, before the agents start and after they end."""

from collections.abc import Callable

from local.docker import containers
from local.errors import LocalError


class LeftoversPart:
    """A Part without a process: start and stop remove the cluster's containers and networks."""

    name = "leftovers"
    needs = ("dockerd",)
    advice = "Remove them by hand; `docker ps -a --filter label=prevs.cluster` lists them."
    address = ""
    pid = None

    def __init__(self, docker_host: Callable[[], str], cluster: str) -> None:
        self._docker_host = docker_host
        self._cluster = cluster

    def start(self) -> None:
        self._remove()

    def ready(self) -> bool:
        return True

    def problem(self) -> str | None:
        return None

    def last_words(self) -> str:
        return ""

    def give_up(self) -> None:
        return

    def stop(self) -> None:
        self._remove()

    def _remove(self) -> None:
        failed = containers.remove_all(self._docker_host(), self._cluster)
        if failed:
            raise LocalError(self.name, "\n".join(failed), self.advice)
