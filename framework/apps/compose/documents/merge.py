"""Two documents as one, by the rules of the Compose Specification ("Merge"). Pure.

Tables are merged key by key, lists are appended, and anything else is replaced. Some keys may be
written in two forms; some lists have one entry for each port, path or name.
"""

import posixpath
from collections.abc import Callable, Mapping

from framework.apps.compose.interpolation import WrongForm, fill
from framework.apps.compose.yaml_tree import OVERRIDE, RESET, Listing, Node, Scalar, Table

Path = tuple[str, ...]
SERVICE: Path = ("services", "*")
_REPLACED = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
_NAMED = frozenset(
    {
        *(("environment",), ("labels",), ("annotations",), ("sysctls",), ("build", "args")),
        *(("build", "labels"), ("deploy", "labels")),
    }
)
"""Lists of NAME=value that may be tables."""
_OF_NAMES = frozenset({("depends_on",), ("networks",)})
"""Lists of names that may be tables."""
_MAY_BE_ONE = frozenset({("env_file",), ("tmpfs",), ("dns",), ("dns_search",), ("label_file",)})
"""Lists that may be one text."""


def merge(below: Node, over: Node, path: Path = ()) -> Node:
    """Return two nodes at a path of a document as one; `over` wins."""
    if over.tag == OVERRIDE:
        return clean(over)
    if isinstance(over, Scalar) and over.is_null:
        return below
    inside = path[2:] if path[:2] == SERVICE else None
    if inside in _REPLACED:
        return clean(over)
    if inside is not None:
        below, over = _unify(below, over, inside)
    if isinstance(below, Table) and isinstance(over, Table):
        return _merge_tables(below, over, path)
    if isinstance(below, Listing) and isinstance(over, Listing):
        added = [clean(one) for one in over.entries if one.tag != RESET]
        entries = (*below.entries, *added)
        find = _KEYED.get(inside or ())
        return over._replace(entries=_keep_last(entries, find) if find else entries)
    return clean(over)


def clean(node: Node) -> Node:
    """Return a node without the tags that say how it is merged, and without what they take out."""
    if isinstance(node, Table):
        kept = {
            name: (key, clean(value))
            for name, (key, value) in node.entries.items()
            if value.tag != RESET
        }
        return node._replace(entries=kept, tag="")
    if isinstance(node, Listing):
        entries = tuple(clean(one) for one in node.entries if one.tag != RESET)
        return node._replace(entries=entries, tag="")
    return node._replace(tag="")


def count(node: Node, most: int) -> int:
    """Return how many values a node has, or a number beyond `most` as soon as there are more."""
    found, waiting = 0, [node]
    while waiting and found <= most:
        one = waiting.pop()
        found += 1
        if isinstance(one, Table):
            waiting.extend(value for _, value in one.entries.values())
        elif isinstance(one, Listing):
            waiting.extend(one.entries)
    return found


def _merge_tables(below: Table, over: Table, path: Path) -> Table:
    merged = dict(below.entries)
    for name, (key, value) in over.entries.items():
        if value.tag == RESET:
            merged.pop(name, None)
        elif name in merged:
            step = "*" if len(path) == 1 else name
            merged[name] = key, merge(merged[name][1], value, (*path, step))
        else:
            merged[name] = key, clean(value)
    return over._replace(entries=merged, tag="")


def _unify(below: Node, over: Node, inside: Path) -> tuple[Node, Node]:
    """Return two nodes in the same form, if their key has several."""
    if inside == ("build",):
        return _as_build(below), _as_build(over)
    if inside in _NAMED:
        return _as_table(below), _as_table(over)
    if inside in _OF_NAMES:
        return _as_names(below), _as_names(over)
    if inside in _MAY_BE_ONE:
        return _as_list(below), _as_list(over)
    return below, over


def _as_build(node: Node) -> Node:
    if not isinstance(node, Scalar):
        return node
    key = node._replace(text="context")
    return Table(node.line, {"context": (key, node)}, node.origin)


def _as_list(node: Node) -> Node:
    return Listing(node.line, (node,), node.origin) if isinstance(node, Scalar) else node


def _as_names(node: Node) -> Node:
    if not isinstance(node, Listing):
        return node
    empty: dict[str, tuple[Scalar, Node]] = {
        one.text: (one, Table(one.line, {}, one.origin))
        for one in node.entries
        if isinstance(one, Scalar)
    }
    return Table(node.line, empty, node.origin) if len(empty) == len(node.entries) else node


def _as_table(node: Node) -> Node:
    """Return NAME=value as a table, those without a value as empty ones."""
    if not isinstance(node, Listing):
        return node
    found: dict[str, tuple[Scalar, Node]] = {}
    for one in node.entries:
        if not isinstance(one, Scalar):
            return node
        name, sign, value = one.text.partition("=")
        found[name] = one._replace(text=name), one._replace(text=value, is_plain=not sign)
    return Table(node.line, found, node.origin)


def _keep_last(entries: tuple[Node, ...], find: Callable[[Node], str]) -> tuple[Node, ...]:
    """Return one entry for each key: the last, where the first was."""
    kept: dict[str, Node] = {}
    for one in entries:
        kept[find(one)] = one
    return tuple(kept.values())


def _text(node: Node) -> str:
    if not isinstance(node, Scalar):
        return ""
    try:
        return fill(node.text, node.origin.values).text
    except WrongForm:
        return node.text


def _fields(node: Node) -> Mapping[str, str]:
    entries = node.entries if isinstance(node, Table) else {}
    return {name: _text(value) for name, (_, value) in entries.items()}


def _find_port(node: Node) -> str:
    if isinstance(node, Scalar):
        return _text(node)
    port = _fields(node)
    host, kind = port.get("host_ip", "0.0.0.0"), port.get("protocol", "tcp")  # noqa: S104
    return f"{host}:{port.get('published', '')}:{port.get('target', '')}/{kind}"


def _find_target(node: Node) -> str:
    if isinstance(node, Scalar):
        first, sign, rest = _text(node).partition(":")
        return posixpath.normpath(rest.partition(":")[0] if sign else first)
    given = _fields(node)
    target = given.get("target") or given.get("dst") or given.get("destination") or ""
    return posixpath.normpath(target)


def _find_file(home: str) -> Callable[[Node], str]:
    def find(node: Node) -> str:
        given = _fields(node)
        name = _text(node) or given.get("source", "")
        return posixpath.join(home, given.get("target") or name)

    return find


def _find_path(node: Node) -> str:
    return _text(node) or _fields(node).get("path", "")


_KEYED: Mapping[Path, Callable[[Node], str]] = {
    ("ports",): _find_port,
    ("volumes",): _find_target,
    ("secrets",): _find_file("/run/secrets"),
    ("configs",): _find_file("/"),
    ("env_file",): _find_path,
    **dict.fromkeys(
        [("expose",), ("profiles",), ("cap_add",), ("cap_drop",), ("tmpfs",), ("links",)], _text
    ),
}
