"""Opens the other files that a compose file names, within bounds."""

from collections.abc import Mapping

from framework.apps.compose.env_files import OpenFile
from framework.apps.compose.file_text import MOST_COMPOSE_BYTES, too_large
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.storage import Paths
from framework.apps.compose.yaml_tree import Node, NotYaml, Origin, read_tree

_MOST_FILES = 20
_MOST_BYTES = 4 * MOST_COMPOSE_BYTES


class Files:
    """Opens files of the commit. What cannot be opened is noted as a mistake."""

    def __init__(self, notes: Notes, paths: Paths, open_file: OpenFile) -> None:
        self._notes = notes
        self._paths = paths
        self._open_file = open_file
        self._opened = self._bytes = 0

    def find(self, node: Node, where: str, path: str) -> str | None:
        """Return a path that a node has, from the app's folder on."""
        is_remote = "://" in path or path.startswith(("git@", "github.com"))
        found = None if is_remote else self._paths.inside(path, node.origin.folder)
        if found is None:
            why = f"names {cut(path)}, which leaves the repository: name a file inside it"
            self._notes.refuse(node, where, why)
        return found

    def open_text(self, path: str) -> str | None:
        """Return the text of a file, None if there is none."""
        return self._open_file(path)

    def open(
        self, node: Node, where: str, path: str, *, folder: str, values: Mapping[str, str]
    ) -> Node | None:
        """Return the document of a file that a node names; None, noted, if it has none.

        Paths in it begin at `folder`; `values` are those of its variables.
        """
        text = self._open_file(path)
        if text is None:
            self._notes.refuse(node, where, f"names {cut(path)}, which is no file of the commit")
            return None
        self._opened, self._bytes = self._opened + 1, self._bytes + len(text)
        if len(text) > MOST_COMPOSE_BYTES:
            why = f"names {cut(path)}, which {too_large(len(text), MOST_COMPOSE_BYTES)}"
            self._notes.refuse(node, where, why)
        elif self._opened > _MOST_FILES or self._bytes > _MOST_BYTES:
            why = f"is one file too many: there may be {_MOST_FILES}, of {_MOST_BYTES:,} bytes"
            self._notes.refuse(node, where, why)
        else:
            line = node.origin.line if node.origin.path else node.line
            try:
                return read_tree(text, Origin(path, line, folder, values))
            except NotYaml as error:
                why = f"names {cut(path)}, whose line {error.line} {error.why}"
                self._notes.refuse(node, where, why)
        return None
