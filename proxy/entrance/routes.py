"""The routes of the entrance, for the room's application."""

from collections.abc import Sequence

from starlette.routing import Route

from proxy.entrance.addresses import ENTER, SIGN_IN
from proxy.entrance.entering import Entering
from proxy.entrance.sign_in import SignIn
from proxy.room.context import RoomContext


def make_routes(context: RoomContext) -> Sequence[Route]:
    """Return the routes by which visitors enter."""
    sign_in = SignIn(context)
    return (
        Route(ENTER, Entering(context).enter, methods=["GET"]),
        Route(SIGN_IN, sign_in.show, methods=["GET"]),
        Route(SIGN_IN, sign_in.sign_in, methods=["POST"]),
    )
