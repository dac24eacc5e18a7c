"""The same small jobs through the whole system, requested by its API."""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bench.harness.errors import BenchError
from bench.jobs.small_job import COMMAND, MEM
from bench.systems.address import System
from bench.systems.repository import Repository
from prevs import names

_APP = "bench"
_LIMIT = 1800.0
_LOOK = 2.0
"""Seconds between two looks. When jobs ended is in their records, and what a look takes of the
machine is for the bench alone."""
_PAGE = 500

_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""


class Once(NamedTuple):
    """One job by itself: seconds from its request to its command, and to its end as it is seen."""

    begins: float
    ended: float


class OwnJobs:
    """The jobs of one app. Its image is built when it is registered."""

    def __init__(self, system: System, folder: Path) -> None:
        self._system = system
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {system.token}"
        self.sha = self._register(folder)
        self.image = names.image_tag(_APP, self.sha)
        self._groups = 0
        self._wait(self._request(1))

    def burst(self, count: int) -> float:
        """Request `count` jobs at once; return the seconds until the last has ended.

        Raises BenchError if one of them has not succeeded, or has begun more than once.
        """
        began = time.time()
        jobs = self._wait(self._request(count))
        if len(jobs) != count:
            raise BenchError(f"Of {count} jobs {len(jobs)} are known")
        return float(max(job["ended"] for job in jobs)) - began

    def once(self, starts: Iterator[float]) -> Once:
        """Run one job; `starts` gives the time at which its container begins."""
        began = time.time()
        order = {"label": "main", "job": "small"}
        answer = self._call(
            "POST", f"/v1/apps/{_APP}/jobs", json=order, headers={"Prefer": "wait=60"}
        )
        ended = time.time() - began
        _check(answer.json())
        return Once(next(starts) - began, ended)

    def _request(self, count: int) -> str:
        self._groups += 1
        group = f"burst-{self._groups}"
        order = {"label": "main", "job": "small", "group": group}
        self._call("POST", f"/v1/apps/{_APP}/jobs", json={"jobs": [order] * count})
        return group

    def _wait(self, group: str) -> Sequence[dict[str, Any]]:
        """Wait until the jobs of a group have ended; return them."""
        deadline = time.monotonic() + _LIMIT
        while active := self._list(group, state="active", limit=1):
            if time.monotonic() > deadline:
                raise BenchError(f"A job has not ended after {_LIMIT:.0f} s: {active[0]}")
            time.sleep(_LOOK)
        jobs = self._list(group, limit=_PAGE)
        for job in jobs:
            _check(job)
        return jobs

    def _list(self, group: str, **chosen: object) -> list[dict[str, Any]]:
        asked = {"app": _APP, "group": group, **chosen}
        found: list[dict[str, Any]] = self._call("GET", "/v1/jobs", params=asked).json()["jobs"]
        return found

    def _register(self, folder: Path) -> str:
        busybox = shutil.which("busybox")
        if busybox is None:
            raise BenchError("There is no static busybox here: apt-get install busybox-static")
        repository = Repository(folder)
        (folder / "Dockerfile").write_text(_DOCKERFILE)
        shutil.copy(busybox, folder / "busybox")
        # The whole of a CPU, so that as many fit on the agent as it has.
        words = ", ".join(f'"{word}"' for word in COMMAND)
        named = f"[jobs.small]\ncommand = [{words}]\ncpus = 1\nmem = {MEM}\n"
        (folder / ".prevs.toml").write_text(named)
        sha = repository.commit("a small job")
        app = {"name": _APP, "repository": str(folder), "mem": MEM, "max_cpus": 1}
        self._call("POST", "/v1/apps", json=app)
        return sha

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = self._session.request(method, self._system.api + path, timeout=120, **more)
        if not answer.ok:
            raise BenchError(f"{method} {path} answers {answer.status_code}: {answer.text}")
        return answer


def _check(job: dict[str, Any]) -> None:
    if (job["state"], job["tries"]) != ("succeeded", 1):
        raise BenchError(f"A job has not succeeded at once: {job}")
