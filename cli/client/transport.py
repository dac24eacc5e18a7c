"""How calls of the API are sent, and how their answers are read.

Every call blocks, up to two minutes if the framework may have to fetch a repository or to ask a
forge. Every call raises ApiUnreachable, ApiConfused or ApiRefused.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from cli.client.connection import FILE_PIECE, Connection, Hold
from cli.client.credentials import Credentials
from cli.client.paging import Listed, gather
from cli.errors import ApiConfused
from program.http.server_events import Parser, ServerEvent


class Timeouts(NamedTuple):
    """Seconds that a call waits: for a connection, an answer, or one that needs git or a forge."""

    connect: float = 5.0
    answer: float = 30.0  # a stream has a comment line every 10 s; others answer within 10 s
    fetch: float = 120.0


class Download(NamedTuple):
    """A file as it comes: its size in bytes, and its pieces, which raise ApiUnreachable."""

    size: int
    pieces: Iterator[bytes]


class Transport:
    """The API at its known addresses. Not thread safe.

    If the API limits the rate of calls, `hold` waits; without it, such a call raises ApiRefused.
    """

    def __init__(
        self,
        credentials: Credentials,
        timeout: Timeouts = Timeouts(),  # noqa: B008 # a value
        hold: Hold | None = None,
    ) -> None:
        self._connection = Connection(credentials, timeout.connect, hold)
        self._timeouts = timeout
        self.tag: str | None = None
        """The ETag of the last answer."""

    @property
    def address(self) -> str:
        """The address of the last call."""
        return self._connection.address

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def _list(
        self,
        path: str,
        part: str,
        query: Mapping[str, object],
        limit: int | None,
        **request: Any,
    ) -> Listed[Any, Any]:
        def fetch_page(more: Mapping[str, str]) -> Mapping[str, Any]:
            page = {**query, **more}
            found: Mapping[str, Any] = self._json("GET", path, query=page, **request)
            return found

        try:
            return gather(fetch_page, part, limit)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._confused("the answer is not the JSON of this call") from None

    @contextlib.contextmanager
    def _stream(
        self, path: str, after: str | None, query: Mapping[str, object]
    ) -> Iterator[Iterator[ServerEvent]]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after is not None:
            headers["Last-Event-ID"] = after
        with self._call("GET", path, headers=headers, query=query, stream=True) as answer:
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise self._confused("the answer is not a stream of events")
            yield _read_events(self._connection.pieces(answer))

    @contextlib.contextmanager
    def _download(self, path: str) -> Iterator[Download]:
        with self._call("GET", path, stream=True) as answer:
            size = answer.headers.get("Content-Length", "")
            if not size.isdigit():
                raise self._confused("the answer is not a file")
            yield Download(int(size), self._connection.pieces(answer, FILE_PIECE))

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._read(self._call(method, path, **request))

    def _read(self, answer: Any) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise self._confused("the answer is not the JSON of this call") from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        order: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        waits: bool = False,
        stream: bool = False,
    ) -> Any:
        """Return the whole answer. What is None, "" or False is left out of the query."""
        answer = self._connection.call(
            method,
            path,
            timeout=self._timeouts.fetch if waits else self._timeouts.answer,
            json=order,
            params={name: _write(value) for name, value in (query or {}).items() if _is(value)},
            headers={name: value for name, value in (headers or {}).items() if value is not None},
            stream=stream,
        )
        self.tag = answer.headers.get("ETag")
        return answer

    def _confused(self, why: str) -> ApiConfused:
        return ApiConfused(self.address, why)


def quote_part(part: object) -> str:
    """Return one part of a path, with what means something else there as a percent-code."""
    return quote(str(part), safe="")


def quote_path(path: str) -> str:
    """Return several parts of a path, as `quote_part` returns one."""
    return quote(path)


def quote_key(key: str | None) -> str | None:
    """Return the value of the header with an idempotency key."""
    return None if key is None else f'"{key}"'


def _is(value: object) -> bool:
    return value is not None and value is not False and value != ""


def _write(value: object) -> str:
    return "true" if value is True else str(value)


def _read_events(pieces: Iterable[bytes]) -> Iterator[ServerEvent]:
    parser = Parser()
    for piece in pieces:
        yield from (event for event in parser.feed(piece) if event.name)
