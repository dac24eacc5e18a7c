"""framework.ports.Sandboxes out of byte strings."""

import threading

from framework.errors import AgentRefuses, Unavailable
from framework.ports import Logged


class FakeSandboxes:
    """Keeps the output of tasks in memory; gives at most `piece_size` bytes at a time.

    While `open` is not set, a read waits, at most a minute. From the offset `away_from` on, the
    agent is away. With `refuses`, the agent refuses every read.
    """

    def __init__(self, piece_size: int = 64 * 1024) -> None:
        self.output: dict[str, bytes] = {}
        self.away = False
        self.refuses = False
        self.away_from: int | None = None
        self.reads = 0
        self.tails = 0
        self.open = threading.Event()
        self.open.set()
        self._piece_size = piece_size

    def read(self, logged: Logged, offset: int) -> tuple[bytes, int]:
        self.reads += 1
        self.open.wait(60)
        if self.away_from is not None and offset >= self.away_from:
            raise Unavailable("The agent")
        data = self._find(logged)[offset : offset + self._piece_size]
        return data, offset + len(data)

    def tail(self, logged: Logged, size: int) -> tuple[bytes, int]:
        self.tails += 1
        output = self._find(logged)
        if len(output) <= size:
            return output, len(output)
        _, _, whole_lines = output[-size:].partition(b"\n")
        return whole_lines, len(output)

    def _find(self, logged: Logged) -> bytes:
        if self.refuses:
            raise AgentRefuses("10.0.0.2")
        if self.away:
            raise Unavailable("The agent")
        return self.output.get(logged.task_id or "", b"")
