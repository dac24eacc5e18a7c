"""The files of a commit in a mirror, as framework.apps.commit_files.CommitFiles."""

import posixpath
from collections.abc import Mapping

from framework.apps.commit_files import RepositoryFile
from framework.ports import Repositories
from prevs.records import AppRecord

_PARENT = ".."


class MirroredFiles:
    """The files of a commit of an app. For one thread: it keeps the folders that it has listed.

    Nothing is at paths that lead out of the repository.
    """

    def __init__(self, refs: Repositories, app: AppRecord, sha: str) -> None:
        self._refs = refs
        self._app = app
        self._sha = sha
        self._listed: dict[str, Mapping[str, str]] = {}

    def read(self, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at a path, as CommitFiles says."""
        place = self._find_place(path)
        folder, name = posixpath.split(place)
        if _leads_out(place) or name not in self._listed.get(folder, {name: ""}):
            return None
        return self._refs.read_file(self._app, self._sha, place, most=most)

    def list(self, folder: str) -> Mapping[str, str]:
        """Return what is in a folder, as CommitFiles says."""
        place = self._find_place(folder)
        if _leads_out(place):
            return {}
        if place not in self._listed:
            self._listed[place] = self._refs.list_folder(self._app, self._sha, place)
        return self._listed[place]

    def _find_place(self, path: str) -> str:
        """Return a path from the repository's root on, "" for the root."""
        place = posixpath.normpath(posixpath.join(self._app.folder, path))
        return "" if place == "." else place


def _leads_out(place: str) -> bool:
    return place.startswith("/") or place.split("/", maxsplit=1)[0] == _PARENT
