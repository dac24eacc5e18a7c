"""Masks secrets in a stream of output, piece by piece. Pure.

It finds a secret as it is, and in the encodings of executor/log/encoded_secrets.py. A secret of
several lines is found line by line, as logs are written in lines. Texts of fewer than SHORTEST
characters are not masked: they appear in every log by chance, and are as easy to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from executor.log import encoded_secrets

SHORTEST = 4
MASK = b"***"
_HEAD = 4
_NONE = -1


def secret_texts(values: Iterable[str]) -> frozenset[bytes]:
    """Return the texts to mask for these secrets."""
    found: set[bytes] = set()
    for value in values:
        lines = [line.strip() for line in value.split("\n")]
        for line in [line for line in lines if len(line) >= SHORTEST]:
            found.add(line.encode())
            found.update(encoded_secrets.escaped(line))
        if len(value.strip()) >= SHORTEST:
            found.update(encoded_secrets.base64_forms(value))
    return frozenset(found)


class Mask:
    """Masks `texts`, at least one, in a stream of bytes, however the stream is cut into pieces.

    No byte of a secret gets through, even if secrets overlap. Adjacent secrets become one MASK. If
    a piece ends in what may be the beginning of a secret, that is held back until the next piece
    or flush(). After the end of a line nothing is held back.
    """

    def __init__(self, texts: frozenset[bytes]) -> None:
        self._texts = tuple(texts)
        self._beginnings = _find_prefixes(texts)
        self._in_lines = not any(b"\n" in text for text in texts)
        self._rest = b""
        self._end = _NONE

    def feed(self, piece: bytes) -> bytes:
        """Return the masked stream up to the end of `piece`, without what is held back."""
        data = self._rest + piece
        if self._in_lines and data.endswith(b"\n"):
            return self._show(data, len(data))
        return self._show(data, min([_find_beginning(data, text) for text in self._texts]))

    def flush(self) -> bytes:
        """Return what was held back. The next piece starts a new stream."""
        shown = self._show(self._rest, len(self._rest))
        self._end = _NONE
        return shown

    def _show(self, data: bytes, until: int) -> bytes:
        """Return `data` up to `until`, masked; keep the rest, and where the last mask ends."""
        spans = sorted(self._find(data))
        if not spans and until == len(data) and self._end == _NONE:
            self._rest = b""
            return data
        shown = bytearray()
        end = self._end
        for begin, stop in spans:
            if begin >= until:
                break
            if begin > end:
                shown += data[max(end, 0) : begin] + MASK
            end = max(end, stop)
        shown += data[max(end, 0) : until]
        self._end = max(_NONE, end - until)
        self._rest = data[until:]
        return bytes(shown)

    def _find(self, data: bytes) -> Iterator[tuple[int, int]]:
        # Most of what is printed has no secret, and is searched for these alone.
        if not any(text in data for text in self._beginnings):
            return
        for text in [text for text in self._texts if text in data]:
            begin = data.find(text)
            while begin >= 0:
                yield begin, begin + len(text)
                begin = data.find(text, begin + 1)


def _find_prefixes(texts: frozenset[bytes]) -> tuple[bytes, ...]:
    """Return the texts that do not begin with another one of them."""
    found: list[bytes] = []
    for text in sorted(texts):
        if not found or not text.startswith(found[-1]):
            found.append(text)
    return tuple(found)


def _find_beginning(data: bytes, text: bytes) -> int:
    """Return where in `data` a text begins that goes on after `data`; else the length of `data`."""
    begin = max(0, len(data) - len(text) + 1)
    begin = data.find(text[:_HEAD], begin)
    while begin >= 0:
        if text.startswith(data[begin:]):
            return begin
        begin = data.find(text[:_HEAD], begin + 1)
    for size in range(min(_HEAD, len(text)) - 1, 0, -1):
        if data.endswith(text[:size]):
            return len(data) - size
    return len(data)
