"""Services that extend others of the same file: one table of both. Pure."""

from collections.abc import Mapping

from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table

_LONGEST_WAY = 10
_REPLACED = frozenset({"command", "entrypoint", "test"})
_KEY = "extends"

Services = Mapping[str, tuple[Scalar, Node]]


def extend(name: str, services: Services, path: str) -> Node:
    """Return the table of a service with what it extends, whose keys it replaces or adds to.

    `extends` stays in it if that leads to another file than that at `path`, or nowhere.
    """
    return _extend(name, services, path, ())


def _extend(name: str, services: Services, path: str, way: tuple[str, ...]) -> Node:
    node = services[name][1]
    base = _find_base(node, path)
    is_circle = base in (*way, name) or len(way) >= _LONGEST_WAY
    if not isinstance(node, Table) or base not in services or is_circle:
        return node
    own = {key: one for key, one in node.entries.items() if key != _KEY}
    under = _extend(base, services, path, (*way, name))
    return _merge(under, node._replace(entries=own)) if isinstance(under, Table) else node


def _find_base(node: Node, path: str) -> str:
    """Return the service of the same file that one extends; "" if there is none."""
    given = node.entries.get(_KEY) if isinstance(node, Table) else None
    if given is None:
        return ""
    if isinstance(given[1], Scalar):
        return given[1].text
    entries = given[1].entries if isinstance(given[1], Table) else {}
    texts = {key: one.text for key, (_, one) in entries.items() if isinstance(one, Scalar)}
    is_here = texts.get("file", path).removeprefix("./") == path
    return texts.get("service", "") if is_here else ""


def _merge(under: Table, over: Table) -> Table:
    merged = dict(under.entries)
    for name, (key, value) in over.entries.items():
        below = merged[name][1] if name in merged else None
        merged[name] = key, value if below is None else _merge_value(name, below, value)
    return over._replace(entries=merged)


def _merge_value(name: str, below: Node, value: Node) -> Node:
    if name in _REPLACED:
        return value
    if name == "environment":
        below, value = _as_table(below), _as_table(value)
    if isinstance(below, Table) and isinstance(value, Table):
        return _merge(below, value)
    if isinstance(below, Listing) and isinstance(value, Listing):
        return value._replace(entries=(*below.entries, *value.entries))
    return value


def _as_table(node: Node) -> Node:
    """Return variables as a table, those without a value as empty ones."""
    if not isinstance(node, Listing):
        return node
    found: dict[str, tuple[Scalar, Node]] = {}
    for one in node.entries:
        if not isinstance(one, Scalar):
            return node
        name, sign, value = one.text.partition("=")
        found[name] = one._replace(text=name), one._replace(text=value, is_plain=not sign)
    return Table(node.line, found, node.origin)
