"""executor/git/commit_tree.py: the files of a commit are written once."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from executor.git.commit_tree import CommitTree


class _Checkout:
    """A checkout that counts, and says when its files are gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[str] = []

    @contextlib.contextmanager
    def tree(self, *, limit: float) -> Iterator[Path]:
        del limit
        self.events.append("written")
        yield self.folder
        self.events.append("removed")


def test_all_who_need_the_files_have_the_same_until_the_end(tmp_path: Path) -> None:
    made = _Checkout(tmp_path)
    tree = CommitTree(lambda: made)
    tree.end()
    for _ in range(2):
        with tree.tree(limit=1.0) as folder:
            assert folder == tmp_path
    assert made.events == ["written"]
    tree.end()
    tree.end()
    assert made.events == ["written", "removed"]
    with tree.tree(limit=1.0):
        assert made.events == ["written", "removed", "written"]
