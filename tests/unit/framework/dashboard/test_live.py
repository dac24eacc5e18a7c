import asyncio
from typing import cast

from framework.dashboard.live import KEEPALIVE_S, Live
from framework.dashboard.parts import Parts

CHANGE = b"event: change\ndata: {}\n\n"


class Page:
    """A page that looks at what `values` has next, until there is no more: then it is signed out.

    Each pause takes as long as `pause` says.
    """

    def __init__(self, *values: object, pause: float = 0.5) -> None:
        self.values = list(values)
        self.pause = pause
        self.now = 0.0

    async def look(self) -> object:
        return self.values.pop(0)

    async def wait(self, seconds: float) -> None:
        self.now += self.pause

    def follow(self) -> list[bytes]:
        live = Live(cast(Parts, None), pause=self.wait, clock=lambda: self.now)

        async def read() -> list[bytes]:
            events = live.follow(self.look, lambda: bool(self.values))
            return [event async for event in events]

        return asyncio.run(read())


def test_a_page_is_told_of_each_change_and_of_nothing_else() -> None:
    events = Page(["a"], ["a"], ["b"], ["b"], ["a"]).follow()
    assert events[1:-1] == [CHANGE, CHANGE]
    assert events[-1] == b"event: signed-out\ndata: {}\n\n"


def test_a_page_hears_that_it_is_still_heard() -> None:
    events = Page(1, 1, 1, 2, pause=KEEPALIVE_S).follow()
    assert events[1:-1] == [b": still here\n\n", b": still here\n\n", CHANGE]
