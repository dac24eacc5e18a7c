"""Reads the output of attempts, and files that they left, through the files API of Mesos agents.

An agent serves an executor's sandbox from its launch until the agent's garbage collection (a week,
by default). A preview's record has the agent's id; the master knows the agent's address.
"""

import functools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests
import urllib3

from framework.errors import AgentRefuses, MasterRefuses, Unavailable
from framework.logs import sparse_log
from framework.logs.sparse_log import LogFiles
from framework.ports import LogExcerpt, Logged, SandboxFile, SandboxGone
from prevs import log_sources, names

PIECE_SIZE = 64 * 1024
"""How many bytes a call reads at most: agents send no more at once (16 pages)."""

_TIMEOUTS_S = (2.0, 5.0)
_TIMEOUT = urllib3.Timeout(connect=_TIMEOUTS_S[0], read=_TIMEOUTS_S[1])
_ADDRESSES_AGE_S = 5.0
_END = -1
_REFUSALS = (requests.codes.unauthorized, requests.codes.forbidden)
_NO_FILE = (requests.codes.not_found, requests.codes.bad_request)
"""What agents answer for nothing at a path, and for a folder or a link that leads out."""
_METRICS = {"timeout": "250ms"}
"""Without it, an agent waits for each of its metrics, and some of a busy one may never come."""
_KEPT_FOR = "slave/executor_directory_max_allowed_age_secs"


class _Sandbox(NamedTuple):
    """The sandbox of an attempt: its path in the files API of an agent, and the agent.

    `folder` is the path of what is the attempt's own: executors of jobs may have several.
    """

    agent_id: str
    address: str
    host: str
    path: str
    folder: str


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
        self._framework_id = framework_id
        self._clock = clock
        self._session = requests.Session()
        # The master is reached directly, whatever proxy this machine uses to get out.
        self._session.trust_env = False
        self._session.verify = str(authority) if authority else True
        self._scheme = "https" if authority else "http"
        # For agents: to requests, a short log would take twice as long.
        self._agents = urllib3.PoolManager(maxsize=32, retries=False)
        both = ":".join(agents_credential) if agents_credential else None
        self._agents_headers = urllib3.make_headers(basic_auth=both)
        self._lock = threading.Lock()
        self._addresses: Mapping[str, str] = {}
        self._addresses_read = float("-inf")
        self._suspects: set[str] = set()

    def read(self, logged: Logged, offset: int) -> tuple[bytes, int]:
        """Return at most PIECE_SIZE bytes from `offset`, as framework.ports.Sandboxes says."""
        return sparse_log.read_text(self._files(logged), offset, PIECE_SIZE)

    def read_parts(self, logged: Logged, offset: int) -> LogExcerpt | None:
        """Return the next parts, as framework.ports.Sandboxes says."""
        return sparse_log.read_parts(self._files(logged), offset, PIECE_SIZE)

    def _files(self, logged: Logged) -> LogFiles:
        sources = functools.partial(self._read, logged, name=log_sources.FILE)
        return LogFiles(functools.partial(self._read, logged), sources)

    def tail(self, logged: Logged, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, and the offset after them.

        They are whole lines, unless one line is longer.
        """
        most = min(size, PIECE_SIZE)
        data, begin = self._read(logged, 0, most)
        if len(data) < most:  # most logs are short, and then this one call is enough
            return data, begin + len(data)
        _, end = self._read(logged, _END, 0)
        begin = max(0, end - most)
        data, _ = self._read(logged, begin, end - begin)
        end = begin + len(data)
        if begin == 0:
            return data, end
        _, _, whole_lines = data.partition(b"\n")
        return whole_lines or data, end

    def open_file(self, logged: Logged, path: str) -> SandboxFile | None:
        """Open a file of a sandbox, as framework.ports.Sandboxes says."""
        sandbox = self._find(logged)
        if sandbox is None:
            if self._framework_id() is None:
                raise Unavailable("The Mesos master")
            raise SandboxGone(logged.agent_host or logged.agent_id or "", agent_is_known=False)
        query = {"path": f"{sandbox.folder}/{path}"}
        answer = self._ask(sandbox, "files/download", query, stream=True)
        if answer.status in _NO_FILE:
            answer.close()
            if self._ask(sandbox, "files/browse", {"path": sandbox.path}).status in _NO_FILE:
                raise SandboxGone(sandbox.host, agent_is_known=True)
            return None
        size = int(answer.headers["Content-Length"])
        return SandboxFile(size, self._read_pieces(answer, sandbox), answer.close)

    def kept_for(self, logged: Logged) -> float | None:
        """Return for how many seconds the agent keeps a sandbox, as framework.ports.Sandboxes."""
        try:
            sandbox = self._find(logged)
            if sandbox is None:
                return None
            found = self._ask(sandbox, "metrics/snapshot", _METRICS).json().get(_KEPT_FOR)
        except (Unavailable, ValueError):
            return None
        return None if found is None else float(found)

    def _read_pieces(self, answer: urllib3.BaseHTTPResponse, sandbox: _Sandbox) -> Iterator[bytes]:
        """Yield what is in an answer. Raises Unavailable if it is shorter than it says."""
        try:
            yield from answer.stream(PIECE_SIZE)
        except urllib3.exceptions.HTTPError as exc:
            raise Unavailable(f"The agent {sandbox.host}") from exc

    def _read(
        self, logged: Logged, offset: int, length: int, *, name: str = "stdout"
    ) -> tuple[bytes, int]:
        """Return bytes of a file, and where they begin. Raises NotAllowed, Unavailable."""
        sandbox = self._find(logged)
        if sandbox is None:
            return b"", max(offset, 0)
        path = f"{sandbox.folder}/{name}"
        query = {"path": path, "offset": str(offset), "length": str(length)}
        answer = self._ask(sandbox, "files/read", query)
        if answer.status in _NO_FILE:
            return b"", max(offset, 0)
        return read_answer(answer.data)

    def _ask(
        self, sandbox: _Sandbox, call: str, query: Mapping[str, str], *, stream: bool = False
    ) -> urllib3.BaseHTTPResponse:
        """Return the agent's answer: a good one, or one of _NO_FILE.

        With `stream` the body is still to be read. Raises NotAllowed, Unavailable.
        """
        try:
            answer = self._agents.request(
                "GET",
                f"http://{sandbox.address}/{call}",
                fields=query,
                headers=self._agents_headers,
                timeout=_TIMEOUT,
                redirect=False,
                preload_content=not stream,
            )
        except urllib3.exceptions.HTTPError as exc:
            self._suspect(sandbox.agent_id)
            raise Unavailable(f"The agent {sandbox.host}") from exc
        if answer.status == requests.codes.ok or answer.status in _NO_FILE:
            return answer
        answer.close()
        if answer.status in _REFUSALS:
            raise AgentRefuses(sandbox.host)
        raise Unavailable(f"The files API of the agent {sandbox.host}")

    def _find(self, logged: Logged) -> _Sandbox | None:
        """Return where a sandbox is; None if nobody has it. Raises MasterRefuses, Unavailable."""
        framework_id, agent_id = self._framework_id(), logged.agent_id
        if not (framework_id and logged.task_id and agent_id):
            return None
        address = self._find_address(agent_id)
        if address is None:
            return None
        executor_id = names.executor_id(logged.task_id)
        path = f"/frameworks/{framework_id}/executors/{executor_id}/runs/latest"
        folder = f"{path}/{names.sandbox_folder(logged.task_id)}".rstrip("/")
        return _Sandbox(agent_id, address, logged.agent_host or address, path, folder)

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
