"""PendingStarts over a framework in memory, on a clock that a test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proxy.held.pending_starts import PendingStarts
from proxy.held.refused_tasks import RefusedTasks
from proxy.held.releases import Outcome, Releases
from proxy.model.routes import Route
from proxy.model.usage import Count
from proxy.routing.routing_table import RoutingTable
from tests.fakes.placements import SHA
from tests.fakes.world import FakeFramework

HOST = "main.hello.localhost"
ROUTE = Route("10.0.0.1", 31000, "t")


class Bench:
    """Pending starts on a clock that only moves when somebody pauses; `at` is what happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.framework = FakeFramework()
        self.framework.world.add("hello", "main", SHA)
        self.table = RoutingTable()
        self.outcomes: list[str] = []
        self.forgotten: list[str] = []
        self.at: list[tuple[float, Callable[[], object]]] = []
        self.takes = False
        self.refused_tasks = RefusedTasks(
            self.table,
            self.framework,
            "the-proxy",
            probe=self._connects,
            clock=lambda: self.now,
            pause=self._pause,
        )
        self.pause_by(self._pause)

    def pause_by(self, pause: Callable[[float], Awaitable[object]]) -> None:
        self.pending_starts = PendingStarts(
            self.framework,
            Releases(self.table, self.count_open, clock=lambda: self.now, pause=pause),
            "localhost",
            refused_tasks=self.refused_tasks,
            count_outcome=self.outcomes.append,
            forget_refused=self.forgotten.append,
            clock=lambda: self.now,
            pause=pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.now += seconds
        for when, act in [step for step in self.at if step[0] <= self.now]:
            self.at.remove((when, act))
            act()
        await asyncio.sleep(0)

    async def count_open(self, task_id: str) -> Count:
        """Return what HAProxy counts for a task: nothing is open or answered."""
        return Count(0, 0)

    async def _connects(self, _: Route) -> bool:
        return self.takes

    def move(self, state: str, **fields: object) -> Callable[[], None]:
        return lambda: self.framework.world.move("hello", SHA, state, **fields)

    def run(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            wrong: list[object] = []

            def note(_: object, context: Mapping[str, object]) -> None:
                if "handle" in context:  # a callback whose error reaches no other one
                    wrong.append(context)

            asyncio.get_running_loop().set_exception_handler(note)
            result = await scenario()
            assert wrong == []
            self.pending_starts.close()
            self.refused_tasks.close()
            return result

        return asyncio.run(whole())

    def outcome(self, host: str = HOST) -> Outcome:
        outcome: Outcome = self.run(lambda: self.wait(host))
        return outcome

    async def wait(self, host: str = HOST, refused: str = "") -> Outcome:
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.pending_starts.add(host, outcome.set_result, refused)
        return await outcome

    def add_and_remove(self, host: str = HOST) -> None:
        outcomes: list[Outcome] = []
        self.pending_starts.add(host, outcomes.append)
        self.pending_starts.remove(host, outcomes.append)
