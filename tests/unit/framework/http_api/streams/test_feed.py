import asyncio
from collections.abc import AsyncGenerator

from framework.http_api.streams.feed import Feed, Reset
from framework.preview.history import ActivityEvent, History
from prevs.records import AppRecord
from tests.fakes.previews import FakePreviews


class Scene:
    """A feed whose ticks the test triggers, and its history."""

    def __init__(self) -> None:
        self.previews = FakePreviews()
        self.looks = 0
        self.ticks = asyncio.Event()
        self.feed = Feed(self.read, self.pause)

    def read(self) -> History:
        self.looks += 1
        return self.previews.history

    async def pause(self, seconds: float) -> None:
        await self.ticks.wait()
        self.ticks.clear()

    def add(self, app: str) -> None:
        self.previews.add_app(AppRecord(app, "/srv"))


Followed = AsyncGenerator[ActivityEvent | Reset | None, None]


async def read(reader: Followed) -> str:
    event = await anext(reader)
    assert isinstance(event, ActivityEvent)
    return event.app


def test_a_reader_goes_on_after_an_event_or_starts_from_now() -> None:
    async def run() -> None:
        scene = Scene()
        for app in ("one", "two", "three"):
            scene.add(app)
        first, second, third = scene.read().events
        going_on = scene.feed.follow(first.id)
        assert [await anext(going_on), await anext(going_on)] == [second, third]
        new = scene.feed.follow()
        reads = [asyncio.ensure_future(read(reader)) for reader in (going_on, new)]
        await asyncio.sleep(0)
        scene.add("four")
        scene.ticks.set()
        assert await asyncio.gather(*reads) == ["four", "four"]

    asyncio.run(run())


def test_a_reader_that_missed_events_gets_one_reset() -> None:
    async def run() -> None:
        scene = Scene()
        scene.add("one")
        reader = scene.feed.follow("another-leader-7")
        assert await anext(reader) == Reset("fake-1")
        scene.add("two")
        assert await read(reader) == "two"

    asyncio.run(run())


def test_a_thousand_readers_share_one_poll_that_ends_with_the_last_of_them() -> None:
    async def run() -> None:
        scene = Scene()
        readers = [scene.feed.follow() for _ in range(1000)]
        reads = [asyncio.ensure_future(read(reader)) for reader in readers]
        await asyncio.sleep(0)
        scene.looks = 0
        for _ in range(3):
            scene.ticks.set()
            while scene.ticks.is_set():
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert 3 <= scene.looks <= 5
        scene.add("one")
        scene.ticks.set()
        assert set(await asyncio.gather(*reads)) == {"one"}
        waiting = asyncio.ensure_future(anext(readers[0]))
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 3
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        for reader in readers:
            await reader.aclose()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_a_quiet_stream_sends_keepalives() -> None:
    async def run() -> None:
        reader = Scene().feed.follow(keepalive=0.001)
        assert [await anext(reader), await anext(reader)] == [None, None]
        await reader.aclose()

    asyncio.run(run())
