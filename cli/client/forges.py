"""The API's calls for apps' forges, webhooks and pull requests: they raise the errors of `Api`."""

from collections.abc import Callable
from typing import Any, NotRequired, TypedDict, cast
from urllib.parse import quote

from cli.client.api_types import Hooks, NewHookSecret
from cli.client.paging import Listed
from cli.client.stacks.stack_types import VariantAddress

Call = Callable[..., Any]


class Pull(TypedDict):
    """An open pull request. `gate` is trusted, approved, waiting or refused; `why` explains it."""

    number: int
    title: str
    author: str
    fork: bool
    draft: bool
    sha: str
    url: str
    gate: str
    why: str
    told: NotRequired[str]
    told_problem: NotRequired[str]
    variants: NotRequired[list[VariantAddress]]


class Finding(TypedDict):
    """What a check of an app's forge found about one part; `ok` is None if it was not tried."""

    part: str
    ok: bool | None
    detail: str
    advice: str


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
