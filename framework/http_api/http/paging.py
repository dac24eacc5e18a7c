"""Pages of the API's lists: `?limit=` and `?after=`, answered with `next`.

A cursor has the key of the last entry on the page, not its number. So no entry is shown twice or
skipped when others come or go meanwhile. A list needs a key that orders its entries, is unique and
does not change:

    async def list_things(self, paged: Paged) -> models.Things:
        page = paged.cut(self._things(), lambda thing: (-thing.created, thing.name))
        return models.Things(things=[show(thing) for thing in page.entries], next=page.next)

with `next: Next` in the model. A key is made of texts and numbers, and the least comes first. For
the newest first, negate the time. A list that memory does not hold as a whole (commits) uses
`read_cursor` and `write_cursor` with a key of its own.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, NamedTuple, NoReturn, TypeVar

from fastapi import Depends, Query
from pydantic import Field

from framework.errors import UnknownPlace

Key = tuple[str | int | float, ...]
T = TypeVar("T")

_LIMIT = 100
MOST = 500
_LONGEST_CURSOR = 12_000
"""Enough for the longest name of a branch: 4096 quotes, which JSON doubles. HAProxy takes 16 kB for
a request, our own server 64 kB."""

Next = Annotated[
    str | None,
    Field(description="What to send as `after` to get what follows; null: nothing follows."),
]


class Page(NamedTuple, Generic[T]):
    """Some entries of a list, and the cursor of the next page; None at the end."""

    entries: Sequence[T]
    next: str | None


class PageRequest(NamedTuple):
    """The page that is asked for: at most `limit` entries after a cursor, "" for the beginning."""

    limit: int
    after: str = ""

    def cut(self, entries: Iterable[T], key: Callable[[T], Key]) -> Page[T]:
        """Return the page of a list that `key` orders.

        Raises UnknownPlace if `after` is no cursor of this list.
        """
        left = sorted(entries, key=key)
        if self.after:
            last = read_cursor(self.after)
            try:
                left = [entry for entry in left if key(entry) > last]
            except TypeError:
                _refuse()
        page = left[: self.limit]
        return Page(page, write_cursor(key(page[-1])) if left[self.limit :] else None)


async def _find_paging(
    limit: Annotated[
        int, Query(ge=1, le=MOST, description="How many entries to return at most.", examples=[20])
    ] = _LIMIT,
    after: Annotated[
        str,
        Query(
            max_length=_LONGEST_CURSOR,
            # Other characters take up to six bytes in a URL, which could exceed what a server
            # takes.
            pattern=r"^[A-Za-z0-9._-]*$",
            description="Where to continue: the `next` of the previous answer. Without it, at the "
            "beginning.",
        ),
    ] = "",
) -> PageRequest:
    return PageRequest(limit, after)


Paged = Annotated[PageRequest, Depends(_find_paging)]


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
