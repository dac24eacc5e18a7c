import asyncio
from collections.abc import Callable
from pathlib import Path

from proxy import certificates


def find_changes(folder: Path, *steps: Callable[[], object]) -> list[int]:
    """Return the looks that reported a change; a step happens before each look."""
    looks: list[int] = []
    changes: list[int] = []
    left = list(steps)

    async def pause(_: float) -> None:
        if not left:
            raise asyncio.CancelledError
        looks.append(len(looks))
        left.pop(0)()

    async def whole() -> None:
        watching = certificates.watch(folder, lambda: changes.append(looks[-1]), pause=pause)
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(whole())
    return changes


def nothing() -> None:
    """Leave it as it is."""


def test_a_change_is_reported_once_its_last_file_is_written(tmp_path: Path) -> None:
    one, two = tmp_path / "one.pem", tmp_path / "two.pem"
    one.write_text("1")

    def change_one() -> None:
        one.write_text("changed")

    def write_two() -> None:
        two.write_text("new")

    assert find_changes(tmp_path, nothing, change_one, write_two, nothing, nothing, nothing) == [3]


def test_a_reverted_change_is_no_change(tmp_path: Path) -> None:
    new = tmp_path / "new.pem"
    assert find_changes(tmp_path, nothing, new.touch, new.unlink, nothing, nothing) == []


def test_an_unreadable_folder_is_read_again(tmp_path: Path) -> None:
    folder, away = tmp_path / "certificates", tmp_path / "away"
    folder.mkdir()

    def go() -> None:
        folder.rename(away)

    def come_back() -> None:
        away.rename(folder)
        (folder / "new.pem").touch()

    assert find_changes(folder, nothing, go, nothing, come_back, nothing, nothing) == [4]
