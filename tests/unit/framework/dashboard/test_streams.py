import asyncio
from collections.abc import AsyncIterator
from typing import Any

from framework.access import OPERATOR, Identity, Scope
from framework.dashboard.streams import Streams
from framework.http_api.limits import OPEN


def test_a_named_token_reads_only_so_many_streams_at_once() -> None:
    async def run() -> None:
        streams, end = Streams(), asyncio.Event()

        async def hear() -> Any:
            await asyncio.Event().wait()

        async def events() -> AsyncIterator[bytes]:
            await end.wait()
            yield b"event: change\ndata: {}\n\n"

        async def read(name: str) -> list[Any]:
            said: list[Any] = []

            async def say(message: Any) -> None:
                said.append(message)

            scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
            answer = streams.send(Identity(name, Scope.READ), events())
            await answer(scope, hear, say)
            return said

        reading = [asyncio.create_task(read(name)) for name in ("looks", OPERATOR) * OPEN]
        await asyncio.sleep(0)
        status, words = await asyncio.wait_for(read("looks"), 10)
        assert status["status"] == 429
        assert words["body"] == b"The token 'looks' reads 200 streams already. Close some pages."
        more = [asyncio.create_task(read(name)) for name in (OPERATOR, "another")]
        end.set()
        told = await asyncio.gather(*reading, *more)
        assert {said[0]["status"] for said in [*told, await read("looks")]} == {200}

    asyncio.run(run())
