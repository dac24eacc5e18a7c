import asyncio

import pytest

from proxy.framework.shared_calls import SharedCalls
from proxy.model.errors import ApiAway
from proxy.model.preview import Preview
from tests.fakes.placements import SHA
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop


class Slow(FakeFramework):
    """Previews are found once `open` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.world.add("hello", "main", SHA)
        self.world.start("hello", "main")

    async def find(self, app: str, sha: str) -> Preview | None:
        found = super().find(app, sha)
        await self.open.wait()
        return await found


@in_a_loop
async def test_equal_calls_at_one_time_are_one_call_and_later_ones_another() -> None:
    framework = Slow()
    shared_calls = SharedCalls(framework)
    tasks = [asyncio.create_task(shared_calls.find("hello", SHA)) for _ in range(20)]
    other = asyncio.create_task(shared_calls.find("hello", "b" * 40))
    await asyncio.sleep(0)
    tasks[0].cancel()
    framework.open.set()
    found = await asyncio.gather(*tasks[1:])
    assert {preview.sha for preview in found if preview} == {SHA}
    assert await other is None
    assert framework.world.requests == ["find", "find"]
    await shared_calls.find("hello", SHA)
    assert framework.world.requests == ["find"] * 3


@in_a_loop
async def test_all_callers_get_the_error_and_the_next_call_is_made() -> None:
    framework = Slow()
    framework.away = True
    shared_calls = SharedCalls(framework)
    tasks = [asyncio.create_task(shared_calls.find("hello", SHA)) for _ in range(3)]
    framework.open.set()
    for task in tasks:
        with pytest.raises(ApiAway):
            await task
    framework.away = False
    assert await shared_calls.find("hello", SHA)
