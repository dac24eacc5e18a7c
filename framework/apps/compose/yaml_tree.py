"""From the text of a YAML document to a tree with the line of each node.

Only this module knows yaml.

Only the parser of PyYAML runs, which makes events: it constructs no object of any tag. An alias
stands for its whole node, so the tree's size counts it each time: a document of a few lines may
mean billions of nodes.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

MOST_NODES, DEEPEST = 20_000, 20
RESET, OVERRIDE = "!reset", "!override"
MERGE_TAGS = frozenset({RESET, OVERRIDE})
"""What a value may say of the one that it is merged with: take it out, or replace it as it is."""
_MERGE = "<<"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})


class NotYaml(Exception):
    """A document that cannot be read; `line` counts from 1, `why` is a sentence without its end."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


@dataclasses.dataclass(frozen=True, eq=False)
class Origin:
    """The file that a node is of.

    `path` is that of another file than the one that is read, which names it in its line `line`.
    The paths in it begin at `folder`, from the app's folder on; `values` are those of variables.
    """

    path: str = ""
    line: int = 1
    folder: str = ""
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)


_ALONE = Origin()


class Scalar(NamedTuple):
    """A text as it is in the document; `is_plain` without quotes."""

    line: int
    text: str
    is_plain: bool = False
    origin: Origin = _ALONE
    tag: str = ""

    @property
    def is_null(self) -> bool:
        """Whether it means that there is no value."""
        return self.is_plain and self.text in _NULL

    @property
    def is_truth(self) -> bool:
        """Whether it means true or false, and no text."""
        return self.is_plain and self.text in _TRUTH


class Listing(NamedTuple):
    """A list of nodes."""

    line: int
    entries: tuple["Node", ...]
    origin: Origin = _ALONE
    tag: str = ""


class Table(NamedTuple):
    """Nodes by key."""

    line: int
    entries: dict[str, tuple[Scalar, "Node"]]
    origin: Origin = _ALONE
    tag: str = ""


Node = Scalar | Listing | Table


class _Measured(NamedTuple):
    node: Node
    size: int
    depth: int


class _Frame:
    """A list or table whose end has not come yet."""

    def __init__(self, empty: Listing | Table, anchor: str | None) -> None:
        self.empty = empty
        self.line = empty.line
        self.anchor = anchor
        self.key: Scalar | None = None
        self.listed: list[Node] = []
        self.named: dict[str, tuple[Scalar, Node]] = {}
        self.size, self.depth = 1, 1

    def add(self, one: _Measured, line: int) -> None:
        self.size += one.size
        self.depth = max(self.depth, one.depth + 1)
        if isinstance(self.empty, Listing):
            self.listed.append(one.node)
        elif self.key is not None:
            self.named[self.key.text] = (self.key, one.node)
            self.key = None
        elif not isinstance(one.node, Scalar):
            raise NotYaml(line, "a key must be text")
        elif one.node.text in self.named:
            raise NotYaml(line, f"{one.node.text[:60]} is there twice")
        else:
            self.key = one.node._replace(line=line)

    def finish(self) -> _Measured:
        if isinstance(self.empty, Listing):
            node: Node = self.empty._replace(entries=tuple(self.listed))
        else:
            node = self.empty._replace(entries=_merge(self.named))
        return _Measured(node, self.size, self.depth)


def _merge(
    named: Mapping[str, tuple[Scalar, Node]],
) -> dict[str, tuple[Scalar, Node]]:
    """Return a table with what its key << names, a table or several; its own keys win."""
    if _MERGE not in named or not named[_MERGE][0].is_plain:
        return dict(named)
    key, given = named[_MERGE]
    merged: dict[str, tuple[Scalar, Node]] = {}
    for one in given.entries if isinstance(given, Listing) else (given,):
        if not isinstance(one, Table):
            raise NotYaml(key.line, "<< must name a table, or a list of tables")
        merged = {**one.entries, **merged}
    return {**merged, **{name: one for name, one in named.items() if name != _MERGE}}


def read_tree(text: str, origin: Origin = _ALONE) -> Node:
    """Return the one document of a text. Raises NotYaml."""
    try:
        return _Reading(origin).read(yaml.parse(text, Loader=yaml.BaseLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(str(error.problem or error.context).split())
        raise NotYaml(mark.line + 1 if mark else 1, f"is not YAML: {why}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYaml(line, "has a character that YAML does not allow") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise NotYaml(1, "is not YAML") from None


class _Reading:
    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._open: list[_Frame] = []
        self._anchors: dict[str, _Measured] = {}
        self._root: Node | None = None

    def read(self, events: Iterator[Any]) -> Node:
        for event in events:
            self._take(event, event.start_mark.line + 1)
        if self._root is None:
            raise NotYaml(1, "the file is empty")
        return self._root

    def _take(self, event: Any, line: int) -> None:
        tag = getattr(event, "tag", None) or ""
        if tag and tag not in MERGE_TAGS:
            raise NotYaml(line, f"has the tag {tag[:60]}; write the value without it")
        if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            raise NotYaml(line, "begins a second document (---); there may be one")
        if isinstance(event, yaml.ScalarEvent):
            is_plain = event.style is None
            scalar = Scalar(line, event.value, is_plain, self._origin, tag)
            self._add(_Measured(scalar, 1, 0), line, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            if name not in self._anchors:
                raise NotYaml(line, f"no value before it has the name &{name[:60]}")
            self._add(self._anchors[name], line, None)
        elif isinstance(event, yaml.CollectionStartEvent):
            empty = (
                Table(line, {}, self._origin, tag)
                if isinstance(event, yaml.MappingStartEvent)
                else Listing(line, (), self._origin, tag)
            )
            self._open.append(_Frame(empty, event.anchor))
            self._check_depth(line, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self._open.pop()
            self._add(frame.finish(), frame.line, frame.anchor)

    def _add(self, one: _Measured, line: int, anchor: str | None) -> None:
        self._check_depth(line, one.depth)
        if anchor:
            self._anchors[anchor] = one
        if self._open:
            self._open[-1].add(one, line)
            if self._open[-1].size > MOST_NODES:
                raise NotYaml(line, f"the file has more than {MOST_NODES:,} values, with aliases")
        else:
            self._root = one.node

    def _check_depth(self, line: int, more: int) -> None:
        if len(self._open) + more > DEEPEST:
            raise NotYaml(line, "is nested too deeply; no setting needs that")
