"""What a page is told while a label is looked up in a repository that is slow, or hangs."""

import asyncio
from typing import Any

from proxy.framework.slow_lookups import SlowLookups
from proxy.model import problems
from proxy.model.problems import Problem


class Lookups:
    """Look-ups in a repository that a test lets answer, by a clock that a test turns."""

    def __init__(self) -> None:
        self.now = 43_205.0  # 12:00:05
        self.count = 0
        self.framework = True
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.slow = SlowLookups(self._is_answering, now=lambda: self.now, patience=0.0)

    async def _is_answering(self, app: str) -> bool:
        assert app == "shop"
        return self.framework

    async def look(self) -> str | Problem:
        self.count += 1
        found: str | Problem = await asyncio.shield(self.answer)
        return found

    async def find(self) -> str | Problem:
        return await self.slow.find("shop", "main", self.look)

    def let(self, answer: str | Problem) -> None:
        before, self.answer = self.answer, asyncio.get_running_loop().create_future()
        before.set_result(answer)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_page_is_told_at_once_what_it_waits_for_and_later_that_nothing_answers() -> None:
    async def story() -> None:
        lookups = Lookups()
        first = await lookups.find()
        assert isinstance(first, Problem)
        assert (first.slug, first.status, first.retry_after) == ("reading-repository", 503, 3)
        assert first.title == "Reading the repository"
        assert "repository of 'shop' since 12:00:05 UTC (0 s)" in first.detail
        lookups.now += 34
        later = await lookups.find()
        assert isinstance(later, Problem)
        assert later.title == "The repository does not answer"
        assert "since 12:00:05 UTC (34 s)" in later.detail
        assert lookups.count == 1, "the pages of a label share one look-up"
        lookups.let("5c80e7d")
        await settle()
        assert await lookups.find() == "5c80e7d"
        assert lookups.count == 1

    asyncio.run(story())


def test_a_lookup_that_was_given_up_begins_anew_and_the_page_still_says_since_when() -> None:
    async def story() -> None:
        lookups = Lookups()
        await lookups.find()
        lookups.now += 60
        lookups.let(problems.unavailable("No framework answers."))
        await settle()
        given_up = await lookups.find()
        again = await lookups.find()
        for told in (given_up, again):
            assert isinstance(told, Problem)
            assert "since 12:00:05 UTC (60 s)" in told.detail
        assert lookups.count == 2
        refused = Problem("repository-unreachable", "No", 502, "git says no")
        lookups.let(refused)
        await settle()
        assert await lookups.find() == refused

    asyncio.run(story())


def test_a_framework_that_does_not_answer_is_not_blamed_on_the_repository() -> None:
    async def story() -> None:
        lookups = Lookups()
        lookups.framework = False
        told = await lookups.find()
        assert isinstance(told, Problem)
        assert (told.slug, told.detail) == ("unavailable", "The preview service does not answer.")

    asyncio.run(story())
