"""The API's calls about notifications. They raise the same errors as `Api`."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast
from urllib.parse import quote

Call = Callable[..., Any]


class LastTry(TypedDict):
    """The last try to send something to a receiver; `problem` is "" if it was taken.

    `at` is in seconds since the epoch; `status` is None if there was no answer.
    """

    at: float
    status: int | None
    problem: str


class Receiver(TypedDict):
    """Where an app's events are sent; `events` None: all of them."""

    name: str
    host: str
    events: list[str] | None
    format: str
    created: float
    last: LastTry | None
    waiting: int
    dropped: int


class NewReceiver(Receiver):
    """A receiver that was just added, with the secret that notifications are signed with."""

    secret: str


class Notifications:
    """The receivers of an app's notifications. `read` returns JSON, `call` the whole answer."""

    def __init__(self, read: Call, call: Call) -> None:
        self._read = read
        self._call = call

    def list(self, app: str) -> list[Receiver]:
        """Return the receivers of an app, the oldest first."""
        return cast(list[Receiver], self._read("GET", _path(app))["receivers"])

    def add(self, app: str, order: Mapping[str, object]) -> NewReceiver:
        """Add a receiver, and return it with its secret."""
        return cast(NewReceiver, self._read("POST", _path(app), json=order))

    def remove(self, app: str, name: str) -> None:
        """Remove a receiver, with what waits for it."""
        self._call("DELETE", _path(app, name)).close()

    def test(self, app: str, name: str) -> LastTry:
        """Send a test to a receiver, and return what came of it."""
        return cast(LastTry, self._read("POST", _path(app, name, "test")))


def _path(app: str, *parts: str) -> str:
    return "/v1/apps/" + "/".join(quote(part, safe="") for part in (app, "notifications", *parts))
