"""The API's calls for apps' forges. They raise the same errors as `Api`."""

from collections.abc import Callable
from typing import Any, TypedDict, cast
from urllib.parse import quote

from cli.client.forge_types import Finding

Call = Callable[..., Any]


class EnteredHook(TypedDict):
    """What became of a webhook at its forge: made, updated, refused, or to enter by hand.

    `secret` is the one to enter by hand, if it was just made.
    """

    outcome: str
    why: str
    advice: str
    secret: str | None


class Forges:
    """The forges of apps. `read` returns JSON, `call` the whole answer."""

    def __init__(self, read: Call, call: Call, *, patience: float) -> None:
        """What calls the forge waits for its answer for `patience` seconds."""
        self._read = read
        self._call = call
        self._patience = patience

    def set_token(self, app: str, token: str) -> None:
        """Set the token for an app's forge."""
        self._call("PUT", _path(app, "forge-token"), json={"token": token}).close()

    def remove_token(self, app: str) -> None:
        """Remove the token for an app's forge."""
        self._call("DELETE", _path(app, "forge-token")).close()

    def enter_hook(self, app: str) -> EnteredHook:
        """Give an app's forge the webhook."""
        path = _path(app, "forge-hook")
        return cast(EnteredHook, self._read("POST", path, timeout=self._patience))

    def check(self, app: str) -> list[Finding]:
        """Check the way to an app's forge."""
        answer = self._read("POST", _path(app, "forge-check"), timeout=self._patience)
        return cast(list[Finding], answer["findings"])


def _path(app: str, part: str) -> str:
    return f"/v1/apps/{quote(app, safe='')}/{part}"
