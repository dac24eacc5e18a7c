"""Lists in pages."""

from collections.abc import Mapping
from typing import Any

import pytest

from cli.client.paging import MOST, gather


class Pages:
    """A list of numbers, in pages."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.queries: list[Mapping[str, str]] = []

    def fetch_page(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        self.queries.append(query)
        begin = int(query.get("after", 0))
        end = min(begin + int(query["limit"]), self.size)
        return {"all": list(range(begin, end)), "next": str(end) if end < self.size else None}


@pytest.mark.parametrize("size", [0, 1, MOST, MOST + 1, 3 * MOST])
def test_every_page_is_fetched(size: int) -> None:
    pages = Pages(size)
    listed = gather(pages.fetch_page, "all")
    assert listed.found == list(range(size))
    assert not listed.more
    assert len(pages.queries) == max(1, -(-size // MOST))


@pytest.mark.parametrize(("limit", "more"), [(1, True), (MOST + 7, True), (2 * MOST, False)])
def test_no_more_is_fetched_than_the_limit(limit: int, more: bool) -> None:
    pages = Pages(2 * MOST)
    listed = gather(pages.fetch_page, "all", limit)
    assert listed.found == list(range(limit))
    assert listed.more is more
    assert sum(int(query["limit"]) for query in pages.queries) == limit


def test_an_answer_without_pages_is_the_whole_list() -> None:
    assert gather(lambda _: {"all": [1]}, "all").found == [1]


def test_pages_that_repeat_raise() -> None:
    with pytest.raises(ValueError, match="follows itself"):
        gather(lambda _: {"all": [], "next": "x"}, "all")
