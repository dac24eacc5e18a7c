"""The pictures of the documentation show the current pages (tests/pictures.py)."""

import re
from pathlib import Path
from typing import Literal

import pytest

from tests.pictures import FOLDER, ROOT, Album


class DrawnPage:
    """A page whose picture is the name of its colours."""

    def __init__(self) -> None:
        self.scheme = "light"

    def emulate_media(self, *, color_scheme: Literal["light", "dark"]) -> None:
        self.scheme = color_scheme

    def screenshot(self) -> bytes:
        return self.scheme.encode()


class MovingPage(DrawnPage):
    """A page that moves as long as it has moves left."""

    def __init__(self, *moves: str) -> None:
        super().__init__()
        self.moves = list(moves)

    def screenshot(self) -> bytes:
        return self.moves.pop(0).encode() if self.moves else super().screenshot()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "page.html").write_text("page")
    (tmp_path / "room" / "page.css").write_text("style")
    return tmp_path


def take(root: Path, *sources: str) -> Album:
    album = Album(root / "pictures", root, taking=True)
    album.take(DrawnPage, "room", sources)
    return album._replace(taking=False)


def test_a_picture_is_taken_in_light_and_in_dark(root: Path) -> None:
    album = take(root, "room/*")
    assert (root / "pictures" / "room-light.png").read_text() == "light"
    assert (root / "pictures" / "room-dark.png").read_text() == "dark"
    assert album.problems() == []


def test_an_animated_page_is_taken_once_it_is_still(root: Path) -> None:
    album = Album(root / "pictures", root, taking=True)
    album.take(lambda: MovingPage("half", "nearly"), "room", ["room/*"])
    assert (root / "pictures" / "room-light.png").read_text() == "light"
    with pytest.raises(AssertionError, match="does not come to rest"):
        album.take(lambda: MovingPage(*map(str, range(100))), "room", ["room/*"])


def test_an_up_to_date_picture_is_not_taken_again(root: Path) -> None:
    album = take(root, "room/*")
    (root / "pictures" / "room-light.png").write_text("as it was")
    album.take(DrawnPage, "room", ["room/*"])
    assert (root / "pictures" / "room-light.png").read_text() == "as it was"


@pytest.mark.parametrize("change", ["page.html", "more.html"])
def test_a_changed_page_needs_another_picture(root: Path, change: str) -> None:
    album = take(root, "room/*.html", "room/page.css")
    (root / "room" / change).write_text("other")
    with pytest.raises(AssertionError, match=r"has changed.*`make pictures`"):
        album.take(DrawnPage, "room", ["room/*.html", "room/page.css"])
    assert len(album.problems()) == 1


@pytest.mark.parametrize(
    ("name", "why"), [("room", "has changed"), ("door", r"no picture 'door'.*`make pictures`")]
)
def test_a_picture_of_other_sources_or_under_another_name_is_reported_as_missing(
    root: Path, name: str, why: str
) -> None:
    album = take(root, "room/page.html")
    with pytest.raises(AssertionError, match=why):
        album.take(DrawnPage, name, ["room/*"])


def test_a_picture_without_its_file_and_one_without_a_page_are_reported(root: Path) -> None:
    album = take(root, "room/*")
    (root / "pictures" / "room-dark.png").rename(root / "pictures" / "door-dark.png")
    missing, stray = album.problems()
    assert "no picture 'room'" in missing
    assert "door-dark.png" in stray


def test_missing_sources_are_an_error(root: Path) -> None:
    with pytest.raises(AssertionError, match=r"no file 'hall/\*'"):
        take(root, "hall/*")


def test_the_pictures_of_the_documentation_are_right_and_are_shown() -> None:
    assert Album(FOLDER, ROOT, taking=False).problems() == []
    text = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    shown = set(re.findall(r"pictures/([\w-]+\.png)", text))
    assert {path.name for path in FOLDER.glob("*.png")} == shown
