"""A router in memory, and one that is away: proxy.ports.Router."""

from proxy import routes
from proxy.errors import RouterAway
from proxy.routes import Changes, Routes


class FakeRouter:
    """Routes by a dict. `away` makes it refuse."""

    def __init__(self) -> None:
        self.routed: Routes = {}
        self.away = False
        self.applied: list[Changes] = []

    async def apply(self, wanted: Routes) -> Changes:
        """Route exactly `wanted`; return what that changed."""
        if self.away:
            raise RouterAway("it does not answer")
        changes = routes.diff(self.routed, wanted)
        self.routed = dict(wanted)
        self.applied.append(changes)
        return changes
