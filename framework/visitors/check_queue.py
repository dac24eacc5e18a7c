"""Whose password is checked next, so that a crowd with wrong ones keeps nobody else out. Pure."""

import dataclasses
from collections.abc import Callable

AT_A_TIME = 2
"""Each check takes a third of a second of CPU time, and 16 MB."""
MOST_WAITING = 40
"""What is checked in some 7 s. A proxy waits 10 s for the answer."""
REMEMBERED_S = 600
"""How long a wrong password counts against its client."""
_MOST_REMEMBERED = 10_000


@dataclasses.dataclass(frozen=True)
class Ticket:
    """A place in the queue. `number` is unique, and grows."""

    client: str
    number: int


class CheckQueue:
    """The checks under way and those that wait. Belongs to one thread.

    A client's load is its recent wrong passwords, with its checks that wait or are under way. Of
    all that wait, the client with the least load is next; among equals, the one whose last turn is
    longest ago. So clients take turns, and who sends one password after none that was wrong waits
    only for others who do the same. `clock` gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0
        self._waiting: list[Ticket] = []
        self._running: set[Ticket] = set()
        self._turns: dict[str, int] = {}
        self._wrong: dict[str, tuple[float, ...]] = {}
        """When a client's passwords were wrong. Whose last was longest ago is first."""

    def join(self, client: str) -> tuple[Ticket, Ticket | None]:
        """Return a client's new place, and the place that the full queue has lost for it.

        Of the clients with the most load, the newest place goes; it may be this one.
        """
        ticket = Ticket(client, self._count())
        self._waiting.append(ticket)
        if len(self._waiting) <= MOST_WAITING:
            return ticket, None
        loads = self._weigh()
        lost = max(self._waiting, key=lambda one: (loads[one.client], one.number))
        self._waiting.remove(lost)
        return ticket, lost

    def start(self) -> list[Ticket]:
        """Return the checks whose turn it is now; each is under way until it leaves."""
        started = []
        while self._waiting and len(self._running) < AT_A_TIME:
            loads = self._weigh()
            ticket = min(self._waiting, key=lambda one: self._rank(one, loads[one.client]))
            self._waiting.remove(ticket)
            self._running.add(ticket)
            self._turns[ticket.client] = self._count()
            started.append(ticket)
        return started

    def is_running(self, ticket: Ticket) -> bool:
        """Return whether a check is under way."""
        return ticket in self._running

    def leave(self, ticket: Ticket, *, is_wrong: bool) -> None:
        """End a check that waits, is under way, or has lost its place."""
        self._running.discard(ticket)
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        if is_wrong:
            self._remember(ticket.client)
        if not any(one.client == ticket.client for one in (*self._waiting, *self._running)):
            self._turns.pop(ticket.client, None)

    def _count(self) -> int:
        self._last += 1
        return self._last

    def _rank(self, ticket: Ticket, load: int) -> tuple[int, int, int]:
        return load, self._turns.get(ticket.client, 0), ticket.number

    def _weigh(self) -> dict[str, int]:
        """Return the load of each client that waits."""
        since = self._clock() - REMEMBERED_S
        loads: dict[str, int] = {}
        for one in (*self._waiting, *self._running):
            loads[one.client] = loads.get(one.client, 0) + 1
        return {
            client: open_checks + sum(at > since for at in self._wrong.get(client, ()))
            for client, open_checks in loads.items()
        }

    def _remember(self, client: str) -> None:
        now = self._clock()
        before = self._wrong.pop(client, ())
        self._wrong[client] = (*(at for at in before if at > now - REMEMBERED_S), now)
        if len(self._wrong) > _MOST_REMEMBERED:
            del self._wrong[next(iter(self._wrong))]
