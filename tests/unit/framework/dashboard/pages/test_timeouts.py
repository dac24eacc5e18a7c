import asyncio
import threading

import anyio.to_thread
import pytest

from framework.dashboard.pages.timeouts import within
from framework.errors import Unavailable, UnknownApp


def test_within_gives_up_on_work_that_hangs() -> None:
    goes_on = threading.Event()

    async def hang() -> None:
        await anyio.to_thread.run_sync(goes_on.wait)
        raise UnknownApp("hello")

    async def run() -> str:
        try:
            with pytest.raises(Unavailable) as raised:
                await within(hang(), "The repository of 'hello'", 0.01)
        finally:
            goes_on.set()
        return str(raised.value)

    assert asyncio.run(run()).startswith("The repository of 'hello' does not answer now.")


def test_within_returns_or_raises_what_work_does_in_time() -> None:
    async def answer(error: Exception | None) -> int:
        if error:
            raise error
        return 1

    assert asyncio.run(within(answer(None), "It")) == 1
    with pytest.raises(UnknownApp):
        asyncio.run(within(answer(UnknownApp("hello")), "It"))
