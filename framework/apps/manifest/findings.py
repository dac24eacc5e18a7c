"""The mistakes in a .prevs.toml and in its compose file, each at the place that it comes from."""

from collections.abc import Iterable, Mapping, Sequence

from framework.apps.compose import Place
from framework.apps.manifest.lines import Path
from framework.apps.manifest.wording import spell
from prevs.records import Mistake

_COMPOSE = ("compose",)


class InvalidManifest(Exception):
    """A file that cannot be used; `mistakes` are all that is wrong, in the order of lines.

    They are in the compose file at the path `compose`, "" for the .prevs.toml.
    """

    def __init__(self, mistakes: Sequence[Mistake], compose: str = "") -> None:
        super().__init__("; ".join(f"line {one.line}: {one.message}" for one in mistakes))
        self.mistakes = tuple(mistakes)
        self.compose = compose


class Findings:
    """Collects mistakes: `lines` are those of the .prevs.toml, `places` in the file `compose`."""

    def __init__(
        self, lines: Mapping[Path, int], places: Mapping[Path, Place], compose: str
    ) -> None:
        self._lines = lines
        self._places = places
        self._compose = compose
        self._own: dict[Mistake, None] = {}
        self._composed: dict[Mistake, None] = {}

    def add(self, path: Path, message: str) -> None:
        """Add what is wrong at a path of keys; the message begins with the path as it is spelled.

        A word of a command that was split has no line of its own, so its command's is told.
        """
        for length in range(len(path), 0, -1):
            part = path[:length]
            if part in self._lines:
                self._own[Mistake(self._lines[part], message)] = None
                return
            if place := self._places.get(part):
                why = message.removeprefix(spell(path))
                self._composed[Mistake(place.line, f"{place.name}{why}")] = None
                return
        self._own[Mistake(self._lines.get(_COMPOSE, 1), message)] = None

    def find_key(self, path: Path) -> Path:
        """Return a path without pydantic's mark of a mistake in the key itself."""
        is_mark = path[-1:] == ("[key]",) and path not in self._lines
        return path[:-1] if is_mark else path

    def note(self, mistakes: Iterable[Mistake]) -> None:
        """Add mistakes that are in the compose file."""
        self._composed.update(dict.fromkeys(mistakes))

    def check(self) -> None:
        """Raise InvalidManifest if there are mistakes: with those of both files, if both have."""
        if self._own:
            line = self._lines.get(_COMPOSE, 1)
            other = (
                Mistake(line, f"{self._compose}, line {one.line}: {one.message}")
                for one in _in_order(self._composed)
            )
            raise InvalidManifest(_in_order([*self._own, *other]))
        if self._composed:
            raise InvalidManifest(_in_order(self._composed), self._compose)


def _in_order(mistakes: Iterable[Mistake]) -> Sequence[Mistake]:
    return sorted(mistakes, key=lambda one: one.line)
