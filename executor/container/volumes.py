"""The volumes of this agent's previews, which outlive their containers.

The name of a volume is made of the agent's work folder and the preview. A random label
distinguishes it from an earlier volume of that name, which was removed: the new one is empty.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence

from docker.api import APIClient
from docker.errors import APIError

from executor.docker import blame
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import StartFailed
from executor.ports import Volume
from executor.workspace import usage_locks
from executor.workspace.container_guard import LABEL
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder
from prevs import names

_SEEDED = (("seeded",),)
"""What stands for the hooks in a note that data have what they begin with."""
IDENTITY = "prevs.volume"
"""The label that distinguishes volumes of the same name."""


class DockerVolumes:
    """Fulfils the port Volumes with docker-py. The work folder notes which hooks have succeeded."""

    def __init__(self, daemon: Daemon, folder: WorkFolder, uses: UsageLocks) -> None:
        self._daemon = daemon
        self._folder = folder
        self._uses = uses

    def have(
        self,
        app: str,
        sha: str,
        paths: Sequence[str],
        labels: Mapping[str, str],
        *,
        app_created: float = 0.0,
    ) -> Sequence[Volume]:
        """Return the volumes of a preview; creates those that do not exist.

        Raises StartFailed, AgentUnfit, DockerUnavailable.
        """
        client = self._daemon.client()
        folder = self._folder.id()
        found = []
        for path in paths:
            name = names.volume_name(folder, app, sha, path, app_created=app_created)
            # Before its creation, so that no collector removes it before a container uses it.
            self._uses.hold(usage_locks.volume(name))
            found.append(_create(client, name, path, {**labels, LABEL: folder}))
        return found

    def prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> bool:
        """Return whether keep_prepared() was called for these hooks and volumes; no without any."""
        return bool(volumes) and self._folder.is_prepared(volumes[0].name, _key(volumes, hooks))

    def keep_prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> None:
        """Note that these hooks have succeeded on these volumes, if there are any."""
        if volumes:
            self._folder.keep_prepared(volumes[0].name, _key(volumes, hooks))

    def is_seeded(self, volumes: Sequence[Volume]) -> bool:
        """Return whether note_seeded() was called for these volumes; no without any."""
        return self.prepared(_of_branch(volumes), _SEEDED)

    def note_seeded(self, volumes: Sequence[Volume]) -> None:
        """Note that these volumes have what new data begin with, if there are any."""
        self.keep_prepared(_of_branch(volumes), _SEEDED)


def _of_branch(volumes: Sequence[Volume]) -> Sequence[Volume]:
    """Return those of a branch, if there are any, else all; each once, and in one order."""
    found = [one for one in volumes if one.of_branch] or volumes
    once = {one.name: one._replace(path="") for one in found}
    return [once[name] for name in sorted(once)]


def _create(client: APIClient, name: str, path: str, labels: Mapping[str, str]) -> Volume:
    """Return the volume of that name, which exists after this."""
    own = {**labels, IDENTITY: os.urandom(8).hex(), "prevs.path": path}
    try:
        with daemon_errors():
            # docker returns an existing volume as it is.
            made = client.create_volume(name, labels=own)
    except APIError as exc:
        why = f"its volume for {path}: {explanation(exc)}"
        fault = blame.find_call_fault(exc.status_code, why)
        raise fault or StartFailed(why) from exc
    return Volume(path, name, (made.get("Labels") or {}).get(IDENTITY, ""))


def _key(volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> str:
    parts = [sorted((volume.path, volume.identity) for volume in volumes), list(map(list, hooks))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
