"""Reads the output of attempts through the files API of the Mesos agents.

An agent serves an executor's sandbox from its launch until the agent's garbage collection (a week,
by default). A preview's record has the agent's id; the master knows the agent's address.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from framework.errors import AgentRefuses, MasterRefuses, Unavailable
from framework.logs import sparse_log
from framework.ports import Logged

PIECE_SIZE = 64 * 1024
"""How many bytes a call reads at most: agents send no more at once (16 pages)."""

_PAGE_SIZE = 4096
_TIMEOUTS_S = (2.0, 5.0)
_ADDRESSES_AGE_S = 5.0
_END = -1
_REFUSALS = (requests.codes.unauthorized, requests.codes.forbidden)


class AgentSandboxes:
    """Sandboxes of one Mesos cluster, as framework.ports.Sandboxes. Thread safe.

    `master` returns the leading master as host:port, `framework_id` the id that Mesos gave us; both
    return None while it is unknown. `clock` gives monotonic seconds. `credential` (a principal and
    its secret) is for the master alone, `agents_credential` for agents. With an `authority` for
    certificates, the master is read over TLS; agents never are.
    """

    def __init__(
        self,
        master: Callable[[], str | None],
        framework_id: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
        *,
        credential: tuple[str, str] | None = None,
        agents_credential: tuple[str, str] | None = None,
        authority: Path | None = None,
    ) -> None:
        self._master = master
        self._credential = credential
        self._agents_credential = agents_credential
        self._framework_id = framework_id
        self._clock = clock
        self._session = requests.Session()
        # Agents are reached directly, whatever proxy this machine uses to get out.
        self._session.trust_env = False
        self._session.verify = str(authority) if authority else True
        self._scheme = "https" if authority else "http"
        self._session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
        self._lock = threading.Lock()
        self._addresses: Mapping[str, str] = {}
        self._addresses_read = float("-inf")
        self._suspects: set[str] = set()

    def read(self, logged: Logged, offset: int) -> tuple[bytes, int]:
        """Return at most PIECE_SIZE bytes from `offset`, as framework.ports.Sandboxes says."""
        data, begin = self._read(logged, offset, PIECE_SIZE)
        kept = sparse_log.cut_at_gap(data)
        if kept or not data:
            return kept, begin + len(kept)
        return self._read_after_gap(logged, begin)

    def _read_after_gap(self, logged: Logged, begin: int) -> tuple[bytes, int]:
        """Return the bytes after the gap around `begin`, behind a line that replaces the gap."""
        _, size = self._read(logged, _END, 0)
        end = sparse_log.find_gap_end(lambda at: self._read(logged, at, _PAGE_SIZE)[0], begin, size)
        data, end = self._read(logged, end, PIECE_SIZE)
        kept = sparse_log.cut_at_gap(data)
        return sparse_log.omission_line(begin, end) + kept, end + len(kept)

    def tail(self, logged: Logged, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, and the offset after them.

        They are whole lines, unless one line is longer.
        """
        _, end = self._read(logged, _END, 0)
        begin = max(0, end - min(size, PIECE_SIZE))
        data, _ = self._read(logged, begin, end - begin)
        end = begin + len(data)
        if begin == 0:
            return data, end
        _, _, whole_lines = data.partition(b"\n")
        return whole_lines or data, end

    def _read(self, logged: Logged, offset: int, length: int) -> tuple[bytes, int]:
        """Return the bytes and where they begin. Raises NotAllowed, Unavailable."""
        framework_id = self._framework_id()
        if not (framework_id and logged.task_id and logged.agent_id):
            return b"", max(offset, 0)
        address = self._find_address(logged.agent_id)
        if address is None:
            return b"", max(offset, 0)
        run = f"/frameworks/{framework_id}/executors/{logged.task_id}/runs/latest"
        query = {"path": f"{run}/stdout", "offset": str(offset), "length": str(length)}
        try:
            answer = self._session.get(
                f"http://{address}/files/read",
                params=query,
                auth=self._agents_credential,
                timeout=_TIMEOUTS_S,
            )
        except requests.RequestException as exc:
            self._suspect(logged.agent_id)
            raise Unavailable(f"The agent {logged.agent_host or address}") from exc
        if answer.status_code == requests.codes.not_found:
            return b"", max(offset, 0)
        if answer.status_code in _REFUSALS:
            raise AgentRefuses(logged.agent_host or address)
        if not answer.ok:
            raise Unavailable(f"The files API of the agent {logged.agent_host or address}")
        return read_answer(answer.content)

    def _find_address(self, agent_id: str) -> str | None:
        """Return an agent's address, or None if the master does not know the agent.

        Raises MasterRefuses, Unavailable.
        """
        with self._lock:
            address = self._addresses.get(agent_id)
            age = self._clock() - self._addresses_read
            if (address is None or agent_id in self._suspects) and age >= _ADDRESSES_AGE_S:
                self._addresses = self._fetch_addresses()
                self._addresses_read = self._clock()
                self._suspects.clear()
                address = self._addresses.get(agent_id)
        return address

    def _suspect(self, agent_id: str) -> None:
        """Fetch this agent's address again soon: the agent may come back at another port."""
        with self._lock:
            self._suspects.add(agent_id)

    def _fetch_addresses(self) -> Mapping[str, str]:
        master = self._master()
        if master is None:
            raise Unavailable("The Mesos master")
        try:
            answer = self._session.get(
                f"{self._scheme}://{master}/slaves", auth=self._credential, timeout=_TIMEOUTS_S
            )
            if answer.status_code in _REFUSALS:
                raise MasterRefuses(master, "/slaves", answer.status_code)
            answer.raise_for_status()
            return read_addresses(answer.json())
        except requests.RequestException as exc:
            raise Unavailable(f"The Mesos master {master}") from exc


def read_addresses(slaves: Mapping[str, Any]) -> dict[str, str]:
    """Return host:port by agent id, from a master's answer to /slaves."""
    return {agent["id"]: agent["pid"].rpartition("@")[2] for agent in slaves["slaves"]}


def read_answer(body: bytes) -> tuple[bytes, int]:
    """Return the bytes of a file and their offset, from an agent's answer to /files/read.

    Agents write a file's bytes into a JSON string unchanged, UTF-8 or not. Latin-1 decodes each
    byte to one character, so encoding it again gives the same bytes.
    """
    parsed = json.loads(body.decode("latin-1"), strict=False)
    return parsed["data"].encode("latin-1"), parsed["offset"]
