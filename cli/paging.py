"""Lists that the API answers in pages."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

MOST = 500
"""How many the API gives at a time."""

T = TypeVar("T")


class Listed(NamedTuple, Generic[T]):
    """What was asked for of a list, and whether there is more of it."""

    found: list[T]
    more: bool
    told: Mapping[str, Any]
    """What else the answer says, or its last page does."""


def gather(
    ask: Callable[[Mapping[str, str]], Mapping[str, Any]], part: str, limit: int | None = None
) -> Listed[Any]:
    """Return a list that `ask` answers page by page: all of it, or the first `limit`.

    `ask` gets what to add to the query; a page has its things in `part`. Raises KeyError or
    TypeError where an answer is no page, and ValueError where the pages go round.
    """
    found: list[Any] = []
    after: str | None = None
    while True:
        size = MOST if limit is None else min(MOST, limit - len(found))
        page = ask({"limit": str(size)} | ({} if after is None else {"after": after}))
        found += page[part]
        following: str | None = page.get("next")
        if limit is not None and len(found) >= limit:
            return Listed(found[:limit], following is not None or len(found) > limit, page)
        if following is None:
            return Listed(found, more=False, told=page)
        if following == after:
            raise ValueError("a page follows itself")
        after = following
