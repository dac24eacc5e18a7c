"""The API's calls about gates, and about signatures. They raise the same errors as `Api`."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from cli.client.generated.records import Gate, RefusedRecord, TryAnswer
from cli.client.jobs import Calls
from cli.client.paging import Listed
from cli.errors import ApiRefused


class Gates:
    """The gates. What changes one may wait for git, for `patience` seconds.

    With `dry_run` nothing changes: the answer is the gate as it would be. With `force` it does not
    wait until what it leads to runs.
    """

    def __init__(self, calls: Calls, *, patience: float) -> None:
        self._calls = calls
        self._patience = patience

    def list(self, app: str | None = None) -> Listed[Gate]:
        """Return the gates of an app, or all, by name."""
        return self._calls.gather("/v1/gates", "gates", {"app": app} if app else {})

    def show(self, name: str) -> Gate:
        """Return a gate."""
        return cast(Gate, self._calls.read("GET", _path(name)))

    def write(
        self,
        name: str,
        order: Mapping[str, object],
        *,
        seen: int | None = None,
        dry_run: bool = False,
        force: bool = False,
    ) -> Gate:
        """Make a gate, or write all of its rules anew, and return it.

        With a `seen` revision, only if none has been written since.
        """
        headers = {} if seen is None else {"If-Match": f'"{seen}"'}
        return self._change(
            "PUT", _path(name), order, headers=headers, dry_run=dry_run, force=force
        )

    def switch(
        self, name: str, order: Mapping[str, object], *, dry_run: bool = False, force: bool = False
    ) -> Gate:
        """Let one rule lead elsewhere, and return the gate."""
        return self._change("POST", _path(name, "switch"), order, dry_run=dry_run, force=force)

    def roll_back(
        self, name: str, revision: int | None, *, dry_run: bool = False, force: bool = False
    ) -> Gate:
        """Let a gate lead where it led before, and return it."""
        order = {"revision": revision}
        return self._change("POST", _path(name, "rollback"), order, dry_run=dry_run, force=force)

    def remove(self, name: str) -> None:
        """Remove a gate."""
        self._calls.call("DELETE", _path(name)).close()

    def try_request(self, name: str, order: Mapping[str, object]) -> TryAnswer:
        """Return where a request would go."""
        return cast(TryAnswer, self._calls.read("POST", _path(name, "try"), json=order))

    def _change(
        self,
        method: str,
        path: str,
        order: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
        **ways: bool,
    ) -> Gate:
        params = {way: "true" for way, wanted in ways.items() if wanted}
        answer = self._calls.read(
            method, path, json=order, params=params, headers=headers, timeout=self._patience
        )
        return cast(Gate, answer)


class Signatures:
    """What of the stored gates, stacks and accesses is not trusted."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_refused(self, kind: str = "", app: str | None = None) -> list[RefusedRecord]:
        """Return the records of a kind, or of all; none of a framework that does not know."""
        try:
            found = self._calls.read("GET", "/v1/signatures", params={"app": app} if app else {})
        except ApiRefused as error:
            if error.problem.http_status != 404:
                raise
            return []
        refused = cast(list[RefusedRecord], found["refused"])
        return [one for one in refused if kind in ("", one["kind"])]


def _path(name: str, *parts: str) -> str:
    return "/v1/gates/" + "/".join(quote(part, safe="") for part in (name, *parts))
