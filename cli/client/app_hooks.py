"""The API's calls for apps' webhooks. They raise the same errors as `Api`."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from cli.client.api_types import Hooks, NewHookSecret

Call = Callable[..., Any]


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


def _path(app: str, what: str) -> str:
    return f"/v1/apps/{quote(app, safe='')}/{what}"
