"""The API's calls for pull requests. They raise the same errors as `Api`."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from cli.client.forge_types import Pull
from cli.client.paging import Listed

Call = Callable[..., Any]


class Pulls:
    """An app's pull requests. `read` returns JSON, `gather` a whole list."""

    def __init__(self, read: Call, gather: Callable[[str, str], Listed[Any]]) -> None:
        self._read = read
        self._gather = gather

    def list(self, app: str) -> Listed[Pull]:
        """Return the open pull requests of an app."""
        return self._gather(_path(app), "pulls")

    def approve(self, app: str, number: int, commit: str) -> Pull:
        """Approve the head of a pull request, and return it."""
        order = {"commit": commit}
        return cast(Pull, self._read("POST", f"{_path(app)}/{number}/approval", json=order))


def _path(app: str) -> str:
    return f"/v1/apps/{quote(app, safe='')}/pulls"
