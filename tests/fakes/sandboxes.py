"""framework.ports.Sandboxes out of byte strings."""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence

from framework.errors import AgentRefuses, Unavailable
from framework.ports import LogExcerpt, Logged, LogPart, SandboxFile, SandboxGone
from prevs.artifacts import FOLDER, LIST, Artifact, ArtifactsRecord


class FakeSandboxes:
    """Keeps the output of tasks in memory; gives at most `piece_size` bytes at a time.

    While `open` is not set, a read waits, at most a minute. From the offset `away_from` on, the
    agent is away. With `refuses`, the agent refuses every read. `files` are those of tasks by path;
    a task without an entry has no sandbox. The agent keeps sandboxes for `keeps` seconds. `closed`
    counts the files that were opened and closed; one of more than `breaks_after` bytes breaks off
    there. `parts` are those of the outputs of which one knows who wrote what.
    """

    def __init__(self, piece_size: int = 64 * 1024) -> None:
        self.output: dict[str, bytes] = {}
        self.parts: dict[str, Sequence[LogPart]] = {}
        self.away = False
        self.refuses = False
        self.files: dict[str, dict[str, bytes]] = {}
        self.keeps: float | None = None
        self.opened = 0
        self.closed = 0
        self.breaks_after = sys.maxsize
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

    def read_parts(self, logged: Logged, offset: int) -> LogExcerpt | None:
        self.read(logged, offset)
        if (logged.task_id or "") not in self.parts:
            return None
        parts: list[LogPart] = []
        begin = 0
        for part in self.parts[logged.task_id or ""]:
            finish = begin + (part.missing or len(part.data))
            if finish > offset:
                cut = part.data if part.missing else part.data[max(0, offset - begin) :]
                parts.append(part._replace(data=cut))
            begin = finish
        return LogExcerpt(parts, begin)

    def tail(self, logged: Logged, size: int) -> tuple[bytes, int]:
        self.tails += 1
        output = self._find(logged)
        if len(output) <= size:
            return output, len(output)
        _, _, whole_lines = output[-size:].partition(b"\n")
        return whole_lines, len(output)

    def open_file(self, logged: Logged, path: str) -> SandboxFile | None:
        self._check()
        sandbox = self.files.get(logged.task_id or "")
        if sandbox is None:
            raise SandboxGone(logged.agent_host or "", agent_is_known=True)
        data = sandbox.get(path)
        if data is None:
            return None
        self.opened += 1
        return SandboxFile(len(data), self._read_pieces(data), self._close)

    def kept_for(self, logged: Logged) -> float | None:
        del logged
        return self.keeps

    def _read_pieces(self, data: bytes) -> Iterator[bytes]:
        for begin in range(0, len(data), self._piece_size):
            if begin >= self.breaks_after:
                raise Unavailable("The agent")
            yield data[begin : begin + self._piece_size]

    def _close(self) -> None:
        self.closed += 1

    def _find(self, logged: Logged) -> bytes:
        self._check()
        return self.output.get(logged.task_id or "", b"")

    def _check(self) -> None:
        if self.refuses:
            raise AgentRefuses("10.0.0.2")
        if self.away:
            raise Unavailable("The agent")


def artifact_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a sandbox in which a command left these."""
    listed = tuple(Artifact(path, len(data)) for path, data in files.items())
    found = {f"{FOLDER}/{path}": data for path, data in files.items()}
    return {LIST: ArtifactsRecord(listed).encode(), **found}
