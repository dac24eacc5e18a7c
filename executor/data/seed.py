"""Copies the data of a branch for another one whose own are new.

The source's preview has stopped meanwhile, so the copy is what it left in good order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.attempt.attempt import BRANCH, Attempt, companion_volumes, image_labels
from executor.container.volumes import DockerVolumes
from executor.docker import blame
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import StartFailed
from executor.ports import Volume
from executor.workspace import usage_locks
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder
from prevs import names
from prevs.containers import Keep
from prevs.messages import BuildOrder

_BEGUN = "copy"
"""The note about the first volume that a copy of all has begun, and not ended."""
_PLACE = "/prevs-data"
_WHAT = "the copy of the data of another branch"
_OK = 200
_CHUNK = 1 << 20
_LIMIT = 60.0
"""Seconds until the next chunk."""


class _Pair(NamedTuple):
    """A volume of the new branch, and that of the same owner and path of the source."""

    owner: str
    path: str
    name: str
    source: str


class Seed(NamedTuple):
    """What the data of an attempt's branch begin with.

    `labels` are those by which a reaper finds containers.
    """

    attempt: Attempt
    daemon: Daemon
    uses: UsageLocks
    folder: WorkFolder
    labels: Mapping[str, str]

    def is_due(self) -> bool:
        """Return whether the branch has no data yet, and the source has some.

        What a copy that was cut off has left is removed. Raises StartFailed, AgentUnfit,
        DockerUnavailable.
        """
        with _errors():
            client, pairs = self.daemon.client(), self._pairs()
            if pairs and self.folder.is_prepared(pairs[0].name, _BEGUN):
                for one in pairs:
                    if _exists(client, one.name):
                        client.remove_volume(one.name)
                self.folder.forget_prepared(pairs[0].name)
            is_new = not any(_exists(client, one.name) for one in pairs)
            return is_new and any(_exists(client, one.source) for one in pairs)

    def copy(self, check: Callable[[], None]) -> None:
        """Copy all; `check` is called again and again, and may raise.

        Nobody else may have the data of the source or of the branch. Raises as is_due().
        """
        pairs = self._pairs()
        self.folder.keep_prepared(pairs[0].name, _BEGUN)
        made: list[Volume] = []
        with _errors():
            client = self.daemon.client()
            for one in pairs:
                made += self._have(one)
                with self.uses.using(usage_locks.volume(one.source)):
                    if _exists(client, one.source):
                        self._copy(client, one, check)
        self.folder.forget_prepared(pairs[0].name)
        self._volumes().note_seeded(made)

    def _volumes(self) -> DockerVolumes:
        return DockerVolumes(self.daemon, self.folder, self.uses)

    def _pairs(self) -> Sequence[_Pair]:
        order, folder = self.attempt.order, self.folder.id()

        def name(owner: str, path: str, key: str) -> str:
            created = order.app_created
            return names.volume_name(folder, owner, key, path, app_created=created)

        own, source = (
            names.branch_key(branch, began)
            for branch, began in (
                (order.data, order.data_began),
                (order.seed, order.seed_began),
            )
        )
        return [
            _Pair(owner, path, name(owner, path, own), name(owner, path, source))
            for owner, path in list_volumes(order)
        ]

    def _have(self, pair: _Pair) -> Sequence[Volume]:
        order = self.attempt.order
        labels = {**image_labels(self.attempt), BRANCH: order.data}
        key, created = order.volume_key(Keep.BRANCH), order.app_created
        found = self._volumes().have(pair.owner, key, [pair.path], labels, app_created=created)
        return [one._replace(of_branch=True) for one in found]

    def _copy(self, client: APIClient, pair: _Pair, check: Callable[[], None]) -> None:
        """Copy a volume from one container into another. Neither ever runs.

        The folder itself comes along, with its owner and its rights.
        """
        made = [self._create(client, volume) for volume in (pair.source, pair.name)]
        try:
            # Docker holds a container until its archive is read or closed: get_archive() cannot.
            url = f"{client.base_url}/v{client.api_version}/containers/{made[0]}/archive"
            with client.get(url, params={"path": _PLACE}, stream=True, timeout=_LIMIT) as answer:
                if answer.status_code != _OK:
                    raise StartFailed(f"{_WHAT}: {answer.text.strip()}")
                chunks = answer.iter_content(_CHUNK)
                client.put_archive(made[1], "/", _checked(chunks, check))
        finally:
            for one in made:
                client.remove_container(one, force=True)

    def _create(self, client: APIClient, volume: str) -> str:
        host = client.create_host_config(binds=[f"{volume}:{_PLACE}:nocopy"], network_mode="none")
        made = client.create_container(
            self.attempt.image,
            ["copy"],
            host_config=host,
            labels={**self.labels, "prevs.task": self.attempt.task_id},
        )
        return str(made["Id"])


def list_volumes(order: BuildOrder) -> Sequence[tuple[str, str]]:
    """Return the owner and the path of each volume that is of the branch of an order."""
    run, owner = order.run, names.volume_owner(order.app, trusted=order.trusted)
    found = [(owner, path) for path in run.volumes if run.keep is Keep.BRANCH]
    found += [(owner, name) for name in sorted(run.shared_by_branch)]
    for one in run.companions:
        if one.keep is Keep.BRANCH:
            found += [(companion_volumes(order, one.name), path) for path in one.volumes]
    return found


def _exists(client: APIClient, volume: str) -> bool:
    try:
        client.inspect_volume(volume)
    except NotFound:
        return False
    return True


def _checked(chunks: Iterable[bytes], check: Callable[[], None]) -> Iterator[bytes]:
    for chunk in chunks:
        check()
        yield chunk


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn Docker's errors within the context into those of the attempt."""
    try:
        with daemon_errors():
            yield
    except APIError as exc:
        why = f"{_WHAT}: {explanation(exc)}"
        raise blame.find_call_fault(exc.status_code, why) or StartFailed(why) from exc
