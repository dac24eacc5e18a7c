"""Measures the time from the change of a rule to the first answer by it."""

import contextlib
import http.client
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.gates import traffic
from bench.gates.rounds import Serving
from bench.gates.rules import Lead, Rules
from bench.harness.errors import BenchError

_LIMIT = 60.0
_LOOK_SECONDS = 0.0005
_LONGEST_PAUSE = 0.2


class Changes(NamedTuple):
    """The seconds of each change, and how many requests found their kept connection closed."""

    seconds: Sequence[float]
    closed: int


def measure(
    target: Serving, wanted: Rules, backends: Sequence[int], *, count: int, seconds: float
) -> Changes:
    """Change random rules, one after the other: so many, or as many as `seconds` are enough for.

    Pauses between them are random. Preparing a change, such as writing a file beside the one that
    the proxy reads, is not counted.
    """
    chance, deadline = random.Random(4), time.monotonic() + seconds
    found: list[float] = []
    closed = 0
    while len(found) < count and (time.monotonic() < deadline or not found):
        number = chance.randrange(len(wanted.labels))
        before, wanted = wanted.at(number), wanted.moved(number)
        commit = target.prepare(wanted, number)
        time.sleep(chance.uniform(0, _LONGEST_PAUSE))
        with traffic.connected(target.port) as connection:
            visitor = _Visitor(connection, backends, before, wanted.at(number))
            visitor.ask()  # so that the connection is open
            began = time.perf_counter()
            commit()
            while not visitor.ask():
                if time.perf_counter() - began > _LIMIT:
                    raise BenchError(f"a rule is not in force after {_LIMIT:.0f} s")
                time.sleep(_LOOK_SECONDS)
            found.append(time.perf_counter() - began)
            closed += visitor.closed
    return Changes(found, closed)


class _Visitor:
    """Asks for what a rule leads to, before and after its change, over one kept connection."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        backends: Sequence[int],
        before: Lead,
        after: Lead,
    ) -> None:
        self._connection, self._asked = connection, after
        self._old = {backends[label] for label in before.to}
        self._new = {backends[label] for label in after.to}
        self.closed = 0

    def ask(self) -> bool:
        """Return whether the rule is in force. Raises BenchError at an answer by neither."""
        try:
            found = traffic.ask(self._connection, self._asked)
        except (http.client.HTTPException, ConnectionError):
            self.closed += 1
            with contextlib.suppress(OSError):
                self._connection.close()  # the next request opens another
            return False
        if found not in self._old | self._new:
            raise BenchError(f"{self._asked.host}{self._asked.asked} is answered by another label")
        return found in self._new
