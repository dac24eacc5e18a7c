"""How the image of a service is built. Pure."""

import posixpath
from typing import NamedTuple

from framework.apps.compose import key_words
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.storage import Paths
from framework.apps.compose.yaml_tree import Node, Scalar

_KNOWN = ("context", "dockerfile", "target", "args", *key_words.BUILD_REFUSED)


class Build(NamedTuple):
    """How an image is built. Paths begin at the app's folder."""

    node: Node
    context: str = "."
    dockerfile: str = "Dockerfile"
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


def read_build(node: Node, where: str, notes: Notes, paths: Paths) -> Build | None:
    """Return what the key build says; None if it has a mistake."""
    given: dict[str, tuple[Node, str]] = {}
    args: dict[str, str] = {}
    if isinstance(node, Scalar):
        given["context"] = node, notes.text(node, where) or "."
    else:
        for name, key, value in notes.known(node, where, _KNOWN, key_words.BUILD_NO_EFFECT):
            if name == "args":
                args = _read_args(value, f"{where}.args", notes)
            elif name in key_words.BUILD_REFUSED:
                notes.refuse(key, f"{where}.{name}", key_words.BUILD_REFUSED[name])
            elif (text := notes.text(value, f"{where}.{name}")) is not None:
                given[name] = value, text
    at, folder = given.get("context", (node, "."))
    context = find_inside(at, where, folder, notes=notes, paths=paths)
    if context is None:
        return None
    name_node, name = given.get("dockerfile", (at, "Dockerfile"))
    # A Dockerfile is in its context, wherever it is named.
    file = posixpath.join(folder, name)
    place = name_node._replace(origin=at.origin)
    dockerfile = find_inside(place, where, file, notes=notes, paths=paths)
    if dockerfile is None:
        return None
    target = given["target"][1] if "target" in given else ""
    return Build(node, context, dockerfile, target, tuple(sorted(args.items())))


def find_inside(node: Node, where: str, path: str, *, notes: Notes, paths: Paths) -> str | None:
    """Return a path of a node from the app's folder on; None, noted, if it leads out."""
    is_remote = "://" in path or path.startswith("git@")
    found = None if is_remote else paths.inside(path, node.origin.folder)
    if found is None:
        why = f"has {cut(path)}, which leaves the repository: name a path inside it"
        notes.refuse(node, where, why)
    return found


def _read_args(node: Node, where: str, notes: Notes) -> dict[str, str]:
    found = {}
    for name, at, value in notes.pairs(node, where):
        text = at.origin.values.get(name) if value is None else value
        if text is not None:
            found[name] = text
    return found
