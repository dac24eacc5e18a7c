"""Removes what executors left whose watchdog died with them, for example in a reboot."""

import logging

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.docker.daemon import Daemon, daemon_errors
from executor.workspace.container_guard import LABEL
from executor.workspace.work_folder import WorkFolder

logger = logging.getLogger(__name__)


def reap(daemon: Daemon, folder: WorkFolder) -> None:
    """Remove the containers, networks and files of the work folder's dead attempts.

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
    with daemon_errors():
        _remove_networks(client, folder)
    for task_id in folder.tasks():
        if task_id not in failed:
            folder.forget(task_id)


def _remove_networks(client: APIClient, folder: WorkFolder) -> None:
    for network in client.networks(filters={"label": f"{LABEL}={folder.id()}"}):
        if folder.lives(network["Labels"]["prevs.task"]):
            continue
        try:
            client.remove_network(network["Id"])
        except NotFound:
            continue
        except APIError:
            # A container that could not be removed is in it: the next reaper tries again.
            logger.exception("could not remove the network %s", network["Name"])
