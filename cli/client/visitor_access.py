"""The API's calls about who may look at an app's previews. They raise the same errors as `Api`."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

from cli.client.generated.records import NewPass, ShownAccess

Call = Callable[..., Any]


class VisitorAccess:
    """Who may look, and passes. `read` returns JSON, `call` the whole answer."""

    def __init__(self, read: Call, call: Call) -> None:
        self._read = read
        self._call = call

    def show(self, app: str) -> ShownAccess:
        """Return who may look, and the passes without their texts."""
        return cast(ShownAccess, self._read("GET", _path(app, "access")))

    def change(self, app: str, order: Mapping[str, object]) -> ShownAccess:
        """Change who may look, and return that."""
        return cast(ShownAccess, self._read("PUT", _path(app, "access"), json=order))

    def end(self, app: str) -> ShownAccess:
        """Put all visitors out, and end all passes."""
        return cast(ShownAccess, self._read("POST", _path(app, "access", "end")))

    def issue(self, app: str, order: Mapping[str, object]) -> NewPass:
        """Issue a pass, and return it with its text."""
        return cast(NewPass, self._read("POST", _path(app, "passes"), json=order))

    def revoke(self, app: str, pass_id: str) -> None:
        """Revoke a pass."""
        self._call("DELETE", _path(app, "passes", pass_id)).close()


def _path(app: str, *parts: str) -> str:
    return "/v1/apps/" + "/".join(quote(part, safe="") for part in (app, *parts))
