"""The line of each key in a TOML document, which tomllib does not report. Pure.

Nothing is validated here: a document with a syntax error is read up to the error.
"""

import contextlib
import re
from collections.abc import Callable, Mapping

Path = tuple[str | int, ...]
"""Where a value is: keys and positions in lists."""

DEEPEST = 12
"""How many parts a path may have. The memory that tomllib needs grows with their square."""

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\r\n#]*")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_PLAIN = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"((?:[^"\\\r\n]|\\.)*)"'
    r"|'([^'\r\n]*)'",
    re.DOTALL,
)


class TooDeep(Exception):
    """A path in the document has more than DEEPEST parts."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is nested too deeply")
        self.line = line


class _Lost(Exception):
    """What follows is not TOML."""


def find_lines(text: str) -> Mapping[Path, int]:
    """Return the first line of each key and each element of a list, counted from 1.

    Raises TooDeep.
    """
    walk = _Walk(text)
    with contextlib.suppress(_Lost):
        walk.document()
    return walk.lines


class _Walk:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._tables: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_GAP)
            if self._at == len(self._text):
                return
            if self._take("[["):
                table = self._header(self._key(), is_list=True)
                self._need("]]")
            elif self._take("["):
                table = self._header(self._key(), is_list=False)
                self._need("]")
            else:
                self._pair(table)

    def _header(self, key: Path, *, is_list: bool) -> Path:
        """Note a header's lines; return the table's path, with positions in lists of tables."""
        path: Path = ()
        for number, part in enumerate(key, 1):
            path = (*path, part)
            self._note(path)
            if is_list and number == len(key):
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
                self._note(path)
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for part in self._key():
            path = (*path, part)
            self._note(path)
        self._need("=")
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._take("["):
            self._inside(path, "]", self._element)
        elif self._take("{"):
            self._inside(path, "}", lambda inside, _: self._pair(inside))
        elif self._text[self._at : self._at + 1] in {'"', "'"}:
            self._string()
        else:
            self._skip(_SCALAR)

    def _element(self, path: Path, position: int) -> None:
        self._note((*path, position))
        self._value((*path, position))

    def _inside(self, path: Path, end: str, read: Callable[[Path, int], None]) -> None:
        """Call `read` for each item before the closing bracket, with its position."""
        position = 0
        while True:
            self._skip(_GAP)
            if self._take(end):
                return
            read(path, position)
            position += 1
            self._skip(_GAP)
            if not self._take(","):
                self._need(end)
                return

    def _key(self) -> Path:
        """Return the parts of a key with dots in it."""
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            parts.append(self._part())
            if len(parts) > DEEPEST:
                raise TooDeep(self._line)
            self._skip(_BLANK)
            if not self._take("."):
                return tuple(parts)

    def _part(self) -> str:
        if self._text[self._at : self._at + 1] in {'"', "'"}:
            return self._string()
        bare = _BARE.match(self._text, self._at)
        if bare is None:
            raise _Lost
        self._at = bare.end()
        return bare[0]

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise _Lost
        self._skip(_STRING)
        return found[2] or _ESCAPE.sub(_read_escape, found[1] or "")

    def _note(self, path: Path) -> None:
        if len(path) > DEEPEST:
            raise TooDeep(self._line)
        self.lines.setdefault(path, self._line)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._line += found[0].count("\n")
            self._at = found.end()

    def _take(self, token: str) -> bool:
        there = self._text.startswith(token, self._at)
        self._at += len(token) if there else 0
        return there

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise _Lost


def _read_escape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code is None:
        return _PLAIN.get(found[3], found[3])
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        raise _Lost from None
