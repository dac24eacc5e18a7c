"""Looks in docker whether the containers of a preview run."""

from __future__ import annotations

from collections.abc import Mapping

from docker.errors import APIError, NotFound

from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import DockerUnavailable


class DockerPreviews:
    """Fulfils the port RunningPreviews with docker-py."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def runs(self, container: str, labels: Mapping[str, str]) -> bool:
        """Return whether a container of that name runs, and has these labels, none for "".

        Blocks for one call at most. Raises
        DockerUnavailable.
        """
        try:
            with daemon_errors():
                found = self._daemon.client().inspect_container(container)
        except NotFound:
            return False
        except APIError as exc:
            raise DockerUnavailable(explanation(exc)) from exc
        has = found["Config"]["Labels"] or {}
        matches = all(has.get(name, "") == value for name, value in labels.items())
        return bool(found["State"]["Running"]) and matches
