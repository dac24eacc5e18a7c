"""The usual encodings in which a program prints a secret: base64, in a URL, in JSON. Pure.

The number of texts does not depend on the length of the secret, only on the number of its lines.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_LINES = (76, 64)
"""The lengths of base64 lines: of `base64` and mail, and of OpenSSL."""
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SAFE = ("", "/", "!'()*~", ";,/?:@&=+$!*'()#~")
"""Characters that are not escaped: by RFC 3986, Python, and JavaScript's two functions."""
_PERCENT = re.compile("%[0-9A-F]{2}")
_FOR_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def base64_forms(value: str) -> frozenset[bytes]:
    """Return the base64 texts of a secret at any position in the encoded data.

    Characters that also encode neighbouring bytes are left out. If the secret is at the end of the
    data or of a line, all its characters are included.
    """
    text = value.strip().encode()
    found: set[bytes] = set()
    for shift, begin in enumerate((0, 2, 3)):
        known = (len(text) + shift) * 8 // 6
        for end in (b"", b"\n"):
            coded = base64.b64encode(b"x" * shift + text + end).rstrip(b"=")
            found |= {coded[begin:known], coded[begin:]}
    whole = base64.b64encode(value.encode()).rstrip(b"=")
    for size in _LINES:
        lines = range(0, len(whole), size) if len(whole) > size else ()
        # The last line may have only a few characters.
        found.update(whole[at : at + size] for at in lines if len(whole) - at >= min(_LINES) // 4)
    return frozenset(found | {form.translate(_URL_SAFE) for form in found})


def escaped(line: str) -> frozenset[bytes]:
    """Return the forms of a secret's line in URLs and in JSON."""
    return frozenset(form.encode() for form in (*_in_url(line), *_in_json(line)))


def _in_url(line: str) -> Iterator[str]:
    for form in (quote_plus(line), *(quote(line, safe=safe) for safe in _SAFE)):
        yield form
        yield _PERCENT.sub(lambda found: found[0].lower(), form)


def _in_json(line: str) -> Iterator[str]:
    for ascii_only in (True, False):
        form = json.dumps(line, ensure_ascii=ascii_only)[1:-1]
        yield form
        yield form.replace("/", "\\/")
        yield "".join(_FOR_HTML.get(char, char) for char in form)
