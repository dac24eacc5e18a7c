"""Finding secrets in what is printed, piece by piece, and what is shown instead. Pure.

A secret is found as it is, and in the forms of executor/log/encoded_secrets.py. One of several
lines is found line by line, for that is how logs are read and written. Texts of fewer than SHORTEST
characters are left: they are in every second line of any log, and guessed as soon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from executor.log import encoded_secrets

SHORTEST = 4
MASK = b"***"
_HEAD = 4
_NONE = -1


def secret_texts(values: Iterable[str]) -> frozenset[bytes]:
    """Return what is to be masked of some secrets."""
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
    """Masks secrets in a stream of bytes, wherever its pieces begin and end.

    There is one text at least. No byte of a secret is let through, also where several overlap;
    what is covered without a gap becomes one MASK. A piece may end in what could be the beginning
    of a secret: that is held back until the next one, or until `flush`. After the end of a line
    nothing is.
    """

    def __init__(self, texts: frozenset[bytes]) -> None:
        self._texts = tuple(texts)
        self._in_lines = not any(b"\n" in text for text in texts)
        self._rest = b""
        self._end = _NONE

    def feed(self, piece: bytes) -> bytes:
        """Return what can be shown of the stream, up to the end of `piece`."""
        data = self._rest + piece
        if self._in_lines and data.endswith(b"\n"):
            return self._show(data, len(data))
        return self._show(data, min([_find_beginning(data, text) for text in self._texts]))

    def flush(self) -> bytes:
        """Return what was held back: what follows is something else."""
        shown = self._show(self._rest, len(self._rest))
        self._end = _NONE
        return shown

    def _show(self, data: bytes, until: int) -> bytes:
        """Return `data` up to `until` masked; keep the rest, and where in it the last mask ends."""
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
        for text in [text for text in self._texts if text in data]:
            begin = data.find(text)
            while begin >= 0:
                yield begin, begin + len(text)
                begin = data.find(text, begin + 1)


def _find_beginning(data: bytes, text: bytes) -> int:
    """Return where a text begins that `data` ends in the middle of; its end where there is none."""
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
