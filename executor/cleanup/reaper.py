"""Removes what executors left whose watchdog died with them, for example in a reboot."""

import logging

from docker.errors import APIError, NotFound

from executor.docker.daemon import Daemon, daemon_errors
from executor.workspace.container_guard import LABEL
from executor.workspace.work_folder import WorkFolder

logger = logging.getLogger(__name__)


def reap(daemon: Daemon, folder: WorkFolder) -> None:
    """Remove the containers and the files of the work folder's dead attempts.

    Several calls may run at the same time. Raises DockerUnavailable, OSError.
    """
    client = daemon.client()
    failed = set()
    with daemon_errors():
        found = client.containers(all=True, filters={"label": f"{LABEL}={folder.id()}"})
        for container in found:
            task_id = container["Labels"]["prevs.task"]
            # Checked after the list was made: an attempt holds its lock before it has a container.
            if folder.lives(task_id):
                continue
            logger.warning("removing the container of %s, whose executor is dead", task_id)
            try:
                client.remove_container(container["Id"], force=True, v=True)
            except NotFound:
                continue
            except APIError as exc:
                # 409: its removal is in progress already.
                if exc.status_code != 409:
                    logger.exception("could not remove the container of %s", task_id)
                    failed.add(task_id)
    for task_id in folder.tasks():
        if task_id not in failed:
            folder.forget(task_id)
