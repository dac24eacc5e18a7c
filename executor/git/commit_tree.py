"""The files of an attempt's commit, which are written once for all that need them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from executor.ports import Checkout


class CommitTree:
    """Fulfils the port Checkout: `make` gives the checkout that is made when it is first needed.

    One thread at a time uses it.
    """

    def __init__(self, make: Callable[[], Checkout]) -> None:
        self._make = make
        self._open = contextlib.ExitStack()
        self._tree: Path | None = None

    @contextlib.contextmanager
    def tree(self, *, limit: float) -> Iterator[Path]:
        """Yield the folder with the commit's files, which stays until end()."""
        if self._tree is None:
            self._tree = self._open.enter_context(self._make().tree(limit=limit))
        yield self._tree

    def end(self) -> None:
        """Remove the files, if there are any; the next tree() writes them again."""
        self._tree = None
        self._open.close()
