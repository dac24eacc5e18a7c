"""Lists that the API sends in pages."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

MOST = 500
"""The most items that the API sends in one page."""

T = TypeVar("T")
P = TypeVar("P")


class Listed(NamedTuple, Generic[T, P]):
    """The requested part of a list, and whether there is more of it."""

    found: list[T]
    more: bool
    page: P
    """The last page, with all of its fields."""


def gather(
    fetch_page: Callable[[Mapping[str, str]], Mapping[str, Any]],
    part: str,
    limit: int | None = None,
) -> Listed[Any, Any]:
    """Return the list that `fetch_page` reads page by page: all of it, or the first `limit` items.

    `fetch_page` takes additions to the query; a page has its items in `part`. Raises KeyError or
    TypeError if an answer is not a page, and ValueError if the pages repeat.
    """
    found: list[Any] = []
    after: str | None = None
    while True:
        size = MOST if limit is None else min(MOST, limit - len(found))
        page = fetch_page({"limit": str(size)} | ({} if after is None else {"after": after}))
        found += page[part]
        following: str | None = page.get("next")
        if limit is not None and len(found) >= limit:
            return Listed(found[:limit], following is not None or len(found) > limit, page)
        if following is None:
            return Listed(found, more=False, page=page)
        if following == after:
            raise ValueError("a page follows itself")
        after = following
