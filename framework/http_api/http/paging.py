"""Pages of the API's lists: `?limit=` and `?after=`, answered with `next`.

A cursor has the key of the last entry on the page, not its number. So no entry is shown twice or
skipped when others come or go meanwhile. A list needs a key that orders its entries, is unique and
does not change:

    async def list_things(self, limit: Limit = LIMIT, after: After = "") -> models.Things:
        page = cut(self._things(), lambda thing: (-thing.created, thing.name), limit, after)
        return models.Things(things=[show(thing) for thing in page.entries], next=page.next)

with `next: Next` in the model. A key is made of texts and numbers, and the least comes first. For
the newest first, negate the time. A list that memory does not hold as a whole (commits) uses
`read_cursor` and `write_cursor` with a key of its own.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, NamedTuple, NoReturn, TypeVar

from fastapi import Query
from pydantic import Field

from framework.errors import UnknownPlace

Key = tuple[str | int | float, ...]
T = TypeVar("T")

LIMIT = 100
MOST = 500
_LONGEST_CURSOR = 12_000
"""Enough for the longest name of a branch: 4096 quotes, which JSON doubles. HAProxy takes 16 kB for
a request, our own server 64 kB."""

Limit = Annotated[
    int, Query(ge=1, le=MOST, description="How many entries to return at most.", examples=[20])
]
After = Annotated[
    str,
    Query(
        max_length=_LONGEST_CURSOR,
        # Other characters take up to six bytes in a URL, which could exceed what a server takes.
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Where to continue: the `next` of the previous answer. Without it, at the "
        "beginning.",
    ),
]
Next = Annotated[
    str | None,
    Field(description="What to send as `after` to get what follows; null: nothing follows."),
]


class Page(NamedTuple, Generic[T]):
    """Some entries of a list, and the cursor of the next page; None at the end."""

    entries: Sequence[T]
    next: str | None


def cut(entries: Iterable[T], key: Callable[[T], Key], limit: int, after: str) -> Page[T]:
    """Return the first `limit` entries by `key` that come after a cursor, "" for the beginning.

    Raises UnknownPlace if `after` is no cursor of this list.
    """
    left = sorted(entries, key=key)
    if after:
        last = read_cursor(after)
        try:
            left = [entry for entry in left if key(entry) > last]
        except TypeError:
            _refuse()
    follows = len(left) > limit
    return Page(left[:limit], write_cursor(key(left[limit - 1])) if follows else None)


def write_cursor(key: Key) -> str:
    """Return the cursor for the entries after a key."""
    # A key may have half a surrogate pair of UTF-16, which is no UTF-8.
    data = json.dumps(key, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_cursor(cursor: str) -> Key:
    """Return the key in a cursor. Raises UnknownPlace if it is none."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        _refuse()
    if not isinstance(key, list) or not all(type(part) in (str, int, float) for part in key):
        _refuse()
    return tuple(key)


def _refuse(_: str = "") -> NoReturn:
    raise UnknownPlace
