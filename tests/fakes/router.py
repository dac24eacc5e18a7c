"""A router in memory, and one that is away: proxy.ports.Router."""

from proxy.model import routes
from proxy.model.access import Accesses
from proxy.model.errors import RouterAway
from proxy.model.gates import Gates
from proxy.model.routes import Changes, Routes
from proxy.model.usage import Count, Reading


class FakeRouter:
    """Routes by a dict, with counters that a test sets. `away` makes every call fail."""

    def __init__(self) -> None:
        self.routed: Routes = {}
        self.accesses: Accesses | None = None
        self.gates: Gates | None = None
        self.away = False
        self.applied: list[Changes] = []
        self.counted: dict[str, Count] = {}
        self.uncountable = False

    async def apply(
        self, wanted: Routes, accesses: Accesses | None, gates: Gates | None
    ) -> Changes:
        """Route exactly `wanted`; return what that changed."""
        if self.away:
            raise RouterAway("it does not answer")
        changes = routes.diff(self.routed, wanted)
        self.routed, self.accesses, self.gates = dict(wanted), accesses, gates
        self.applied.append(changes)
        return changes

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return the counters by task; `uncountable` makes only this fail."""
        if self.away or self.uncountable:
            raise RouterAway("it does not answer")
        return {t: count for t, count in self.counted.items() if count.open or not only_open}

    async def count(self, task_id: str) -> Count:
        """Return the counters of a task."""
        return (await self.counts()).get(task_id, Count(0, 0))
