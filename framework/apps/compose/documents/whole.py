"""One document of a compose file, its overrides, and what they include and extend."""

import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from framework.apps.compose.documents.extends import Extending, Services
from framework.apps.compose.documents.files import Files
from framework.apps.compose.documents.merge import count, merge
from framework.apps.compose.env_files import ENV, read_env
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.yaml_tree import MOST_NODES, Node, Scalar, Table

_KEY = "include"
_INCLUDED = ("services", "volumes", "networks", "secrets", "configs")
_DEEPEST = 10


class _Entry(NamedTuple):
    """An entry of `include`: files, of which later ones override earlier ones."""

    node: Node
    where: str
    paths: Sequence[str]
    folder: str
    values: Mapping[str, str]


class Documents:
    """Makes one document of several. What is wrong with them is noted as mistakes."""

    def __init__(self, notes: Notes, files: Files) -> None:
        self._notes = notes
        self._files = files
        self._extending = Extending(notes, files)

    def join(self, trees: Sequence[tuple[str, Node]], way: Sequence[str] = ()) -> Node:
        """Return documents, each with its path, as one: later ones override earlier ones.

        Files on the `way` include these.
        """
        whole: Node = Table(1, {})
        for path, tree in trees:
            if not isinstance(tree, Table) or not isinstance(whole, Table):
                return tree
            whole = merge(whole, self._extending.resolve(tree, path, _services(whole)))
        if not isinstance(whole, Table) or _KEY not in whole.entries:
            return whole
        given = whole.entries[_KEY][1]
        rest = {name: one for name, one in whole.entries.items() if name != _KEY}
        return self._include(whole._replace(entries=rest), given, (*way, trees[0][0]))

    def _include(self, whole: Table, given: Node, way: Sequence[str]) -> Table:
        for at, one in enumerate(self._notes.listing(given, _KEY) or (), 1):
            entry = self._read_entry(one, f"{_KEY}, entry {at}")
            if entry is None:
                continue
            if entry.paths[0] in way or len(way) > _DEEPEST:
                chain = ", which includes ".join(cut(path) for path in (*way, entry.paths[0]))
                self._notes.refuse(one, entry.where, f"makes a circle, or is too long: {chain}")
                continue
            included = self._open(entry, way)
            if isinstance(included, Table):
                whole = _put_below(whole, included)
            if count(whole, MOST_NODES) > MOST_NODES:
                self._notes.refuse(one, entry.where, f"makes more than {MOST_NODES:,} values")
                break
        return whole

    def _open(self, entry: _Entry, way: Sequence[str]) -> Node | None:
        trees = []
        for path in entry.paths:
            tree = self._files.open(
                entry.node, entry.where, path, folder=entry.folder, values=entry.values
            )
            if tree is None:
                return None
            trees.append((path, tree))
        return self.join(trees, way)

    def _read_entry(self, node: Node, where: str) -> _Entry | None:
        if isinstance(node, Scalar):
            found = {"path": [self._notes.text(node, where)]}
        else:
            known = ("path", "project_directory", "env_file")
            found = {
                name: [*(self._notes.texts(value, f"{where}.{name}") or (None,))]
                for name, _, value in self._notes.known(node, where, known, {})
            }
        given = {name: self._find_all(node, where, texts) for name, texts in found.items()}
        paths = given.get("path")
        if not paths or None in given.values():
            if "path" not in given:
                self._notes.refuse(node, where, "must have the path of a file")
            return None
        folder = (given.get("project_directory") or [posixpath.dirname(paths[0])])[0]
        files = given.get("env_file") or [posixpath.join(folder, ENV)]
        return _Entry(node, where, paths, folder, self._read_values(node, files))

    def _find_all(self, node: Node, where: str, texts: Sequence[str | None]) -> list[str] | None:
        found = []
        for text in texts:
            path = None if text is None else self._files.find(node, where, text)
            if path is None:
                return None
            found.append(path)
        return found

    def _read_values(self, node: Node, paths: Sequence[str]) -> Mapping[str, str]:
        """Return the values of variables: those of the file that includes come first."""
        values = node.origin.values
        own: dict[str, str] = {}
        for path in paths:
            own |= read_env(self._files.open_text(path) or "", values)
        return {**own, **values}


def _services(whole: Table) -> Services:
    node = whole.entries.get("services")
    return node[1].entries if node and isinstance(node[1], Table) else {}


def _put_below(whole: Table, included: Table) -> Table:
    """Return a document with what it includes, of which its own parts are overrides."""
    entries = dict(whole.entries)
    for name in _INCLUDED:
        if name not in included.entries:
            continue
        key, below = included.entries[name]
        if name in entries:
            entries[name] = entries[name][0], merge(below, entries[name][1], (name,))
        else:
            entries[name] = key, below
    return whole._replace(entries=entries)
