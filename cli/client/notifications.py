"""The API's calls about notifications. They raise the same errors as `Api`."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

from cli.client.generated.records import NewReceiver, ShownReceiver, ShownTry

Call = Callable[..., Any]


class Notifications:
    """The receivers of an app's notifications. `read` returns JSON, `call` the whole answer."""

    def __init__(self, read: Call, call: Call) -> None:
        self._read = read
        self._call = call

    def list(self, app: str) -> list[ShownReceiver]:
        """Return the receivers of an app, the oldest first."""
        return cast(list[ShownReceiver], self._read("GET", _path(app))["receivers"])

    def add(self, app: str, order: Mapping[str, object]) -> NewReceiver:
        """Add a receiver, and return it with its secret."""
        return cast(NewReceiver, self._read("POST", _path(app), json=order))

    def remove(self, app: str, name: str) -> None:
        """Remove a receiver, with what waits for it."""
        self._call("DELETE", _path(app, name)).close()

    def test(self, app: str, name: str) -> ShownTry:
        """Send a test to a receiver, and return what came of it."""
        return cast(ShownTry, self._read("POST", _path(app, name, "test")))


def _path(app: str, *parts: str) -> str:
    return "/v1/apps/" + "/".join(quote(part, safe="") for part in (app, "notifications", *parts))
