"""The API's calls for apps' variables and credentials. They raise the same errors as `Api`."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

from cli.client.generated.records import ShownCredential, ShownVariable

Call = Callable[..., Any]


class AppSecrets:
    """An app's variables and credential. `read` returns JSON, `call` the whole answer."""

    def __init__(self, read: Call, call: Call) -> None:
        self._read = read
        self._call = call

    def variables(self, app: str) -> list[ShownVariable]:
        """Return the variables of an app's containers, by name."""
        return cast(list[ShownVariable], self._read("GET", _environment(app))["variables"])

    def set_variable(
        self, app: str, name: str, value: str, *, secret: bool, scope: Mapping[str, object]
    ) -> ShownVariable:
        """Set a variable, and return it as the API shows it. `scope` holds the scopes to change."""
        order = {"value": value, "secret": secret, **scope}
        return cast(ShownVariable, self._read("PUT", _environment(app, name), json=order))

    def unset_variable(self, app: str, name: str) -> None:
        """Remove a variable."""
        self._call("DELETE", _environment(app, name)).close()

    def unset_all(self, app: str) -> None:
        """Remove every variable."""
        self._call("DELETE", _environment(app)).close()

    def credential(self, app: str) -> ShownCredential:
        """Return the credential of an app's repository, without its secret part."""
        return cast(ShownCredential, self._read("GET", _credential(app)))

    def set_credential(self, app: str, order: Mapping[str, str]) -> ShownCredential:
        """Set the credential of an app's repository, and return it as the API shows it."""
        return cast(ShownCredential, self._read("PUT", _credential(app), json=order))

    def unset_credential(self, app: str) -> None:
        """Remove the credential of an app's repository."""
        self._call("DELETE", _credential(app)).close()


def _environment(app: str, *name: str) -> str:
    return "/".join((f"/v1/apps/{quote(app, safe='')}/environment", *_quoted(name)))


def _credential(app: str) -> str:
    return f"/v1/apps/{quote(app, safe='')}/credential"


def _quoted(parts: tuple[str, ...]) -> list[str]:
    return [quote(part, safe="") for part in parts]
