"""ETags and conditional requests (RFC 9110, 13). Pure, but for the answers.

A tag is the digest of the answer's own bytes, so it is strong. The record alone would not do: parts
of a preview's answer (its place in the queue, the end of its log) change without it.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

T = TypeVar("T")
_TAG = re.compile(r'\s*(W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')

IfNoneMatch = Annotated[
    str | None,
    Header(
        description="ETags. If the answer would have one of them, it is 304 without a body.",
        examples=['"0f343b0931126a20f133d67c2b018a3b"'],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        description="The ETag of what to change. If it has another one by now, the answer is 412.",
        examples=["*"],
    ),
]


def document(text: str) -> dict[str, Any]:
    """Return what the OpenAPI description says about an answer with an ETag."""
    return {"headers": {"ETag": {"description": text, "schema": {"type": "string"}}}}


_VERSION = document("The version of the answer, for If-None-Match.")
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: _VERSION,
    304: {"description": "It has not changed.", **_VERSION},
}
"""What the OpenAPI description says about the answers."""


def tag(shown: BaseModel) -> str:
    """Return the ETag of an answer."""
    return _tag(shown.model_dump_json().encode())


def find_matching(
    if_match: str | None,
    find: Callable[[], T],
    tag_of: Callable[[T], str | None],
    refusal: Exception,
) -> T | None:
    """Return what is there now, if If-Match has its ETag; None if a request has no such header.

    Raises `refusal` if it has another ETag or none, and as `find`.
    """
    if if_match is None:
        return None
    found = find()
    own = tag_of(found)
    # What has no ETag matches nothing, not even `*` (RFC 9110, 13.1.1).
    if own is None or not matches(if_match, own, weak=False):
        raise refusal
    return found


def answer(shown: BaseModel, if_none_match: str | None, *, exclude_unset: bool = False) -> Response:
    """Return the answer with its ETag, or 304 if the client has it already."""
    body = shown.model_dump_json(exclude_unset=exclude_unset).encode()
    own = _tag(body)
    # A cache must revalidate each time: the answer may change at any moment.
    headers = {"ETag": own, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and matches(if_none_match, own, weak=True):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def matches(header: str, own: str, *, weak: bool) -> bool:
    """Return whether `own` is in a list of ETags; it is always in `*`.

    A weak ETag counts only with `weak`. A malformed list matches nothing.
    """
    if header.strip() == "*":
        return True
    position, found = 0, False
    while position < len(header):
        match = _TAG.match(header, position)
        if match is None:
            return False
        found = found or (match[2] == own and (weak or match[1] is None))
        position = match.end()
    return found


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
