"""The API's calls about the roles of people. They raise the same errors as `Api`."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

from cli.client.generated.records import Role
from cli.client.paging import Listed

Call = Callable[..., Any]


class Roles:
    """Roles of people. `read` returns JSON, `call` the whole answer, `gather` a whole list."""

    def __init__(self, read: Call, call: Call, gather: Callable[[str, str], Listed[Any]]) -> None:
        self._read = read
        self._call = call
        self._gather = gather

    def list(self) -> list[Role]:
        """Return every role."""
        return self._gather("/v1/roles", "roles").found

    def add(self, order: Mapping[str, object]) -> Role:
        """Give a role, and return it."""
        return cast(Role, self._read("POST", "/v1/roles", json=order))

    def remove(self, role_id: str) -> None:
        """Take a role away."""
        self._call("DELETE", f"/v1/roles/{quote(role_id, safe='')}").close()
