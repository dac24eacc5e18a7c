"""An ASGI application on a socket for the time of a block."""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp


@contextlib.contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Answer on a port of 127.0.0.1, and yield the address. What is open at the end is cut off.

    Log lines go to `logging` meanwhile: a command that runs in this process has the output.
    """
    log, before = structlog.stdlib.LoggerFactory(), structlog.get_config()
    structlog.configure(logger_factory=log)
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    # As the framework does: else each answer's body waits 40 ms for an acknowledgement of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        thread.join()
        listener.close()
        structlog.configure(**before)


class _Server(uvicorn.Server):
    """Ends at once: uvicorn's own checks every 100 ms whether to end, and waits for streams."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._over = threading.Event()
        self._wake: Callable[[], object] = lambda: None

    def end(self) -> None:
        """Tell it to end. Does not wait."""
        self._over.set()
        self._wake()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        self._wake = functools.partial(loop.call_soon_threadsafe, over.set)
        if not self._over.is_set():
            await over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
