"""What of ours takes space in this agent's docker daemon: images, build cache, volumes.

Ours is what has our labels, of the installation `cluster` where several share a daemon. The build
cache has no labels: it is the daemon's as a whole.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Optional

from docker.errors import APIError, NotFound

from executor.cleanup.policy import Kind, Thing, last_use
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.workspace import usage_locks
from executor.workspace.custody import LABEL
from executor.workspace.usage_locks import Uses
from executor.workspace.work_folder import Folder

_SETTLING = 3600.0
"""Seconds for which an image without a tag may be one that is about to get it."""

logger = logging.getLogger(__name__)


def find_disk(daemon: Daemon) -> Optional[Path]:
    """Return the folder in which a daemon keeps all; None where it is not on this machine.

    Raises DockerUnavailable.
    """
    if not daemon.host.startswith("unix://"):
        return None
    with daemon_errors():
        folder = Path(daemon.client().info()["DockerRootDir"])
    return folder if folder.is_dir() else None


class ImageStore:
    """Fulfils the port Store: the images that attempts have built or pulled, and the cache."""

    ages = False
    caches = True

    def __init__(self, daemon: Daemon, cluster: Optional[str], used: Uses, disk: Path) -> None:
        self.disk = disk
        self._daemon = daemon
        self._cluster = cluster
        self._uses = used

    def things(self) -> Sequence[Thing]:
        """Return our images. Raises DockerUnavailable."""
        client = self._daemon.client()
        with daemon_errors():
            has_container = {found["ImageID"] for found in client.containers(all=True)}
            images = client.images(filters={"label": "prevs.app"})
        ours = (found for found in images if self._is_ours(found["Labels"]))
        return [self._thing(found, found["Id"] in has_container) for found in ours]

    def remove(self, thing: Thing) -> bool:
        """Remove an image unless somebody uses it or is about to; tell whether it is gone."""
        client = self._daemon.client()
        with daemon_errors():
            try:
                found: Mapping[str, Any] = client.inspect_image(thing.name)  # type: ignore[no-untyped-call]  # as types-docker has it
                names = _own_tags(found) or [thing.name]
                with contextlib.ExitStack() as stack:
                    for name in names:
                        if not stack.enter_context(self._uses.removing(usage_locks.image(name))):
                            return False
                    for name in names:
                        client.remove_image(name)
            except NotFound:
                return True
            except APIError as exc:
                # 409: a container has it, or another image is made of it.
                logger.info("the image %s stays: %s", thing.name, explanation(exc))
                return False
        return True

    def prune(self, before: float) -> None:
        """Remove what of the build cache was not used since a time. Raises DockerUnavailable."""
        with daemon_errors():
            try:
                self._daemon.client().prune_builds(
                    filters={"until": str(math.ceil(before))}, all=True
                )
            except APIError as exc:
                logger.info("the build cache stays: %s", explanation(exc))

    def _is_ours(self, labels: Mapping[str, str]) -> bool:
        return labels.get("prevs.cluster") == self._cluster

    def _thing(self, found: Mapping[str, Any], has_container: bool) -> Thing:
        tags = _own_tags(found)
        noted = [moment for tag in tags if (moment := self._uses.last(usage_locks.image(tag)))]
        used = last_use(max(noted, default=None), float(found["Created"]))
        if not _tags(found):
            # One that comes from a registry has a digest before it has its tag.
            fresh = time.time() - used < _SETTLING or any(found.get("RepoDigests") or ())
            return Thing(Kind.LEFTOVER, found["Id"], used, has_container or fresh)
        # With a tag that somebody else gave it, it is somebody else's too.
        in_use = has_container or len(tags) < len(_tags(found))
        return Thing(Kind.IMAGE, found["Id"], used, in_use)


class VolumeStore:
    """Fulfils the port Store: the volumes of the previews that run at this agent."""

    ages = True
    caches = False

    def __init__(self, daemon: Daemon, folder: Folder, used: Uses, disk: Path) -> None:
        self.disk = disk
        self._daemon = daemon
        self._folder = folder
        self._uses = used

    def things(self) -> Sequence[Thing]:
        """Return the volumes of this work folder. Raises DockerUnavailable."""
        with daemon_errors():
            found = self._daemon.client().volumes(filters={"label": f"{LABEL}={self._folder.id()}"})
        volumes: Iterable[Mapping[str, Any]] = found["Volumes"] or ()
        return [self._thing(str(volume["Name"]), str(volume["CreatedAt"])) for volume in volumes]

    def remove(self, thing: Thing) -> bool:
        """Remove a volume unless somebody uses it or is about to; tell whether it is gone."""
        with self._uses.removing(usage_locks.volume(thing.name)) as free:
            if not free:
                return False
            try:
                with daemon_errors():
                    self._daemon.client().remove_volume(thing.name)
            except NotFound:
                pass
            except APIError as exc:
                # 409: a container has it.
                logger.info("the volume %s stays: %s", thing.name, explanation(exc))
                return False
            self._folder.forget_prepared(thing.name)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""

    def _thing(self, name: str, made: str) -> Thing:
        noted = self._uses.last(usage_locks.volume(name))
        return Thing(Kind.VOLUME, name, last_use(noted, _moment(made)))


def _tags(image: Mapping[str, Any]) -> Sequence[str]:
    return [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]


def _own_tags(image: Mapping[str, Any]) -> Sequence[str]:
    """Return those of an image's tags that an attempt gives: they have its app and commit."""
    labels = image.get("Labels") or image.get("Config", {}).get("Labels") or {}
    own = f"/{labels.get('prevs.app')}:{labels.get('prevs.commit')}"
    return [tag for tag in _tags(image) if own in f"/{tag}"]


def _moment(text: str) -> float:
    """Return the seconds since the epoch of a time as docker writes it, with a zone or Z."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
