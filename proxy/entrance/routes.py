"""The routes of the entrance, for the room's application."""

from collections.abc import Sequence

from starlette.routing import Route

from prevs.names import SIGNED_IN
from proxy.entrance.addresses import ENTER, SIGN_IN
from proxy.entrance.entering import Entering
from proxy.entrance.sign_in import SignIn
from proxy.entrance.sign_in_host import SignInHost
from proxy.entrance.team import Team
from proxy.room.context import RoomContext


def make_routes(context: RoomContext) -> Sequence[Route]:
    """Return the routes by which visitors enter."""
    host = SignInHost(context)
    team = Team(context, host)
    sign_in = SignIn(context, host, team)
    return (
        Route(ENTER, Entering(context).enter, methods=["GET"]),
        Route(SIGN_IN, sign_in.show, methods=["GET"]),
        Route(SIGN_IN, sign_in.sign_in, methods=["POST"]),
        Route(SIGNED_IN, team.finish, methods=["GET"]),
    )
