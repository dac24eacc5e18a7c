"""The runs of our jobs, as docker tells them: when their containers begin, and how they end."""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from docker import DockerClient
from docker.errors import APIError, NotFound

from bench.harness.errors import BenchError
from bench.jobs_lost.runs import Run

_JOB = "PREVS_JOB="


class Started(NamedTuple):
    """A container whose command has begun: its job's id, its task, the Mesos id of its agent."""

    job: str
    task: str
    agent: str
    began: float
    over: float | None = None
    done: bool = False


class Containers:
    """What docker at `host` tells about the containers of a cluster, noted by a thread."""

    def __init__(self, host: str, cluster: str) -> None:
        self._client = DockerClient(base_url=host)
        self._label = f"prevs.cluster={cluster}"
        self._jobs: dict[str, str] = {}
        self._started: dict[str, Started] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Note everything from now until the end of the block."""
        filters = {"type": "container", "label": self._label, "event": ["create", "start", "die"]}
        self._events = self._client.events(decode=True, filters=filters)
        self._thread.start()
        try:
            yield
        finally:
            self._events.close()
            self._thread.join(10)
            self._client.close()

    def started(self) -> Mapping[str, Started]:
        """Return all containers that have begun, by their ids."""
        if not self._thread.is_alive():
            raise BenchError("docker tells nothing any more")
        with self._lock:
            return dict(self._started)

    def kill(self, agent: str) -> None:
        """Kill the containers of an agent, by its Mesos id."""
        mine = [self._label, f"prevs.agent={agent}"]
        for container in self._client.containers.list(filters={"label": mine}):
            with contextlib.suppress(APIError):  # it has just ended
                container.kill()

    def _listen(self) -> None:
        for event in self._events:
            self._note(event["Action"], event["Actor"]["ID"], event)

    def _note(self, action: str, container: str, event: Mapping[str, Any]) -> None:
        if action == "create":
            with contextlib.suppress(NotFound):
                self._jobs[container] = self._find_job(container)
            return
        when, told = event["timeNano"] / 1e9, event["Actor"]["Attributes"]
        with self._lock:
            if action == "start" and (job := self._jobs.get(container)):
                new = Started(job, told["prevs.task"], told["prevs.agent"], when)
                self._started[container] = new
            elif action == "die" and (before := self._started.get(container)):
                done = told["exitCode"] == "0"
                self._started[container] = before._replace(over=when, done=done)

    def _find_job(self, container: str) -> str:
        """Return the id of the job of a container, as its command is told it; "" for another."""
        environment = self._client.api.inspect_container(container)["Config"]["Env"]
        return next((one.removeprefix(_JOB) for one in environment if one.startswith(_JOB)), "")


def as_runs(started: Mapping[str, Started], ids: Sequence[str]) -> list[Run]:
    """Return the runs of the jobs with these ids, which get numbers in this order."""
    numbers = {job: number for number, job in enumerate(ids)}
    return [
        Run(numbers[one.job], container, one.began, one.over, one.done)
        for container, one in started.items()
        if one.job in numbers
    ]
