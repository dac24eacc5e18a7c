"""What is found on the way through a compose file: mistakes, notes, and what a value must be."""

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from framework.apps.compose.interpolation import MOST_TEXT, WrongForm, fill
from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table
from prevs.records import Mistake

_LONGEST = 60
_TRUE = frozenset({"true", "yes", "on", "1"})


class Notes:
    """Collects mistakes and notes. Its methods return None for what has a mistake.

    `where` names the key. `given` are the names of the app's variables, None if they are not known.
    Texts that are read for `later` get their values when a container starts.
    """

    def __init__(self, given: Collection[str] | None = frozenset()) -> None:
        self.given = given
        self.mistakes: list[Mistake] = []
        self.notes: list[Mistake] = []
        self._taken = 0
        self._full_at: Node | None = None

    def refuse(self, node: Node, where: str, why: str) -> None:
        """Note what is wrong with a node, as the rest of a sentence that begins with its key."""
        self.mistakes.append(Mistake(*locate(node, f"{where} {why}")))

    def tell(self, node: Node, where: str, what: str) -> None:
        """Note what people should know of a node, which is no mistake."""
        self.notes.append(Mistake(*locate(node, f"{where}: {what}")))

    def check_size(self) -> None:
        """Refuse the file if its texts are too many. Comes last: `forget` takes no part in it."""
        if self._full_at is not None:
            why = f"has values of more than {MOST_TEXT:,} characters, with aliases: shorten it"
            self.refuse(self._full_at, "the file", why)

    def count(self) -> tuple[int, int]:
        """Return how many mistakes and notes there are."""
        return len(self.mistakes), len(self.notes)

    def forget(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Take out what was noted between two counts."""
        del self.mistakes[start[0] : end[0]]
        del self.notes[start[1] : end[1]]

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

    def text(self, node: Node, where: str, *, later: bool = False) -> str | None:
        """Return a text with its variables' values; a number is the text that it is written as."""
        if not isinstance(node, Scalar) or node.is_null:
            self.refuse(node, where, f"must be text, not {_name(node)}")
            return None
        promised = () if not later else _Any() if self.given is None else self.given
        try:
            filled = fill(node.text, node.origin.values, promised)
        except WrongForm as wrong:
            more = ", or give the app one: prevs env set" if later and wrong.is_missing else ""
            self.refuse(node, where, f"{wrong}{more}")
            return None
        if any(one == "\0" or "\ud800" <= one <= "\udfff" for one in filled.text):
            self.refuse(node, where, "has a character that no program takes")
            return None
        for name in dict.fromkeys(filled.missing):
            self._tell_missing(node, where, name, later=later)
        if self.takes(node, len(filled.text)):
            return filled.text
        return None

    def _tell_missing(self, node: Node, where: str, name: str, *, later: bool) -> None:
        if later and self.given is None:
            what = f"{cut(name)} is not set here: the app's variable counts (prevs env set)"
            self.tell(node, where, what)
        elif not (later and name in (self.given or ())):
            self.tell(node, where, f"{cut(name)} is not set here, so it is empty")

    def takes(self, node: Node, size: int) -> bool:
        """Count a text by its characters, and return whether all of them are few enough."""
        before = self._taken
        self._taken += size
        if self._taken > MOST_TEXT >= before:
            self._full_at = node
        return self._taken <= MOST_TEXT

    def truth(self, node: Node, where: str) -> bool:
        """Return whether a value means true."""
        return (self.text(node, where) or "").lower() in _TRUE

    def texts(self, node: Node, where: str, *, later: bool = False) -> list[str] | None:
        """Return a list of texts; one text is a list of one."""
        if isinstance(node, Scalar) and not node.is_null:
            one = self.text(node, where, later=later)
            return None if one is None else [one]
        entries = self.listing(node, where)
        if entries is None:
            return None
        found = [
            self.text(one, f"{where}, entry {at}", later=later) for at, one in enumerate(entries, 1)
        ]
        return [one for one in found if one is not None] if None not in found else None

    def pairs(
        self, node: Node, where: str, *, later: bool = False
    ) -> Iterator[tuple[str, Node, str | None]]:
        """Yield NAME=value of a list or a table; None for a name without a value."""
        if isinstance(node, Scalar) and node.is_null:
            return
        if isinstance(node, Listing):
            for at, one in enumerate(node.entries, 1):
                if (text := self.text(one, f"{where}, entry {at}", later=later)) is not None:
                    name, sign, value = text.partition("=")
                    yield name, one, value if sign else None
            return
        for name, (key, inner) in (self.table(node, where) or {}).items():
            if isinstance(inner, Scalar) and inner.is_null:
                yield name, key, None
            elif (text := self.text(inner, f"{where}.{cut(name)}", later=later)) is not None:
                yield name, inner, text

    def known(
        self, node: Node, where: str, known: Sequence[str], unused: Mapping[str, str]
    ) -> Iterator[tuple[str, Scalar, Node]]:
        """Yield the entries of a table with a known key, each with its key's own node.

        What is `unused` becomes a note, which is its value.
        """
        for name, (key, value) in (self.table(node, where) or {}).items():
            inside = f"{where}.{cut(name)}" if where else cut(name)
            if name in known:
                yield name, key, value
            elif name in unused:
                self.tell(key, inside, unused[name])
            elif not name.startswith("x-"):
                self.refuse(key, inside, _explain(name, [*known, *unused]))


class _Any:
    """Contains each name."""

    def __contains__(self, name: object) -> bool:
        return True


def locate(node: Node, where: str) -> tuple[int, str]:
    """Return the line of the file that is read for a node, and a text that names another file."""
    origin = node.origin
    if not origin.path:
        return node.line, where
    return origin.line, f"{origin.path}, line {node.line}: {where}"


def cut(text: str) -> str:
    """Return a foreign text, short enough for a sentence."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _explain(name: str, known: Sequence[str]) -> str:
    if near := difflib.get_close_matches(name.lower(), known, n=1):
        return f"is not known; did you mean {near[0]}?"
    return "is no key of a compose file; leave it out, or begin it with x-"


def _name(node: Node) -> str:
    if isinstance(node, Scalar):
        return "empty" if node.is_null else "text"
    return "a list" if isinstance(node, Listing) else "a table"
