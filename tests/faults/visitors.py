"""Visitors who request running previews continuously, and count every failed request."""

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_PATIENCE = 120.0  # seconds that a visitor waits for an answer


class Address(NamedTuple):
    """A host name, and the page that it has to answer with."""

    host: str
    page: bytes


class Lost(NamedTuple):
    """A request that did not get its page; times are monotonic seconds."""

    host: str
    began: float
    ended: float
    what: str


class Seen:
    """The outcome of the requests that ended within a period."""

    def __init__(self) -> None:
        self.answered = 0
        self.lost: list[Lost] = []
        self.longest = 0.0

    def lost_of(self, *hosts: str) -> list[Lost]:
        """Return the lost requests for these hosts."""
        return [lost for lost in self.lost if lost.host in hosts]


class Visitors:
    """Sends requests through the proxy at 127.0.0.1:`port`, at most `rate` a second per address.

    Each request is a connection of its own. Each address has a thread, so that one whose answer
    is held up leaves the others to theirs.
    """

    def __init__(self, port: int, addresses: Sequence[Address], rate: float) -> None:
        self._port = port
        self._pause = 1 / rate
        self._lock = threading.Lock()
        self._watching: list[Seen] = []
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(address,), daemon=True)
            for address in addresses
        ]

    def start(self) -> None:
        """Start sending requests."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more requests; open ones are left to end."""
        self._stopping.set()

    @contextlib.contextmanager
    def watched(self) -> Iterator[Seen]:
        """Yield the outcomes from now on; they are complete when the block has ended."""
        seen = Seen()
        with self._lock:
            self._watching.append(seen)
        try:
            yield seen
        finally:
            with self._lock:
                self._watching.remove(seen)

    def _visit(self, address: Address) -> None:
        while not self._stopping.wait(self._pause):
            began = time.monotonic()
            what = check_page(self._port, address)
            ended = time.monotonic()
            with self._lock:
                for seen in self._watching:
                    seen.longest = max(seen.longest, ended - began)
                    if what is None:
                        seen.answered += 1
                    else:
                        seen.lost.append(Lost(address.host, began, ended, what))


def check_page(port: int, address: Address) -> str | None:
    """Return what is wrong with the answer of an address, or None for its page. Blocks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/", headers={"Host": address.host})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as exc:
        return repr(exc)
    finally:
        connection.close()
    if answer.status != 200:
        return f"{answer.status} {body[:300]!r}"
    return None if body == address.page else f"another page: {body[:100]!r}"


class Download(threading.Thread):
    """One long answer: a line each tenth of a second for `seconds`, through the proxy."""

    def __init__(self, port: int, host: str, seconds: float) -> None:
        super().__init__(daemon=True)
        self._port, self._host, self._lines = port, host, int(seconds * 10)
        self._problem: str | None = "it goes on still"
        self.flowing = threading.Event()
        self.start()

    def run(self) -> None:
        """Read to the end."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            path = f"/cgi-bin/slow?{self._lines}"
            connection.request("GET", path, headers={"Host": self._host})
            answer = connection.getresponse()
            read = []
            while line := answer.readline():
                self.flowing.set()
                read.append(int(line))
            whole = answer.status == 200 and read == list(range(self._lines))
            self._problem = None if whole else f"{answer.status}, {len(read)} of {self._lines}"
        except (OSError, ValueError, http.client.HTTPException) as exc:
            self._problem = repr(exc)
        finally:
            connection.close()

    def outcome(self) -> str | None:
        """Wait for its end; return what was wrong with it, or None."""
        self.join(self._lines / 10 + _PATIENCE)
        return self._problem
