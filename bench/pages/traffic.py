"""What a page asks for, by the events of Chromium's Network domain. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

Event = Mapping[str, Any]
_STREAM = "EventSource"


class Traffic:
    """Counts what one page asks of `host` (with its port), and whom else it asks.

    Bytes are as they came, with headers, compressed if they were. An event stream is still open
    when it is counted, and Chromium tells late what it took on the way: its text is counted.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._kinds: dict[str, str] = {}
        self._bytes: defaultdict[str, int] = defaultdict(int)
        self.requests = 0
        self.outside: list[str] = []

    def asked(self, event: Event) -> None:
        """Take a requestWillBeSent; what is in the page itself (data:) asks nobody."""
        url = event["request"]["url"]
        if urlsplit(url).scheme in {"data", "blob"}:
            return
        self.requests += 1
        self._kinds[event["requestId"]] = event.get("type", "")
        if urlsplit(url).netloc != self._host:
            self.outside.append(url)

    def answered(self, event: Event) -> None:
        """Take a responseReceived: its head has come."""
        self._bytes[event["requestId"]] += event["response"]["encodedDataLength"]

    def came(self, event: Event) -> None:
        """Take a dataReceived; what it says of the way is not right until the end."""
        self._bytes[event["requestId"]] += event["dataLength"]

    def ended(self, event: Event) -> None:
        """Take a loadingFinished, which has what the whole answer took on the way."""
        self._bytes[event["requestId"]] = event["encodedDataLength"]

    @property
    def loaded(self) -> int:
        """Bytes of everything but event streams."""
        return sum(self._bytes[one] for one, kind in self._kinds.items() if kind != _STREAM)

    @property
    def streamed(self) -> int:
        """Bytes of event streams."""
        return sum(self._bytes[one] for one, kind in self._kinds.items() if kind == _STREAM)
