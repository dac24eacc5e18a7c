import asyncio
from collections.abc import AsyncIterator

from framework.access import OPERATOR, Identity, Scope
from framework.dashboard.session.streams import Streams
from framework.http_api.admission.limits import OPEN
from tests.fakes.asgi import AsgiClient


def test_a_named_token_has_a_limit_of_open_streams() -> None:
    async def run() -> None:
        streams, end = Streams(), asyncio.Event()

        async def events() -> AsyncIterator[bytes]:
            await end.wait()
            yield b"event: change\ndata: {}\n\n"

        async def read(name: str) -> AsgiClient:
            client = AsgiClient()
            await client.send(streams.send(Identity(name, Scope.READ), events()))
            return client

        reading = [asyncio.create_task(read(name)) for name in ("looks", OPERATOR) * OPEN]
        await asyncio.sleep(0)
        refused = await asyncio.wait_for(read("looks"), 10)
        assert refused.status == 429
        assert refused.body == b"The token 'looks' already reads 200 streams. Close some pages."
        more = [asyncio.create_task(read(name)) for name in (OPERATOR, "another")]
        end.set()
        clients = await asyncio.gather(*reading, *more)
        assert {client.status for client in [*clients, await read("looks")]} == {200}

    asyncio.run(run())
