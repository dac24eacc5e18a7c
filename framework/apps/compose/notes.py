"""The mistakes that are found on the way through a compose file, and what a value must be. Pure."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table
from prevs.records import Mistake

_LONGEST = 60
_VARIABLE = re.compile(r"\$(?:\$|(\{[^}]*\}?|[A-Za-z_][A-Za-z0-9_]*))")


class Notes:
    """Collects mistakes. Its methods return None for what has a mistake; `where` names the key."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def refuse(self, node: Node, where: str, why: str) -> None:
        """Note what is wrong with a node, as the rest of a sentence that begins with its key."""
        self.mistakes.append(Mistake(node.line, f"{where} {why}"))

    def table(self, node: Node, where: str) -> Mapping[str, tuple[Scalar, Node]] | None:
        """Return the nodes of a table by key."""
        if isinstance(node, Table):
            return node.entries
        self.refuse(node, where, f"must be a table of keys, not {_name(node)}")
        return None

    def listing(self, node: Node, where: str) -> Sequence[Node] | None:
        """Return the entries of a list."""
        if isinstance(node, Listing):
            return node.entries
        self.refuse(node, where, f"must be a list, not {_name(node)}")
        return None

    def text(self, node: Node, where: str) -> str | None:
        """Return a text; a number is the text that it is written as."""
        if not isinstance(node, Scalar) or node.is_null:
            self.refuse(node, where, f"must be text, not {_name(node)}")
            return None
        if node.is_truth:
            self.refuse(node, where, f'must be text: write "{node.text}" in quotes')
            return None
        found = next((one[1] for one in _VARIABLE.finditer(node.text) if one[1]), None)
        if found:
            name = cut(f"${found}")
            why = f"has {name}: prevs puts no variables in; write the value, and $$ for a $"
            self.refuse(node, where, why)
            return None
        return node.text.replace("$$", "$")

    def texts(self, node: Node, where: str) -> list[str] | None:
        """Return a list of texts."""
        entries = self.listing(node, where)
        if entries is None:
            return None
        found = [self.text(one, f"{where}, entry {at}") for at, one in enumerate(entries, 1)]
        return [one for one in found if one is not None] if None not in found else None

    def known(
        self, node: Node, where: str, known: Sequence[str], hints: Mapping[str, str]
    ) -> Iterator[tuple[str, Scalar, Node]]:
        """Yield the entries of a table with a known key, each with its key's own node."""
        for name, (key, value) in (self.table(node, where) or {}).items():
            if name in known:
                yield name, key, value
            else:
                inside = f"{where}.{cut(name)}" if where else cut(name)
                self.refuse(key, inside, _explain(name, known, hints))


def cut(text: str) -> str:
    """Return a foreign text, short enough for a sentence."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _explain(name: str, known: Sequence[str], hints: Mapping[str, str]) -> str:
    if name in hints:
        return f"is not known here: {hints[name]}"
    if near := difflib.get_close_matches(name.lower(), known, n=1):
        return f"is not known; did you mean {near[0]}?"
    return f"is not known here; there are {', '.join(known)}"


def _name(node: Node) -> str:
    if isinstance(node, Scalar):
        return "empty" if node.is_null else "text"
    return "a list" if isinstance(node, Listing) else "a table"
