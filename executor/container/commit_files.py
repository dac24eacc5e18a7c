"""Files and folders of the commit that its containers find, kept beside the images that it has.

An image of a commit stays for months, its checkout only for a build. So what containers need of the
files is kept in an archive of the work folder, `files/`, which the disk collector may remove: then
the commit is checked out again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from executor.attempt.attempt import Attempt
from executor.attempt.context import follow
from executor.errors import ExecutorError
from executor.ports import Checkout, Log, PlacedFile
from prevs import names
from prevs.containers import ContainerSettings, MountedFile
from prevs.states import Cause

FOLDER = "files"
MOST_BYTES = 32_000_000
MOST_ENTRIES = 5_000
_ADVICE = "Fix it and push, then open the new commit's address."


class FilesUnusable(ExecutorError):
    """The files that the commit gives to its containers cannot be given to them."""

    cause = Cause.SETTINGS_INVALID

    def __init__(self, why: str) -> None:
        super().__init__(f"The files of the containers cannot be used: {why}. {_ADVICE}")


class _Entry(NamedTuple):
    """A file (`data`), a folder (None) or a link (`link`) at `path` below its source."""

    path: str
    data: bytes | None = None
    link: str = ""
    runs: bool = False


class CommitFiles:
    """The files of one attempt's containers. `folder` is shared by all attempts of an agent."""

    def __init__(self, attempt: Attempt, folder: Path, checkout: Checkout, log: Log) -> None:
        self._attempt = attempt
        self._checkout = checkout
        self._log = log
        run = attempt.order.run
        settings = [run.container, *(one.container for one in run.companions)]
        found = {file.source for one in settings for file in one.files if file.source}
        self._sources = sorted(found)
        self._file = folder / FOLDER / f"{self._key()}.tar"

    def ensure(self) -> None:
        """Return once the files of the commit are kept here. Raises ExecutorError, Stopped."""
        if not self._sources or self._file.exists():
            return
        order = self._attempt.order
        self._log.header(f"taking files of commit {names.short(order.sha)} for its containers")
        with self._checkout.tree(limit=order.fetch_limit) as tree:
            self._keep(_pack(tree, order.folder, self._sources))

    def of(self, container: ContainerSettings) -> Sequence[PlacedFile]:
        """Return what a container finds. Raises as ensure(), which is done if it must be."""
        if not container.files:
            return ()
        kept = self._read() if any(one.source for one in container.files) else {}
        return [placed for one in container.files for placed in self._place(one, kept)]

    def _place(
        self, file: MountedFile, kept: Mapping[str, Sequence[_Entry]]
    ) -> Iterator[PlacedFile]:
        if not file.source:
            yield PlacedFile(file.path, self._text(file).encode(), read_only=file.read_only)
            return
        for entry in kept[file.source]:
            path = str(PurePosixPath(file.path, entry.path))
            yield PlacedFile(path, entry.data, entry.link, entry.runs, file.read_only)

    def _text(self, file: MountedFile) -> str:
        if not file.secret:
            return file.text
        try:
            return self._attempt.order.given_to_containers[file.secret]
        except KeyError:
            why = (
                f"{file.path} is the app's variable {file.secret}, which this commit does not have "
                f"(`prevs env set {self._attempt.order.app} {file.secret}=…` gives it one)"
            )
            raise FilesUnusable(why) from None

    def _key(self) -> str:
        order = self._attempt.order
        parts = (order.repository, order.sha, order.folder, order.trusted, self._sources)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def _keep(self, archive: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        mine = self._file.with_suffix(f".{os.getpid()}")
        mine.write_bytes(archive)
        mine.replace(self._file)

    def _read(self) -> Mapping[str, Sequence[_Entry]]:
        self.ensure()
        os.utime(self._file)
        found: dict[str, list[_Entry]] = {source: [] for source in self._sources}
        with tarfile.open(self._file) as archive:
            for member in archive:
                number, _, path = member.name.partition("/")
                data = archive.extractfile(member) if member.isfile() else None
                text = data.read() if data else None
                entry = _Entry(path, text, member.linkname, bool(member.mode & 0o100))
                found[self._sources[int(number)]].append(entry)
        return found


def _pack(tree: Path, folder: str, sources: Sequence[str]) -> bytes:
    """Return an archive with each source below its number. Raises FilesUnusable.

    A source that does not exist is an empty folder, as docker makes one. No link is followed out of
    the tree; those below a source stay links, which mean something in the container alone.
    """
    buffer, entries, size = io.BytesIO(), 0, 0
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, source in enumerate(sources):
            start = follow(tree, folder, source)
            if start is None:
                raise FilesUnusable(f"{source} leads out of the commit")
            for entry in _walk(start):
                entries, size = entries + 1, size + len(entry.data or b"")
                if entries > MOST_ENTRIES or size > MOST_BYTES:
                    raise FilesUnusable(
                        f"they are more than {MOST_ENTRIES:,} entries or {MOST_BYTES // 10**6} MB "
                        f"(counted up to {source}); COPY large folders in the Dockerfile, and "
                        "mount only what is small"
                    )
                _add(archive, f"{number}/{entry.path}".rstrip("/"), entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, entry: _Entry) -> None:
    info = tarfile.TarInfo(name)
    info.mode = 0o700 if entry.runs else 0o600
    if entry.link:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
    elif entry.data is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = len(entry.data)
    archive.addfile(info, io.BytesIO(entry.data or b""))


def _walk(start: Path) -> Iterator[_Entry]:
    """Yield a file, or a folder with all that is in it, lazily: it may be large."""
    if start.is_file():
        yield _read(start, "")
        return
    yield _Entry("")
    for folder, inner, files in os.walk(start):
        at = Path(folder).relative_to(start)
        inner.sort()
        for name in [*inner, *sorted(files)]:
            path, shown = Path(folder, name), str(at / name)
            if path.is_symlink():
                yield _Entry(shown, link=str(path.readlink()))
            elif path.is_dir():
                yield _Entry(shown)
            elif path.is_file():
                yield _read(path, shown)


def _read(path: Path, shown: str) -> _Entry:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
        return _Entry(shown, data, runs=bool(os.fstat(file.fileno()).st_mode & 0o100))
