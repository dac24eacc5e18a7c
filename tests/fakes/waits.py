"""proxy.held.pending_starts.Waiting over a framework in memory, on a clock that a test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proxy.held.pending_starts import Outcome, Waiting
from proxy.held.refused_tasks import Refusals
from proxy.model.routes import Route
from proxy.routing.routing_table import RoutingTable
from tests.fakes.placements import SHA
from tests.fakes.world import FakeFramework

HOST = "main.hello.localhost"
ROUTE = Route("10.0.0.1", 31000, "t")


class Bench:
    """Waiting on a clock that only moves when somebody pauses; `at` is what happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.framework = FakeFramework()
        self.framework.world.add("hello", "main", SHA)
        self.table = RoutingTable()
        self.ended: list[str] = []
        self.at: list[tuple[float, Callable[[], object]]] = []
        self.takes = False
        self.refusals = Refusals(
            self.table,
            self.framework,
            "the-proxy",
            connects=self._connects,
            clock=lambda: self.now,
            pause=self._pause,
        )
        self.pause_by(self._pause)

    def pause_by(self, pause: Callable[[float], Awaitable[object]]) -> None:
        self.waiting = Waiting(
            self.framework,
            self.table,
            "localhost",
            refusals=self.refusals,
            ended=self.ended.append,
            clock=lambda: self.now,
            pause=pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.now += seconds
        for when, act in [step for step in self.at if step[0] <= self.now]:
            self.at.remove((when, act))
            act()
        await asyncio.sleep(0)

    async def _connects(self, _: Route) -> bool:
        return self.takes

    def move(self, state: str, **fields: object) -> Callable[[], None]:
        return lambda: self.framework.world.move("hello", SHA, state, **fields)

    def run(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            wrong: list[object] = []

            def note(_: object, told: Mapping[str, object]) -> None:
                if "handle" in told:  # a callback, whose error reaches nobody else
                    wrong.append(told)

            asyncio.get_running_loop().set_exception_handler(note)
            result = await scenario()
            assert wrong == []
            self.waiting.close()
            self.refusals.close()
            return result

        return asyncio.run(whole())

    def outcome(self, host: str = HOST) -> Outcome:
        outcome: Outcome = self.run(lambda: self.wait(host))
        return outcome

    async def wait(self, host: str = HOST, refused: str = "") -> Outcome:
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.waiting.join(host, told.set_result, refused)
        return await told

    def ask_and_leave(self, host: str = HOST) -> None:
        told: list[Outcome] = []
        self.waiting.join(host, told.append)
        self.waiting.leave(host, told.append)
