"""The API's calls for apps' forges, webhooks and pull requests: they raise the errors of `Api`."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from cli.client.generated.records import (
    EnteredHook,
    Finding,
    Hooks,
    NewHookSecret,
    Pull,
)
from cli.client.paging import Listed

Call = Callable[..., Any]


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


class AppHooks:
    """An app's webhooks and their secret. `read` returns JSON, `call` the whole answer."""

    def __init__(self, read: Call, call: Call) -> None:
        self._read = read
        self._call = call

    def show(self, app: str) -> Hooks:
        """Return where an app's forge sends webhooks, and how its repository is read."""
        return cast(Hooks, self._read("GET", _path(app, "hooks")))

    def set_secret(self, app: str, value: str | None) -> NewHookSecret:
        """Give an app this webhook secret, or a new one; return it with the address."""
        order = {} if value is None else {"json": {"value": value}}
        return cast(NewHookSecret, self._read("POST", _path(app, "hook-secret"), **order))

    def unset_secret(self, app: str, *, former: bool) -> None:
        """Remove an app's webhook secrets, or only the former one."""
        query = {"former": "true"} if former else {}
        self._call("DELETE", _path(app, "hook-secret"), params=query).close()


class Pulls:
    """An app's pull requests. `read` returns JSON, `gather` a whole list."""

    def __init__(self, read: Call, gather: Callable[[str, str], Listed[Any]]) -> None:
        self._read = read
        self._gather = gather

    def list(self, app: str) -> Listed[Pull]:
        """Return the open pull requests of an app."""
        return self._gather(_path(app, "pulls"), "pulls")

    def approve(self, app: str, number: int, commit: str) -> Pull:
        """Approve the head of a pull request, and return it."""
        order = {"commit": commit}
        return cast(Pull, self._read("POST", _path(app, f"pulls/{number}/approval"), json=order))


def _path(app: str, part: str) -> str:
    return f"/v1/apps/{quote(app, safe='')}/{part}"
