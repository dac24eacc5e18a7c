"""Masks the app's secrets in the attempt's log."""

from __future__ import annotations

import threading

from executor.log.masking import Mask, secret_texts
from executor.ports import Log
from prevs.log_sources import Source
from prevs.messages import BuildOrder


class MaskedLog:
    """Fulfils the port Log by another log. Thread safe."""

    def __init__(self, log: Log, texts: frozenset[bytes]) -> None:
        self._log = log
        self._masks = {source: Mask(texts) for source in Source}
        self._lock = threading.Lock()

    def write(self, data: bytes, source: Source = Source.PREVS) -> None:
        """Append bytes of a build's output, or of an application's stdout or stderr."""
        with self._lock:
            self._append(self._masks[source].feed(data), source)

    def header(self, text: str) -> None:
        """Append a line of our own that announces what follows."""
        with self._lock:
            self._flush()
            self._log.header(text)

    def flush(self) -> None:
        """Append what was held back, as nothing follows."""
        with self._lock:
            self._flush()
        self._log.flush()

    def _flush(self) -> None:
        for source, mask in self._masks.items():
            self._append(mask.flush(), source)

    def _append(self, data: bytes, source: Source) -> None:
        if data:
            self._log.write(data, source)


def mask(log: Log, order: BuildOrder) -> Log:
    """Return a log that masks the secrets of an order; `log` itself if there are none."""
    values = list(order.secrets.values())
    if order.credential:
        values += [order.credential.password, order.credential.private_key]
    if order.work:
        values += order.work.environment.values()
    texts = secret_texts(values)
    return MaskedLog(log, texts) if texts else log
