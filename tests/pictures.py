"""Pictures of pages for the documentation, taken by the browser tests of these pages.

Each picture is stored with a digest of its page's sources. While the digest stays the same, the
picture is right. When it changes, the test that takes the picture fails, until `make pictures`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
NEXT_STEP = "Run `make pictures`, look at docs/pictures/, and commit what has changed."

_TRIES = 30
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Page(Protocol):
    """The part of Playwright's page that we use."""

    def emulate_media(self, *, color_scheme: Literal["light", "dark"]) -> None:
        """Show the page in a light or dark scheme."""
        ...

    def screenshot(self) -> bytes:
        """Return the visible part of the page as PNG."""
        ...


class Album(NamedTuple):
    """The pictures in a folder, with sources below a root; `taking` is whether to take them."""

    folder: Path
    root: Path
    taking: bool

    def take(self, show: Callable[[], Page], name: str, sources: Sequence[str]) -> None:
        """Take the pictures of a page, or check that they are of the current page.

        `show` opens the page; it is called only to take pictures. `sources` are patterns below the
        root for all files that the page is made of. Fails, with the next step, if there is no
        picture or if its sources have changed.
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
        """Return the problems of all pictures in the register."""
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
            return f"There is no picture {name!r}. {NEXT_STEP}"
        if self._known()[name] != wanted:
            return f"The page of the picture {name!r} has changed. {NEXT_STEP}"
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
    """Return a screenshot of a page once two in a row are equal."""
    before = page.screenshot()
    for _ in range(_TRIES):
        seen = page.screenshot()
        if seen == before:
            return seen
        before = seen
    raise AssertionError("There is no picture of a page that does not come to rest.")


take = Album(FOLDER, ROOT, os.environ.get("PREVS_PICTURES") == "1").take
