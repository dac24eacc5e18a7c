"""Services that extend others, of the same file or of another one: one table of both."""

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from framework.apps.compose.documents.files import Files
from framework.apps.compose.documents.merge import SERVICE, count, merge
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.yaml_tree import MOST_NODES, Node, Scalar, Table

_KEY = "extends"
_LONGEST_WAY = 10

Services = Mapping[str, tuple[Scalar, Node]]


class _Base(NamedTuple):
    """The service that another one extends: its name, the file's path, and what is in that."""

    name: str
    path: str
    services: Services


class Extending:
    """Resolves `extends`. What leads nowhere is noted as a mistake, and left out."""

    def __init__(self, notes: Notes, files: Files) -> None:
        self._notes = notes
        self._files = files
        self._left = MOST_NODES
        self._opened: dict[str, Services] = {}

    def resolve(self, tree: Table, path: str, more: Services) -> Table:
        """Return the document at a path, where no service extends one.

        They may extend `more`, those of the files that it overrides.
        """
        key, node = tree.entries.get("services", (None, None))
        if key is None or not isinstance(node, Table):
            return tree
        services = {**more, **node.entries}
        found = {
            name: (at, self._extend(_Base(name, path, services), ()))
            for name, (at, _) in node.entries.items()
        }
        whole = node._replace(entries=found)
        return tree._replace(entries={**tree.entries, "services": (key, whole)})

    def _extend(self, one: _Base, way: tuple[tuple[str, str], ...]) -> Node:
        node = one.services[one.name][1]
        if not isinstance(node, Table) or _KEY not in node.entries:
            return node
        where = f"services.{cut(one.name)}.{_KEY}"
        key, given = node.entries[_KEY]
        own = node._replace(entries={k: v for k, v in node.entries.items() if k != _KEY})
        base = self._find_base(given, where, one)
        if base is None:
            return own
        here = (one.path, one.name)
        if (base.path, base.name) in (*way, here) or len(way) >= _LONGEST_WAY:
            self._notes.refuse(key, where, _explain_circle((*way, here, (base.path, base.name))))
            return own
        whole = merge(self._extend(base, (*way, here)), own, SERVICE)
        self._left -= count(whole, max(self._left, 0))
        if self._left < 0:
            self._notes.refuse(key, where, f"makes more than {MOST_NODES:,} values: extend less")
            return own
        return whole

    def _find_base(self, given: Node, where: str, one: _Base) -> _Base | None:
        texts: dict[str, str | None] = {}
        if isinstance(given, Scalar):
            texts["service"] = self._notes.text(given, where)
        else:
            for name, _, value in self._notes.known(given, where, ("service", "file"), {}):
                texts[name] = self._notes.text(value, f"{where}.{name}")
            if "service" not in texts:
                self._notes.refuse(given, where, "must have the name of a service")
        if not texts.get("service") or texts.get("file", "") is None:
            return None
        path, services = one.path, one.services
        if file := texts.get("file"):
            found = self._files.find(given, where, file)
            if found is None:
                return None
            if found != path:
                opened = self._open(given, where, found)
                if opened is None:
                    return None
                path, services = found, opened
        name = texts["service"] or ""
        if name not in services:
            known = ", ".join(map(cut, services))
            why = f"names {cut(name)}, which is no service of {path}; there are {known}"
            self._notes.refuse(given, where, why)
            return None
        return _Base(name, path, services)

    def _open(self, node: Node, where: str, path: str) -> Services | None:
        """Return the services of another file, whose paths begin where it is."""
        if path not in self._opened:
            values, folder = node.origin.values, posixpath.dirname(path)
            tree = self._files.open(node, where, path, folder=folder, values=values)
            if tree is None:
                return None
            entries = tree.entries if isinstance(tree, Table) else {}
            inner = entries["services"][1] if "services" in entries else None
            self._opened[path] = inner.entries if isinstance(inner, Table) else {}
        return self._opened[path]


def _explain_circle(way: tuple[tuple[str, str], ...]) -> str:
    files = {path for path, _ in way}
    names = [cut(name) if len(files) == 1 else f"{cut(name)} of {cut(path)}" for path, name in way]
    return f"makes a circle, or is too long: {', which extends '.join(names)}"
