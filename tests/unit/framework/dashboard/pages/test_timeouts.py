import asyncio
import threading

import anyio.to_thread
import pytest

from framework.dashboard.pages.timeouts import within
from framework.errors import Unavailable, UnknownApp


def test_what_hangs_is_not_waited_for() -> None:
    goes_on = threading.Event()

    async def hang() -> None:
        await anyio.to_thread.run_sync(goes_on.wait)
        raise UnknownApp("hello")

    async def ask() -> str:
        try:
            with pytest.raises(Unavailable) as raised:
                await within(hang(), "The repository of 'hello'", 0.01)
        finally:
            goes_on.set()
        return str(raised.value)

    assert asyncio.run(ask()).startswith("The repository of 'hello' does not answer now.")


def test_what_answers_in_time_is_answered() -> None:
    async def answer(error: Exception | None) -> int:
        if error:
            raise error
        return 1

    assert asyncio.run(within(answer(None), "It")) == 1
    with pytest.raises(UnknownApp):
        asyncio.run(within(answer(UnknownApp("hello")), "It"))
