"""Whether something takes connections at an address, over asyncio's sockets."""

import asyncio

from proxy.model.routes import Route

_CONNECT_SECONDS = 2.0
_KEEP_SECONDS = 0.25


async def takes_connections(route: Route) -> bool:
    """Tell whether a connection to a route is taken, and kept. Sends nothing; takes 2.25 s at most.

    Docker's own proxy takes a connection that the container refuses, and closes it at once.
    """
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(route.ip, route.port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(_KEEP_SECONDS):
            return bool(await reader.read(1))
    except TimeoutError:  # it waits for a request
        return True
    except OSError:
        return False
    finally:
        writer.close()
