"""Pictures of pages for the documentation, taken by the browser tests that show these pages.

A picture goes with the digest of what its page is made of. While that is as it was, the picture
is right; when it has changed, the test that would take it fails, until `make pictures`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
MENDS = "Run `make pictures`, look at docs/pictures/, and commit what has changed."

_TRIES = 30
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Page(Protocol):
    """What is asked of Playwright's page."""

    def emulate_media(self, *, color_scheme: Literal["light", "dark"]) -> None:
        """Show the page as one who likes it light, or dark, sees it."""
        ...

    def screenshot(self) -> bytes:
        """Return what is seen of the page, as PNG."""
        ...


class Album(NamedTuple):
    """The pictures in a folder, of what is below a root. `taking` says whether to take them."""

    folder: Path
    root: Path
    taking: bool

    def take(self, show: Callable[[], Page], name: str, sources: Sequence[str]) -> None:
        """Take the pictures of a page, or find that they are those of the page as it is.

        `show` opens the page; nobody calls it but who takes pictures. `sources` are patterns below
        the root: all files that the page is made of. Fails, with what to do, where there is no
        picture, or one of a page of other sources.
        """
        digest = self._digest(sources)
        if not self.taking:
            problem = self._problem(name, {"digest": digest, "sources": list(sources)})
            assert problem is None, problem
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        page = show()
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)
            self._file(name, scheme).write_bytes(_take_at_rest(page))
        known = {**self._known(), name: {"digest": digest, "sources": list(sources)}}
        text = json.dumps(dict(sorted(known.items())), indent=2)
        self._register.write_text(f"{text}\n", encoding="utf-8")

    def problems(self) -> list[str]:
        """Return what is wrong with the pictures there are, by what was written of each."""
        found = [
            self._problem(name, {**entry, "digest": self._digest(entry["sources"])})
            for name, entry in self._known().items()
        ]
        listed = {self._file(name, scheme) for name in self._known() for scheme in _SCHEMES}
        strays = [
            f"{path.name} is a picture that no test takes."
            for path in sorted(self.folder.glob("*.png"))
            if path not in listed
        ]
        return [*filter(None, found), *strays]

    def _problem(self, name: str, wanted: dict[str, object]) -> str | None:
        missing = [scheme for scheme in _SCHEMES if not self._file(name, scheme).exists()]
        if name not in self._known() or missing:
            return f"There is no picture {name!r}. {MENDS}"
        if self._known()[name] != wanted:
            return f"The page of the picture {name!r} has changed. {MENDS}"
        return None

    @property
    def _register(self) -> Path:
        return self.folder / "pictures.json"

    def _known(self) -> dict[str, dict[str, Sequence[str]]]:
        if not self._register.exists():
            return {}
        known: dict[str, dict[str, Sequence[str]]] = json.loads(self._register.read_text("utf-8"))
        return known

    def _file(self, name: str, scheme: str) -> Path:
        return self.folder / f"{name}-{scheme}.png"

    def _digest(self, sources: Sequence[str]) -> str:
        total = hashlib.sha256()
        for pattern in sources:
            files = [path for path in sorted(self.root.glob(pattern)) if path.is_file()]
            assert files, f"There is no file {pattern!r} to make a picture of."
            for path in files:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                total.update(f"{path.relative_to(self.root)} {content}\n".encode())
        return total.hexdigest()


def _take_at_rest(page: Page) -> bytes:
    """Return what is seen of a page once that is what was seen just before."""
    before = page.screenshot()
    for _ in range(_TRIES):
        seen = page.screenshot()
        if seen == before:
            return seen
        before = seen
    raise AssertionError("There is no picture of a page that does not come to rest.")


take = Album(FOLDER, ROOT, os.environ.get("PREVS_PICTURES") == "1").take
