"""Lists of the API, piece by piece: `?limit=` and `?after=`, answered with `next`.

A cursor holds the key of the last entry that was shown, not its number: what comes or goes
meanwhile is neither shown twice nor hides another. So a list needs a key that orders its entries,
that no two of them share and that stays as it is while an entry is listed:

    async def list_things(self, limit: Limit = LIMIT, after: After = "") -> models.Things:
        page = cut(self._things(), lambda thing: (-thing.created, thing.name), limit, after)
        return models.Things(things=[show(thing) for thing in page.entries], next=page.next)

with `next: Next` in the model. A key is made of texts and numbers; the least comes first, so what
is to come newest first has its time negated. A list that is not in memory as a whole (commits)
uses `read_cursor` and `write_cursor` with a key of its own.
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
"""Room for the longest name of a branch: 4096 bytes, each a quote, which JSON doubles. It is within
the 16 kB that HAProxy takes for a request, and the 64 kB that our own server does."""

Limit = Annotated[
    int, Query(ge=1, le=MOST, description="How many entries to answer at most.", examples=[20])
]
After = Annotated[
    str,
    Query(
        max_length=_LONGEST_CURSOR,
        # Others would be six bytes each on the way: so many are more than a server takes.
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Where to go on: `next` of the answer before. Without it, at the beginning.",
    ),
]
Next = Annotated[
    str | None,
    Field(description="What to send as `after` to see what follows; null: nothing does."),
]


class Page(NamedTuple, Generic[T]):
    """Some entries of a list, and the cursor of what follows; None where nothing does."""

    entries: Sequence[T]
    next: str | None


def cut(entries: Iterable[T], key: Callable[[T], Key], limit: int, after: str) -> Page[T]:
    """Return the first `limit` entries by `key` that come after a cursor, "" for the beginning.

    Raises UnknownPlace for what is no cursor of this list.
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
    """Return the cursor of what follows the entry with a key."""
    # Half a pair of UTF-16 is no UTF-8, and yet may be in a key.
    data = json.dumps(key, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_cursor(cursor: str) -> Key:
    """Return the key in a cursor. Raises UnknownPlace for what is none."""
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
