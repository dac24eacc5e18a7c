"""The requests of a page, from the events of Chromium's Network domain. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

Event = Mapping[str, Any]
_STREAM = "EventSource"


class Traffic:
    """Counts a page's requests and bytes, and its requests to sites other than `host` (with port).

    Bytes are those on the wire, with headers and compression. An event stream is still open when
    it is counted, and Chromium reports its bytes on the wire only at its end: so its text counts.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._kinds: dict[str, str] = {}
        self._bytes: defaultdict[str, int] = defaultdict(int)
        self.requests = 0
        self.outside: list[str] = []

    def on_request(self, event: Event) -> None:
        """Take a requestWillBeSent; URLs inside the page (data:) are no requests."""
        url = event["request"]["url"]
        if urlsplit(url).scheme in {"data", "blob"}:
            return
        self.requests += 1
        self._kinds[event["requestId"]] = event.get("type", "")
        if urlsplit(url).netloc != self._host:
            self.outside.append(url)

    def on_response(self, event: Event) -> None:
        """Take a responseReceived, which has the size of the head."""
        self._bytes[event["requestId"]] += event["response"]["encodedDataLength"]

    def on_data(self, event: Event) -> None:
        """Take a dataReceived; its size on the wire is only right at the end."""
        self._bytes[event["requestId"]] += event["dataLength"]

    def on_finished(self, event: Event) -> None:
        """Take a loadingFinished, which has the size of the whole answer on the wire."""
        self._bytes[event["requestId"]] = event["encodedDataLength"]

    @property
    def loaded(self) -> int:
        """Bytes of everything but event streams."""
        return sum(self._bytes[one] for one, kind in self._kinds.items() if kind != _STREAM)

    @property
    def streamed(self) -> int:
        """Bytes of event streams."""
        return sum(self._bytes[one] for one, kind in self._kinds.items() if kind == _STREAM)
