"""What a job's container is given and what it leaves, as archives that docker carries.

Nothing of it is a file of the agent that the container sees: docker may be on another machine or in
another namespace, and the image's user is none of ours (docs/decisions/0090-exchange.md). What
comes back is foreign: only plain files are read, at most so many bytes, and never by their links.
Artifacts are kept in a folder of the sandbox, and their list beside it.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from docker.api import APIClient
from docker.errors import APIError

from executor.docker.daemon import daemon_errors, explanation
from executor.errors import DockerUnavailable
from executor.limits.disk_schedule import ENTRY, MB
from executor.ports import Left
from prevs.artifacts import LIST, MOST, Artifact, ArtifactsRecord, is_path
from prevs.work import ARTIFACTS_FOLDER, FOLDER, MOST_RESULT, PROGRESS_FILE, RESULT_FILE

_CHUNK = 64 * 1024
_MOST_PROGRESS = 64 * 1024
"""Bytes of a progress file, of which only the last line matters."""

_BASE = PurePosixPath(FOLDER).name
_RESULT, _PROGRESS, _ARTIFACTS = (
    PurePosixPath(path).relative_to(PurePosixPath(FOLDER).parent)
    for path in (RESULT_FILE, PROGRESS_FILE, ARTIFACTS_FOLDER)
)
"""The names in the archive of the folder."""


def give(client: APIClient, container: str, files: Mapping[str, bytes]) -> None:
    """Put files that every user may read into the folder of a container that has not started.

    Every user may write into the folder afterwards. Raises APIError, DockerUnavailable.
    """
    with daemon_errors():
        client.put_archive(container, FOLDER, _pack(files))


def _pack(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        # The folder itself. docker would skip an entry with the name ".".
        folder = tarfile.TarInfo("/")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o444
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


def read_progress(client: APIClient, container: str) -> bytes | None:
    """Return the text of the progress file, None if there is none to read.

    Raises DockerUnavailable.
    """
    try:
        with _archive(client, container, PROGRESS_FILE) as stream:
            tar = _open(stream)
            entry = tar.next()
            if entry is None or not entry.isreg() or entry.size > _MOST_PROGRESS:
                return None
            return _read(tar, entry)
    except (APIError, tarfile.TarError):
        # It is being written, or the container has just ended.
        return None


def take(client: APIClient, container: str, folder: Path, *, most: int) -> Left:
    """Return what an ended container left; put its artifacts into `folder`.

    Reads `most` MB at most. Raises DockerUnavailable.
    """
    try:
        with _archive(client, container, FOLDER) as stream:
            return unpack(stream, folder, most=most * MB)
    except APIError as exc:
        raise DockerUnavailable(explanation(exc)) from exc
    except tarfile.TarError as exc:
        raise DockerUnavailable(f"its answer broke off: {exc}") from exc


def unpack(stream: IO[bytes], folder: Path, *, most: int) -> Left:
    """Return what an archive of the folder has; put its artifacts into `folder`, listed beside it.

    Entries count as much as on a disk, and holes in files as if they were data. Raises TarError.
    """
    artifacts = ArtifactFolder(folder)
    found = _take_entries(_open(stream), artifacts, most)
    if artifacts.write_list():
        return found._replace(artifacts=artifacts.number)
    return found._replace(left_out=found.left_out + artifacts.number)


def _take_entries(tar: tarfile.TarFile, artifacts: ArtifactFolder, most: int) -> Left:
    found = Left()
    taken = 0
    while (entry := tar.next()) is not None:
        _forget(tar)
        taken += max(ENTRY, entry.size)
        if taken > most:
            problem = f"the files in {FOLDER} have more than {most // MB} MB together."
            return found._replace(result=None, problem=problem, left_out=found.left_out + 1)
        found = _take_entry(found, tar, entry, artifacts)
    return found


def _forget(tar: tarfile.TarFile) -> None:
    """Forget the entries so far, which the library keeps: there may be half a million of them."""
    vars(tar)["members"].clear()


def _take_entry(
    found: Left, tar: tarfile.TarFile, entry: tarfile.TarInfo, artifacts: ArtifactFolder
) -> Left:
    name = PurePosixPath(entry.name)
    if name == _RESULT:
        return found._replace(**_take_result(tar, entry)._asdict())
    if name == _PROGRESS and entry.isreg() and entry.size <= _MOST_PROGRESS:
        return found._replace(progress=_read(tar, entry))
    if name.parts[:2] != _ARTIFACTS.parts or entry.isdir():
        return found
    if entry.isreg():
        own_name = name.relative_to(_ARTIFACTS)
        if artifacts.save(own_name, entry.size, _content(tar, entry)):
            return found
    return found._replace(left_out=found.left_out + 1)


class _Result(NamedTuple):
    result: bytes | None
    problem: str = ""


def _take_result(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> _Result:
    if not entry.isreg():
        return _Result(None, f"{RESULT_FILE} is not a plain file.")
    if entry.size > MOST_RESULT:
        return _Result(
            None, f"{RESULT_FILE} has {entry.size:,} bytes, and {MOST_RESULT:,} are the most."
        )
    return _Result(_read(tar, entry))


def _read(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    return _content(tar, entry).read()


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    """Return the content of a plain file."""
    return cast("IO[bytes]", tar.extractfile(entry))


def _open(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|")


@contextlib.contextmanager
def _archive(client: APIClient, container: str, path: str) -> Iterator[IO[bytes]]:
    """Give the archive of a path as a stream. Raises APIError, DockerUnavailable."""
    with daemon_errors():
        pieces, _ = client.get_archive(container, path, chunk_size=_CHUNK)
        with contextlib.closing(pieces):
            yield cast("IO[bytes]", _Stream(pieces))


class _Stream:
    """A stream to read from, of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        found = [self._rest]
        length = len(self._rest)
        while length < size and (piece := next(self._pieces, b"")):
            found.append(piece)
            length += len(piece)
        data = b"".join(found)
        self._rest = data[size:]
        return data[:size]


class ArtifactFolder:
    """A folder that is made with its first file. Whoever chose the names may be a stranger."""

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        """Keep so many files at most."""
        self._folder = folder
        self._most = most
        self._kept: list[Artifact] = []

    @property
    def number(self) -> int:
        """How many files were saved."""
        return len(self._kept)

    def save(self, name: PurePosixPath, size: int, content: IO[bytes]) -> bool:
        """Write a file of `size` bytes; return whether it is kept.

        All folders on its way are ours, as nobody else writes there and no link is made.
        """
        path = str(name)
        if not name.parts or not is_path(path) or len(self._kept) == self._most:
            return False
        target = self._folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(content, file, _CHUNK)
        except (OSError, ValueError):
            # The name is too long for this folder, or the disk is full.
            return False
        self._kept.append(Artifact(path, size))
        return True

    def write_list(self) -> bool:
        """Write the list of what was saved, if anything was; return False if the disk is full.

        Nobody finds a file without it.
        """
        if not self._kept:
            return True
        try:
            record = ArtifactsRecord(tuple(self._kept))
            (self._folder.parent / LIST).write_bytes(record.encode())
        except OSError:
            return False
        return True
