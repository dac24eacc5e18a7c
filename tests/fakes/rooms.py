"""What a waiting room works with: a framework of the test, and a probe that finds nothing."""

from prometheus_client import CollectorRegistry

from proxy.metrics import Metrics
from proxy.model.routes import Route
from proxy.ports import Framework
from proxy.room.context import RoomContext, RoomSettings, make_context
from proxy.routing.routing_table import RoutingTable
from tests.fakes.asgi import TOKEN
from tests.fakes.router import FakeRouter


async def takes_none(_: Route) -> bool:
    """Say that no task accepts connections."""
    return False


def make_room(
    framework: Framework, table: RoutingTable | None = None, domain: str = "localhost"
) -> RoomContext:
    """Return the context of a room whose proxy has the token of frameworks in memory."""
    return make_context(
        framework,
        RoutingTable() if table is None else table,
        Metrics(CollectorRegistry()),
        RoomSettings("the-proxy", [TOKEN], domain),
        probe=takes_none,
        count_open=FakeRouter().count,
    )
