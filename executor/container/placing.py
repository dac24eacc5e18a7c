"""Puts files of the commit into a container that has been created, as copies of its own.

Docker carries them in an archive, so nothing of it is a file of the agent that the container sees.
They belong to the container's user; those that it may only read belong to root, without write bits.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Sequence
from typing import NamedTuple

from docker.api import APIClient
from docker.errors import APIError

from executor.docker.daemon import daemon_errors
from executor.ports import PlacedFile

_PASSWD, _GROUP = "/etc/passwd", "/etc/group"
_MOST = 1_000_000
"""Bytes that are read of such a file of an image."""


class Owner(NamedTuple):
    """The ids of a container's user."""

    user: int = 0
    group: int = 0


def place(
    client: APIClient, container: str, files: Sequence[PlacedFile], *, read_only: bool
) -> None:
    """Put files into a container that has not started; its root may be `read_only`.

    Raises APIError, DockerUnavailable.
    """
    with daemon_errors():
        named = str(client.inspect_container(container)["Config"]["User"])
        owner = _find_owner(client, container, named)
        for root in find_folders(files) if read_only else ["/"]:
            client.put_archive(container, root, pack(files, owner, root))


def find_folders(files: Sequence[PlacedFile]) -> Sequence[str]:
    """Return the folders that a container needs as volumes if its root is read-only.

    Docker puts nothing into such a root, but into volumes, which begin with what the image has
    there.
    """
    folders = {posixpath.dirname(one.path) if one.data is not None else one.path for one in files}
    return sorted(one for one in folders if not any(_is_in(one, other) for other in folders))


def _is_in(path: str, folder: str) -> bool:
    return path != folder and path.startswith(f"{folder.rstrip('/')}/")


def pack(files: Sequence[PlacedFile], owner: Owner, root: str = "/") -> bytes:
    """Return the archive for a folder of a container, of those files that are there."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for one in files:
            path = posixpath.normpath(one.path)
            if path != root and not _is_in(path, root):
                continue
            # docker would skip the folder itself with the name ".".
            name = posixpath.relpath(path, root)
            info = tarfile.TarInfo("/" if name == "." else name)
            if not one.read_only:
                info.uid, info.gid = owner
            info.mode = 0o755 if one.runs or one.data is None else 0o644
            if one.read_only:
                info.mode &= ~0o222
            if one.link:
                info.type, info.linkname = tarfile.SYMTYPE, one.link
            elif one.data is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(one.data)
            archive.addfile(info, io.BytesIO(one.data or b""))
    return buffer.getvalue()


def _find_owner(client: APIClient, container: str, named: str) -> Owner:
    """Return the ids of a user as docker reads it: `name`, `id`, each with `:group` or without."""
    user, _, group = named.partition(":")
    if not user:
        return Owner()
    lines = [] if user.isdecimal() and group.isdecimal() else _read(client, container, _PASSWD)
    found = next((one for one in lines if user in (one[0], one[2])), None)
    uid = int(user) if user.isdecimal() else int(found[2] if found else 0)
    if group and not group.isdecimal():
        groups = _read(client, container, _GROUP)
        group = next((one[2] for one in groups if one[0] == group), "0")
    own = found[3] if found and found[3].isdecimal() else 0
    return Owner(uid, int(group or own))


def _read(client: APIClient, container: str, path: str) -> list[list[str]]:
    """Return the lines of a table of users of an image, none if it has no such file."""
    try:
        stream, _ = client.get_archive(container, path)
        data = b""
        for piece in stream:
            data += piece
            if len(data) > _MOST:
                return []
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            file = archive.extractfile(archive.getmembers()[0])
            text = file.read().decode(errors="replace") if file else ""
    except (APIError, tarfile.TarError, KeyError):
        # A link, or nothing: docker will say so if the user is not there.
        return []
    lines = [line.split(":") for line in text.splitlines()]
    return [one for one in lines if len(one) > 3 and one[2].isdecimal()]
