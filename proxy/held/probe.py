"""Checks whether something accepts connections at an address, over asyncio's sockets."""

import asyncio

from proxy.model.routes import Route

_CONNECT_SECONDS = 2.0
_KEEP_SECONDS = 0.25


async def accepts_connections(route: Route, source: str = "") -> bool:
    """Return whether a route accepts a connection and keeps it open. Sends nothing, blocks 2.25 s.

    It comes from the address `source`, if that is set, as HAProxy's connections do: agents may let
    in nobody else.

    Docker's userland proxy accepts a connection that the container refuses, and closes it at once:
    https://github.com/moby/moby/issues/16976
    """
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                route.ip, route.port, local_addr=(source, 0) if source else None
            )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_KEEP_SECONDS):
            return bool(await reader.read(1))
    except TimeoutError:  # the other end waits for a request
        return True
    except OSError:
        return False
    finally:
        writer.close()
