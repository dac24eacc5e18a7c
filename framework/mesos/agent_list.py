"""The agents of the cluster, read from the Mesos master's operator API."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests

from framework.errors import MasterRefuses, Unavailable
from framework.ports.mesos_agents import AgentList, Amount, MesosAgent

SHARED_S = 2.0
"""How long the result of one read, or its failure, is shared by all callers."""

_TIMEOUTS_S = (2.0, 3.0)
_NANOSECONDS = 1_000_000_000

Credential = tuple[str, str]
"""A principal and its secret."""


class _Read(NamedTuple):
    began: float
    agents: AgentList | None
    error: Unavailable | None


class MesosState:
    """The agents that the leading master knows, as framework.ports.Agents. Thread safe.

    `master` returns the master's host:port, None while it is unknown; `now` returns epoch seconds,
    `clock` monotonic ones. With an `authority`, the master is reached by TLS and must have a
    certificate by that authority.
    """

    def __init__(
        self,
        master: Callable[[], str | None],
        credential: Credential | None,
        *,
        authority: Path | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._master = master
        self._now = now
        self._clock = clock
        self._session = requests.Session()
        # So requests uses no HTTP proxy of the environment, and sends no password from a .netrc.
        self._session.trust_env = False
        self._session.auth = credential
        self._session.verify = str(authority) if authority else True
        self._scheme = "https" if authority else "http"
        self._lock = threading.Lock()
        self._last: _Read | None = None

    def read(self) -> AgentList:
        """Return the agents, as framework.ports.Agents."""
        with self._lock:
            last = self._last
            if last is None or self._clock() - last.began >= SHARED_S:
                last = self._last = self._read()
        if last.agents is None:
            raise last.error or Unavailable("The Mesos master")
        return last.agents

    def _read(self) -> _Read:
        try:
            agents = self._fetch()
        except Unavailable as error:
            # Stamped with the time after the failure: waiting callers share it, each without a new
            # timeout.
            return _Read(self._clock(), None, error)
        return _Read(self._clock(), agents, None)

    def _fetch(self) -> AgentList:
        master = self._master()
        if master is None:
            raise Unavailable("The Mesos master")
        now = self._now()
        slaves = self._get(master, "/slaves")
        try:
            windows = self._get(master, "/maintenance/schedule")
        except MasterRefuses:
            # A principal that may see the agents need not be allowed to see the schedule.
            windows = {}
        try:
            return AgentList(read_agents(slaves, windows), now)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(f"The Mesos master {master}") from error

    def _get(self, master: str, path: str) -> Mapping[str, Any]:
        try:
            answer = self._session.get(f"{self._scheme}://{master}{path}", timeout=_TIMEOUTS_S)
            if answer.status_code in (401, 403):
                raise MasterRefuses(master, path, answer.status_code)
            answer.raise_for_status()
            body: Mapping[str, Any] = answer.json()
        except requests.RequestException as error:
            raise Unavailable(f"The Mesos master {master}") from error
        return body


def read_agents(slaves: Mapping[str, Any], schedule: Mapping[str, Any]) -> list[MesosAgent]:
    """Return the agents, from a master's answers to /slaves and /maintenance/schedule."""
    windows = tuple(_read_windows(schedule))
    return [_read_agent(agent, windows) for agent in slaves["slaves"]]


class _Window(NamedTuple):
    host: str
    ip: str
    start: float


def _read_agent(agent: Mapping[str, Any], windows: tuple[_Window, ...]) -> MesosAgent:
    ip = str(agent["pid"]).rpartition("@")[2].rpartition(":")[0]
    host = str(agent["hostname"])
    return MesosAgent(
        id=str(agent["id"]),
        host=host,
        active=bool(agent["active"]) and not agent.get("deactivated", False),
        draining="drain_info" in agent,
        maintenance=_find_window(windows, host, ip),
        attributes={str(name): _text(value) for name, value in agent["attributes"].items()},
        total=_amount(agent["resources"]),
        used=_amount(agent["used_resources"]),
    )


def _read_windows(schedule: Mapping[str, Any]) -> Iterator[_Window]:
    for window in schedule.get("windows", ()):
        start = float(window["unavailability"]["start"]["nanoseconds"]) / _NANOSECONDS
        for machine in window["machine_ids"]:
            yield _Window(machine.get("hostname", "").lower(), machine.get("ip", ""), start)


def _find_window(windows: tuple[_Window, ...], host: str, ip: str) -> float | None:
    """Return when an agent's machine goes away; Mesos names it by host name, by IP or by both."""
    starts = [
        window.start
        for window in windows
        if window.host in ("", host.lower()) and window.ip in ("", ip) and window[:2] != ("", "")
    ]
    return min(starts, default=None)


def _amount(resources: Mapping[str, Any]) -> Amount:
    return Amount(round(float(resources["cpus"]), 3), round(float(resources["mem"]), 3))


def _text(value: object) -> str:
    """Return an attribute's value as written in an agent's --attributes."""
    return f"{value:g}" if isinstance(value, float) else str(value)
