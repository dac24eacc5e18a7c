"""What takes space in this agent's docker daemon and is ours: images, build cache, volumes.

Images and volumes are ours if they have our labels, with the installation's `cluster` if several
installations share a daemon. The build cache has no labels: all of the daemon's counts.
"""

from __future__ import annotations

import abc
import contextlib
import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Optional

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.cleanup.policy import Artifact, Kind, last_use
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.workspace import usage_locks
from executor.workspace.container_guard import LABEL
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder
from prevs import names

_SETTLING = 3600.0
"""Seconds for which an image without a tag may still be about to get one."""

logger = logging.getLogger(__name__)


def find_disk(daemon: Daemon) -> Optional[Path]:
    """Return the folder with a daemon's data; None if it is not on this machine.

    Raises APIError, DockerUnavailable.
    """
    if not daemon.host.startswith("unix://"):
        return None
    folder = Path(daemon.info()["DockerRootDir"])
    return folder if folder.is_dir() else None


class _Images(abc.ABC):
    """What all stores of images do in the same way."""

    ages = False

    def __init__(
        self, daemon: Daemon, cluster: Optional[str], uses: UsageLocks, disk: Path
    ) -> None:
        self.disk = disk
        self._daemon = daemon
        self._cluster = cluster
        self._uses = uses

    def remove(self, artifact: Artifact) -> bool:
        """Remove an image unless somebody uses it or is about to; return whether it is gone."""
        try:
            with daemon_errors():
                return self._remove(self._daemon.client(), artifact.name)
        except NotFound:
            return True
        except APIError as exc:
            # 409: a container uses it, or another image is based on it.
            logger.info("could not remove the image %s: %s", artifact.name, explanation(exc))
            return False

    @abc.abstractmethod
    def _remove(self, client: APIClient, image: str) -> bool:
        """Remove an image; return False if somebody uses it. Raises APIError."""

    def _used(self, tag: str) -> Optional[float]:
        return self._uses.last(usage_locks.image(tag))


class ImageStore(_Images):
    """Fulfils the port Store: the images that attempts built or pulled, and the build cache."""

    caches = True

    def artifacts(self) -> Sequence[Artifact]:
        """Return our images. Raises DockerUnavailable."""
        client = self._daemon.client()
        with daemon_errors():
            has_container = {found["ImageID"] for found in client.containers(all=True)}
            images = client.images(filters={"label": "prevs.app"})
        ours = (found for found in images if self._is_ours(found["Labels"]))
        return [self._artifact(found, found["Id"] in has_container) for found in ours]

    def _remove(self, client: APIClient, image: str) -> bool:
        tags = _own_tags(_inspect(client, image)) or [image]
        with contextlib.ExitStack() as stack:
            for tag in tags:
                if not stack.enter_context(self._uses.removing(usage_locks.image(tag))):
                    return False
            for tag in tags:
                client.remove_image(tag)
        return True

    def prune(self, before: float) -> None:
        """Remove the build cache that was not used since a time. Raises DockerUnavailable."""
        with daemon_errors():
            try:
                self._daemon.client().prune_builds(
                    filters={"until": str(math.ceil(before))}, all=True
                )
            except APIError as exc:
                logger.info("could not remove the build cache: %s", explanation(exc))

    def _is_ours(self, labels: Mapping[str, str]) -> bool:
        return labels.get("prevs.cluster") == self._cluster

    def _artifact(self, found: Mapping[str, Any], has_container: bool) -> Artifact:
        tags = _own_tags(found)
        noted = [moment for tag in tags if (moment := self._used(tag))]
        used = last_use(max(noted, default=None), float(found["Created"]))
        if not _tags(found):
            # An image from a registry has a digest before it has its tag.
            fresh = time.time() - used < _SETTLING or any(found.get("RepoDigests") or ())
            return Artifact(Kind.LEFTOVER, found["Id"], used, has_container or fresh)
        # If it has a tag that somebody else gave it, it is somebody else's too.
        in_use = has_container or len(tags) < len(_tags(found))
        return Artifact(Kind.IMAGE, found["Id"], used, in_use)


class PulledStore(_Images):
    """Fulfils the port Store: the images that attempts have pulled for companions."""

    caches = False

    def artifacts(self) -> Sequence[Artifact]:
        """Return these images, by the tags that attempts gave them. Raises DockerUnavailable."""
        repository = names.pulled_repository(self._cluster)
        with daemon_errors():
            images = self._daemon.client().images(name=repository)
        return [
            Artifact(Kind.IMAGE, tag, last_use(self._used(tag), 0.0))
            for found in images
            for tag in _tags(found)
            if tag.startswith(f"{repository}:")
        ]

    def prune(self, before: float) -> None:
        """There is no cache here."""

    def _remove(self, client: APIClient, image: str) -> bool:
        """Its names in registries go with the last of its tags: docker would keep it for them."""
        with self._uses.removing(usage_locks.image(image)) as free:
            if free:
                found = _inspect(client, image)
                others = () if len(_tags(found)) > 1 else found["RepoDigests"] or ()
                for name in (image, *others):
                    client.remove_image(name)
            return free


class VolumeStore:
    """Fulfils the port Store: the volumes of the previews that run at this agent."""

    ages = True
    caches = False

    def __init__(self, daemon: Daemon, folder: WorkFolder, uses: UsageLocks, disk: Path) -> None:
        self.disk = disk
        self._daemon = daemon
        self._folder = folder
        self._uses = uses

    def artifacts(self) -> Sequence[Artifact]:
        """Return the volumes of this work folder. Raises DockerUnavailable."""
        with daemon_errors():
            found = self._daemon.client().volumes(filters={"label": f"{LABEL}={self._folder.id()}"})
        volumes: Iterable[Mapping[str, Any]] = found["Volumes"] or ()
        return [self._artifact(str(volume["Name"]), str(volume["CreatedAt"])) for volume in volumes]

    def remove(self, artifact: Artifact) -> bool:
        """Remove a volume unless somebody uses it or is about to; return whether it is gone."""
        with self._uses.removing(usage_locks.volume(artifact.name)) as free:
            if not free:
                return False
            try:
                with daemon_errors():
                    self._daemon.client().remove_volume(artifact.name)
            except NotFound:
                pass  # it is gone already
            except APIError as exc:
                # 409: a container uses it.
                logger.info("could not remove the volume %s: %s", artifact.name, explanation(exc))
                return False
            self._folder.forget_prepared(artifact.name)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""

    def _artifact(self, name: str, made: str) -> Artifact:
        noted = self._uses.last(usage_locks.volume(name))
        return Artifact(Kind.VOLUME, name, last_use(noted, _moment(made)))


def _inspect(client: APIClient, image: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = client.inspect_image(image)  # type: ignore[no-untyped-call]  # as types-docker has it
    return found


def _tags(image: Mapping[str, Any]) -> Sequence[str]:
    return [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]


def _own_tags(image: Mapping[str, Any]) -> Sequence[str]:
    """Return the tags that an attempt gave to an image: those with its app and commit."""
    labels = image.get("Labels") or image.get("Config", {}).get("Labels") or {}
    own = f"/{labels.get('prevs.app')}:{labels.get('prevs.commit')}"
    return [tag for tag in _tags(image) if own in f"/{tag}"]


def _moment(text: str) -> float:
    """Return the seconds since the epoch of a time as docker writes it, with a zone or Z."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
