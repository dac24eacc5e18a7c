"""The API's call about the signatures of records. It raises the same errors as `Api`."""

from typing import Any, TypedDict, cast

from cli.errors import ApiRefused


class RefusedRecord(TypedDict):
    """A gate, a stack or who may look (access) whose record no token has signed."""

    kind: str
    name: str
    app: str
    detail: str


class Signatures:
    """What of the stored records is not trusted. `read` returns JSON."""

    def __init__(self, read: Any) -> None:
        self._read = read

    def list_refused(self, kind: str = "", app: str | None = None) -> list[RefusedRecord]:
        """Return the records of a kind, or of all; none of a framework that does not know."""
        try:
            found = self._read("GET", "/v1/signatures", params={"app": app} if app else {})
        except ApiRefused as error:
            if error.problem.http_status != 404:
                raise
            return []
        return [
            one
            for one in cast(list[RefusedRecord], found["refused"])
            if one["kind"] in (kind or one["kind"],)
        ]
