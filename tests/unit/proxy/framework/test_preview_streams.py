"""The one stream that all pages of a preview follow, through breaks, ends and restarts."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from program.http.server_events import ServerEvent
from proxy.framework.log_window import MOST
from proxy.framework.preview_streams import LINGER_SECONDS, PreviewStreams
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from tests.fakes.clock import FakeClock
from tests.fakes.placements import SHA
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

END = ServerEvent("end", "{}")
Item = ServerEvent | Exception | None
"""What comes of a stream; None is its end."""


def state(attempt: str | None = "t1", **fields: str) -> ServerEvent:
    return ServerEvent("state", json.dumps({"task_id": attempt, **fields}))


def log(text: str, end: int) -> ServerEvent:
    return ServerEvent("log", json.dumps(text), str(end))


class Streams(FakeFramework):
    """A framework whose streams yield the items of a test, one for any open stream."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str | None] = []
        self.open = 0
        self.read: list[int] = []
        self.log = ""
        self._items: asyncio.Queue[Item] = asyncio.Queue()

    def put(self, *items: Item) -> None:
        for item in items:
            self._items.put_nowait(item)

    async def follow(
        self, app: str, sha: str, after: str | None
    ) -> AsyncGenerator[ServerEvent, None]:
        self.opened.append(after)
        self.open += 1
        try:
            while (item := await self._items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.open -= 1

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        self.read.append(offset)
        text = self.log[offset : offset + 100_000]
        return text, offset + len(text)


class Page:
    """A page that follows, and the events that it got."""

    def __init__(self, streams: PreviewStreams, after: str | None = None) -> None:
        self.received: list[ServerEvent] = []
        self.refusal: ApiRefused | None = None
        self.task = asyncio.create_task(self._follow(streams, after))

    async def _follow(self, streams: PreviewStreams, after: str | None) -> None:
        try:
            async with contextlib.aclosing(streams.follow("hello", SHA, after)) as events:
                async for event in events:
                    self.received.append(event)
        except ApiRefused as refusal:
            self.refusal = refusal

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.received if event.name]

    @property
    def text(self) -> str:
        return "".join(json.loads(event.data) for event in self.received if event.name == "log")

    async def leave(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


class Bench:
    """PreviewStreams over such streams; `pauses` has the waits for a time to pass."""

    def __init__(self) -> None:
        self.framework = Streams()
        self.clock = FakeClock()
        self.pauses: list[tuple[float, asyncio.Event]] = []
        self.streams = PreviewStreams(self.framework, clock=self.clock.read, pause=self._pause)

    async def _pause(self, seconds: float) -> None:
        passed = asyncio.Event()
        self.pauses.append((seconds, passed))
        await passed.wait()

    async def settle(self) -> None:
        """Let every task run until all of them wait."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        """End the pauses up to this length."""
        await self.settle()
        self.clock.pass_seconds(seconds)
        for pause in [one for one in self.pauses if one[0] <= seconds]:
            self.pauses.remove(pause)
            pause[1].set()
        await self.settle()

    @contextlib.asynccontextmanager
    async def pages(self, *after: str | None) -> AsyncIterator[list[Page]]:
        pages = [Page(self.streams, one) for one in after]
        await self.settle()
        yield pages
        for page in pages:
            await page.leave()
        self.streams.close()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@in_a_loop
async def test_any_number_of_pages_shares_one_stream(bench: Bench) -> None:
    async with bench.pages(*[None] * 40) as pages:
        bench.framework.put(state(), log("one\n", 4))
        await bench.settle()
        late = Page(bench.streams)
        bench.framework.put(log("two\n", 8))
        await bench.settle()
        bench.framework.put(ServerEvent("", ""))
        await bench.settle()
        assert bench.framework.opened == [None]
        assert bench.streams.count == 1
        for page in (*pages, late):
            assert page.names == ["state", "log", "log"]
            assert page.text == "one\ntwo\n"
        assert pages[0].received[-1].name == "", "a page gets no event that it is still there"
        bench.framework.put(END)
        await bench.settle()
        assert {page.names[-1] for page in (*pages, late)} == {"end"}
        assert all(page.task.done() for page in (*pages, late))
        assert bench.framework.open == 0
        assert bench.framework.read == []


@in_a_loop
async def test_a_stream_ends_some_seconds_after_its_last_page(bench: Bench) -> None:
    async with bench.pages(None, None) as pages:
        bench.framework.put(state())
        await pages[0].leave()
        await bench.pass_time(LINGER_SECONDS)
        assert bench.framework.open == 1
        await pages[1].leave()
        await bench.settle()
        again = Page(bench.streams)
        await bench.pass_time(LINGER_SECONDS)
        assert bench.framework.open == 1
        await again.leave()
        await bench.pass_time(LINGER_SECONDS)
        assert (bench.framework.open, bench.streams.count) == (0, 0)
        assert bench.framework.opened == [None]
        assert bench.streams.state("hello", SHA) is None


@in_a_loop
async def test_a_broken_stream_goes_on_where_it_ended_and_no_page_notices(bench: Bench) -> None:
    async with bench.pages(None, None) as pages:
        bench.framework.put(state(), log("one", 3), ApiAway("it broke"))
        await bench.pass_time(1)
        bench.framework.put(state(), log("two", 6), None)
        await bench.pass_time(1)
        bench.framework.put(state(), log("end", 9), END)
        await bench.settle()
        assert bench.framework.opened == [None, "3", "6"]
        for page in pages:
            assert page.text == "onetwoend"
            assert "away" not in page.names
            assert "reset" not in page.names


@in_a_loop
async def test_pages_get_away_once_while_the_framework_is_away(bench: Bench) -> None:
    async with bench.pages(None, None) as pages:
        for _ in range(3):
            bench.framework.put(ApiAway("nobody answers"))
            await bench.pass_time(1)
        late = Page(bench.streams)
        await bench.settle()
        for page in (*pages, late):
            assert page.names == ["away"]
        assert pages[0].received[-1].name == "", "a page gets no event that it is still there"
        bench.framework.put(state())
        await bench.settle()
        for page in (*pages, late):
            assert page.names == ["away", "state"]
        await late.leave()


@in_a_loop
async def test_another_attempt_s_log_is_read_from_its_beginning(bench: Bench) -> None:
    """The framework continues at an offset, without knowing in which attempt's log."""
    async with bench.pages(None, None) as pages:
        bench.framework.put(state("t1"), log("first", 5), None)
        await bench.pass_time(1)
        bench.framework.put(state("t2"))
        await bench.settle()
        bench.framework.put(state("t2"), log("second", 6))
        await bench.settle()
        assert bench.framework.opened == [None, "5", None]
        assert bench.framework.open == 1
        for page in pages:
            assert page.names == ["state", "log", "state", "reset", "log"]


@in_a_loop
async def test_a_reset_goes_to_pages_that_have_a_part_of_the_log(bench: Bench) -> None:
    async with bench.pages(None, "9") as (fresh, back):
        bench.framework.put(state(None), state("t1"))
        await bench.settle()
        assert fresh.names == ["state"]
        assert back.names == ["state", "reset"], "it has the place of another attempt's log"
        bench.framework.put(log("one", 3), ServerEvent("reset", "{}", "0"), log("uno", 3))
        await bench.settle()
        assert fresh.names[-1] == back.names[-1] == "log"
        assert fresh.received[-1].data == back.received[-1].data == '"uno"'


@in_a_loop
async def test_late_pages_share_one_read_of_the_log_before_the_window(bench: Bench) -> None:
    bench.framework.log = "x" * (MOST + 150_000)
    async with bench.pages(None) as [first]:
        bench.framework.put(state())
        for end in range(50_000, len(bench.framework.log), 50_000):
            bench.framework.put(log("x" * 50_000, end))
            await bench.settle()
        whole = len(first.text)
        late = [Page(bench.streams) for _ in range(20)]
        await bench.settle()
        assert [len(page.text) for page in late] == [whole] * 20
        assert bench.framework.opened == [None]
        assert bench.framework.read == [0, 100_000]
        for page in late:
            await page.leave()


@in_a_loop
async def test_a_stream_begins_at_the_place_of_its_first_page(bench: Bench) -> None:
    bench.framework.log = "0123456789"
    async with bench.pages("4") as [page]:
        bench.framework.put(state(), log("456789", 10))
        await bench.settle()
        late = Page(bench.streams)
        await bench.settle()
        assert bench.framework.opened == ["4"]
        assert page.text == "456789"
        assert late.text == "0123456789"
        await late.leave()


@in_a_loop
async def test_a_slow_page_gets_only_the_last_state_and_all_of_the_log(bench: Bench) -> None:
    bench.framework.log = "x" * 400_000
    slow = bench.streams.follow("hello", SHA, None)
    async with bench.pages(None):
        bench.framework.put(state(step="1"))
        assert await anext(slow) == state(step="1")
        for number in range(2, 10):
            bench.framework.put(state(step=str(number)))
        for end in range(50_000, 400_001, 50_000):
            bench.framework.put(log("x" * 50_000, end))
        bench.framework.put(END)
        await bench.settle()
        received = [event async for event in slow]
    assert [event.name for event in received if event.name != "log"] == ["state", "end"]
    assert state(step="9") in received
    texts = [json.loads(event.data) for event in received if event.name == "log"]
    assert "".join(texts) == bench.framework.log


@in_a_loop
async def test_pages_get_the_same_end_for_a_second_and_then_a_new_stream(bench: Bench) -> None:
    async with bench.pages(None):
        bench.framework.put(state(), END)
        await bench.settle()
        late = Page(bench.streams)
        await bench.settle()
        assert late.names == ["state", "end"]
        assert bench.framework.opened == [None]
        bench.clock.pass_seconds(1.1)
        later = Page(bench.streams)
        await bench.settle()
        assert bench.framework.opened == [None, None]
        await later.leave()


@in_a_loop
async def test_an_end_is_forgotten_when_the_preview_is_requested_again(bench: Bench) -> None:
    async with bench.pages(None):
        bench.framework.put(state(), END)
        await bench.settle()
        bench.streams.forget_end("hello", SHA)
        again = Page(bench.streams)
        bench.framework.put(state("t2"))
        await bench.settle()
        assert again.received == [state("t2")]
        bench.streams.forget_end("hello", SHA)
        assert bench.streams.state("hello", SHA) == state("t2")
        await again.leave()


@in_a_loop
async def test_a_refusal_goes_to_every_page(bench: Bench) -> None:
    refusal = ApiRefused(problems.nothing_at("/there"))
    async with bench.pages(None, None) as pages:
        bench.framework.put(refusal)
        await bench.settle()
        assert [page.refusal for page in pages] == [refusal, refusal]


@in_a_loop
async def test_a_closed_stream_raises_api_away() -> None:
    bench = Bench()
    page = bench.streams.follow("hello", SHA, None)
    first = asyncio.ensure_future(anext(page))
    await bench.settle()
    bench.streams.close()
    with pytest.raises(ApiAway):
        await first
