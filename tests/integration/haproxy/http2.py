"""HTTP/2 made by hand: frames, and header fields as HPACK has them."""

import struct
from collections.abc import Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
CANCEL = 8
INDEXED = {0x88: 200, 0x8C: 400, 0x8D: 404, 0x8E: 500}
"""HPACK's static table, RFC 7541 appendix A; other statuses come as three digits."""
Field = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(field: Field) -> bytes:
    """Return a header as HPACK's literal without indexing, not Huffman coded."""
    name, value = field
    assert max(len(name), len(value)) < 127
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers(fields: Sequence[Field]) -> bytes:
    """Return the payload of a HEADERS frame."""
    return b"".join(map(literal, fields))


def status(payload: bytes) -> int:
    """Return the status in the payload of a HEADERS frame of HAProxy's."""
    return INDEXED.get(payload[0]) or int(payload[2:5])
