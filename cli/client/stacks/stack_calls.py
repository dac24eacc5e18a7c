"""The API's calls about stacks. They raise the same errors as `Api`."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from cli.client.generated.records import Stack, StackVariant
from cli.client.jobs import Calls
from cli.client.paging import Listed


class Stacks:
    """The stacks and their variants. What writes one may wait for git, for `patience` seconds."""

    def __init__(self, calls: Calls, *, patience: float) -> None:
        self._calls = calls
        self._patience = patience

    def list(self, app: str | None = None) -> Listed[Stack]:
        """Return the stacks of which an app is a member, or all, by name."""
        return self._calls.gather("/v1/stacks", "stacks", {"app": app} if app else {})

    def show(self, name: str) -> Stack:
        """Return a stack, with its open variants."""
        return cast(Stack, self._calls.read("GET", _path(name)))

    def write(self, name: str, order: Mapping[str, object], *, dry_run: bool = False) -> Stack:
        """Make a stack, or replace all of its members, and return it.

        With `dry_run` nothing changes: the answer is the stack as it would be.
        """
        params = {"dry_run": "true"} if dry_run else {}
        answer = self._calls.read(
            "PUT", _path(name), json=order, params=params, timeout=self._patience
        )
        return cast(Stack, answer)

    def remove(self, name: str) -> None:
        """Remove a stack, with all that runs in its variants alone."""
        self._calls.call("DELETE", _path(name)).close()

    def open(self, name: str, order: Mapping[str, object]) -> StackVariant:
        """Open a variant, or write it anew, and return it."""
        path = _path(name, "variants")
        return cast(
            StackVariant, self._calls.read("POST", path, json=order, timeout=self._patience)
        )

    def show_variant(self, name: str, variant: str) -> StackVariant:
        """Return an open variant."""
        return cast(StackVariant, self._calls.read("GET", _path(name, "variants", variant)))

    def stop(self, name: str, variant: str) -> StackVariant:
        """Stop what runs in a variant alone, and return the variant."""
        path = _path(name, "variants", variant, "stop")
        return cast(StackVariant, self._calls.read("POST", path))

    def pin(self, name: str, variant: str, *, pinned: bool) -> StackVariant:
        """Pin a variant, so that nothing in it stops when idle or to make room, or unpin it."""
        path = _path(name, "variants", variant, "pin")
        return cast(StackVariant, self._calls.read("PUT" if pinned else "DELETE", path))

    def close(self, name: str, variant: str) -> None:
        """Close a variant: what runs in it alone stops, and goes."""
        self._calls.call("DELETE", _path(name, "variants", variant)).close()


def _path(name: str, *parts: str) -> str:
    return "/v1/stacks/" + "/".join(quote(part, safe="") for part in (name, *parts))
