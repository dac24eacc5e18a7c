"""What tests leave in a Docker that others use too, and its removal after the last of them.

An attempt's image, the cache of its build and its volumes stay, as the next attempt wants them. But
the next test has an app of its own: twenty runs left 20,000 records of the cache, and Docker took
15 s to list them.
"""

import contextlib
import fcntl
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from docker.api import APIClient
from docker.errors import APIError

_AT_ONCE = 200
"""Records of the cache that one call removes: their ids are part of its address."""


class Left(NamedTuple):
    """Tags of previews' images, ids of images without a tag, volumes, and records of the cache."""

    tags: Collection[str]
    untagged: Collection[str]
    volumes: Collection[str]
    cache: Collection[str]


@contextlib.contextmanager
def removing(host: str, folder: Path) -> Iterator[None]:
    """In the context, tests may use a Docker; the last of all runs that do removes what they left.

    In `folder` the runs find each other.
    """
    before = folder / "before-tests.json"
    folder.mkdir(parents=True, exist_ok=True)  # another's dockerd answers, and ours never ran
    with (folder / "test-workers").open("ab") as users:
        if _try_lock(users):  # the first one: no other run uses it
            before.unlink(missing_ok=True)
        fcntl.flock(users, fcntl.LOCK_SH)
        if not before.exists():  # or the last one of another run has just removed it
            with contextlib.closing(APIClient(base_url=host, version="auto")) as client:
                before.write_text(json.dumps([sorted(kind) for kind in _look(client)]))
        try:
            yield
        finally:
            if _try_lock(users):
                known = Left(*json.loads(before.read_text()))
                with contextlib.closing(APIClient(base_url=host, version="auto")) as client:
                    _remove(client, known)
                before.unlink()


def _try_lock(file: IO[bytes]) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _look(client: APIClient, unless: Collection[str | None] = ()) -> Left:
    """Return what there is, except what is of some clusters. The cache says nothing of clusters."""
    images = [image for image in client.images() if _cluster(image) not in unless]
    found = client.volumes(filters={"label": "prevs.app"})["Volumes"] or ()
    sizes = f"{client.base_url}/v{client.api_version}/system/df"
    cache = client.get(sizes, params={"type": "build-cache"}).json()["BuildCache"] or ()
    tags = {tag for image in images for tag in image["RepoTags"] or () if tag.startswith("prevs/")}
    return Left(
        tags,
        {image["Id"] for image in images if not image["RepoTags"]},
        {volume["Name"] for volume in found if _cluster(volume) not in unless},
        {record["ID"] for record in cache},
    )


def _cluster(made: Mapping[str, Any]) -> str | None:
    """Return the cluster of an image, a container or a volume."""
    return (made["Labels"] or {}).get("prevs.cluster")


def _remove(client: APIClient, known: Left) -> None:
    """Remove what is not `known`, except what is of clusters in use."""
    used = {_cluster(container) for container in client.containers(all=True)} - {None}
    left = _look(client, used)
    # Where a cluster is in use, what says nothing of clusters may be of a build of it.
    untagged = set() if used else set(left.untagged) - set(known.untagged)
    for image in (*(set(left.tags) - set(known.tags)), *untagged):
        with contextlib.suppress(APIError):  # another run uses it by now, or it was another's
            client.remove_image(image)
    for volume in set(left.volumes) - set(known.volumes):
        with contextlib.suppress(APIError):
            client.remove_volume(volume)
    cache = sorted(set(left.cache) - set(known.cache))
    for first in range(0, len(cache), _AT_ONCE):
        ids = "|".join(map(re.escape, cache[first : first + _AT_ONCE]))
        # Its types have two of the filters (Engine API, BuildPrune).
        client.prune_builds(filters={"id": f"^({ids})$"}, all=True)  # type: ignore[arg-type]
