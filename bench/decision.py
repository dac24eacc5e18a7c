"""`make bench-decision`: how long a decision of the framework takes, without Mesos and ZooKeeper.

1,000 agents offer their free resources; 10,000 previews of 500 apps run, wait or have stopped. A
decision is a whole turn of the service: which previews wait, where they go, what stops for them,
and the reports about it. The store and the master return at once, and the bench counts CPU time. So
it measures only the decision, whatever else the machine does.
"""

import gc
import logging
import queue
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry

from bench.harness import command_line
from bench.harness.command_line import Bench, Found, Parameters
from framework import events
from framework.apps import effective_settings
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.matching.limits import Limits
from framework.matching.resources import Offer, Resource
from framework.metrics import Metrics
from framework.ports import Record, Stored
from framework.ports.jobs import JobsRecord, StoredJobs
from framework.ports.tasks import Executor, StatusKind, Task, TaskStatus
from framework.scheduling.launches import LaunchTerms
from framework.service.parts import Edges, build_parts
from framework.service.service import Service
from framework.state.records import Records
from framework.vault import Keyring
from prevs import names
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, Failure, PreviewRecord, ProxyRecord
from prevs.states import Cause, State

AGENTS = 1000
APPS = 500
PREVIEWS = 10_000
QUEUED = 400
ROUNDS, _FEW = 100, 5
_START = 1_800_000_000.0
_SEED = 20


class _JobStore:
    """Stores nothing, and returns at once."""

    def load(self) -> StoredJobs:
        return StoredJobs()

    def write(self, records: Sequence[JobsRecord], *, deleted: Sequence[JobsRecord] = ()) -> None:
        pass

    def payload(self, app: str, job_id: str) -> None:
        pass

    def result(self, app: str, job_id: str) -> None:
        pass

    def block(self, app: str, number: int) -> None:
        pass


class _Store:
    """Stores nothing, and returns at once."""

    jobs = _JobStore()

    def __init__(self) -> None:
        self._version = 0

    def load(self) -> Stored:
        return Stored()

    def save(self, record: Record) -> int:
        del record
        self._version += 1
        return self._version

    def save_all(self, records: Sequence[Record]) -> None:
        pass

    def delete(self, record: Record) -> None:
        pass

    def save_framework_id(self, framework_id: str) -> None:
        pass

    def proxies(self) -> Sequence[ProxyRecord]:
        return ()


class _Cluster:
    """Ignores every call."""

    def accept(
        self, offer_ids: Sequence[str], tasks: Sequence[Task], refuse_seconds: float
    ) -> None:
        pass

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        pass

    def revive(self, role: str = "") -> None:
        pass

    def suppress(self, role: str = "") -> None:
        pass

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        pass

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        pass

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        pass

    def acknowledge(self, statuses: Sequence[TaskStatus]) -> None:
        pass

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        pass


class Scene(NamedTuple):
    """A leading framework, its time, and the random numbers for its agents."""

    service: Service
    records: Records
    seconds: list[float]
    chance: random.Random


def build() -> Scene:
    """Return a framework with running previews, and some that wait or have stopped."""
    chance = random.Random(_SEED)
    apps = [_app(number, chance) for number in range(APPS)]
    scene = lead(apps, [_preview(n, apps[n % APPS], chance) for n in range(PREVIEWS)], chance)
    running = scene.records.in_state(State.RUNNING)
    scene.service.step([_update(preview, StatusKind.HEALTHY) for preview in running])
    scene.seconds[0] += 120.0
    scene.service.step([])
    return scene


def lead(
    apps: Sequence[AppRecord], previews: Sequence[PreviewRecord], chance: random.Random
) -> Scene:
    """Return a framework that has just subscribed, with some apps and previews."""
    stored = Stored(apps=apps, previews=previews, framework_id="framework")
    seconds = [_START]
    clock = Clock(lambda: seconds[0], lambda: seconds[0])
    records = Records(stored, _Store(), clock, Keyring(()), keys=[b"key"])
    service = _service(records, clock, chance)
    service.step([events.Subscribed("framework")])
    return Scene(service, records, seconds, chance)


def _service(records: Records, clock: Clock, chance: random.Random) -> Service:
    forgotten: list[str] = []
    executor = Executor("http://x/e.pyz", "0" * 64, "python3", is_unpacked=True)
    terms = LaunchTerms(
        Origin("", executor, names.addresses("localhost", 80)),
        Limits(previews=2 * PREVIEWS),
        ControlPlane(),
        lambda: f"{chance.randrange(10**9):010}",
    )
    edges = Edges(_Cluster(), forgotten.append, lambda *_: None, lambda *_: None)
    parts = build_parts(records, edges, terms, clock=clock, metrics=Metrics(CollectorRegistry()))
    return Service(parts, queue.SimpleQueue(), leader_token="bench")


def measure(rounds: int = ROUNDS) -> Mapping[str, float]:
    """Return the median and the 99th percentile of a decision, in milliseconds."""
    scene = build()
    gc.collect()
    gc.freeze()  # as the framework does after reading its records
    took = sorted(_decide(scene) for _ in range(rounds))
    return {
        "decision_ms_p50": round(statistics.median(took), 1),
        "decision_ms_p99": round(took[min(len(took) - 1, int(len(took) * 0.99))], 1),
    }


def _decide(scene: Scene) -> float:
    """Take one turn with an offer from every agent; return its CPU time in milliseconds."""
    scene.seconds[0] += 1.0
    scene.service.step([*_ends(scene)])
    scene.seconds[0] += 1.0
    offers = events.Offered([_offer(scene, number) for number in range(AGENTS)])
    begun = time.thread_time()
    scene.service.step([offers])
    return (time.thread_time() - begun) * 1000


def _ends(scene: Scene) -> Iterator[events.Event]:
    """Yield updates for started and stopped previews, and request as many as were launched."""
    stopped = list(scene.records.in_state(State.STOPPED))
    for preview in scene.records.in_state(State.PLACED):
        yield _update(preview, StatusKind.HEALTHY)
    for preview in scene.records.in_state(State.DRAINING):
        yield _update(preview, StatusKind.ENDED)
    for preview in scene.chance.sample(stopped, min(len(stopped), _missing(scene))):
        scene.service.commands.start(preview.app, preview.sha, "main")


def _missing(scene: Scene) -> int:
    return max(0, QUEUED - len(scene.records.in_state(State.QUEUED)))


def _update(preview: PreviewRecord, kind: StatusKind) -> events.TaskStatusReceived:
    ended = Failure(Cause.TASK_LOST, "It ended.") if kind is StatusKind.ENDED else None
    status = TaskStatus(preview.task_id or "", preview.agent_id, kind, failure=ended)
    return events.TaskStatusReceived(status)


def _app(number: int, chance: random.Random) -> AppRecord:
    return AppRecord(
        name=f"app-{number}",
        repository="https://git.example.org/app.git",
        cpus=chance.choice((0.05, 0.1, 0.2, 0.5)),
        mem=chance.choice((64, 128, 256, 512, 1024)),
        max_previews=chance.choice((10, 20, 50)),
        idle_after=1_000_000,
        constraints=("zone=a|b",) if number % 10 == 0 else (),
        keep_warm=("mon-fri 08:00-18:00",) if number % 4 == 0 else (),
    )


def _preview(number: int, app: AppRecord, chance: random.Random) -> PreviewRecord:
    agent = number % AGENTS
    sha = f"{number:040x}"
    state = State.RUNNING
    if number < QUEUED:
        state = State.QUEUED
    elif number % 20 == 0:
        state = State.STOPPED
    return PreviewRecord(
        app=app.name,
        sha=sha,
        state=state,
        labels=(f"b{number}",),
        task_id=names.task_id(app.name, sha, f"{number:010}"),
        agent_id=f"agent-{agent}",
        agent_host=f"10.0.{agent // 250}.{agent % 250}",
        host_port=31000 + number // AGENTS,
        changed=_START - 60 * number,
        started=_START - 60 * number,
        last_used=_START - chance.randrange(100_000),
        settings=CommitSettings(),
        settings_for=effective_settings.settings_key(app),
    )


def _offer(scene: Scene, number: int) -> Offer:
    """Return an agent's offer: nearly empty, except for one in a hundred."""
    much = scene.chance.random() < 0.01
    mem = scene.chance.choice((700, 1500)) if much else scene.chance.randrange(0, 90)
    return Offer(
        id=f"offer-{number}-{scene.seconds[0]}",
        agent_id=f"agent-{number}",
        host=f"10.0.{number // 250}.{number % 250}",
        resources=(
            Resource("cpus", 0.6),
            Resource("mem", float(mem)),
            Resource("ports", ports=(range(31000, 32000),)),
        ),
        attributes={"zone": "abcd"[number % 4]},
    )


def run(parameters: Parameters) -> Found:
    """Measure; only a few rounds if quick."""
    # It runs in this process; its log lines are not wanted here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return measure(_FEW if parameters.quick else ROUNDS)


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.decision", __doc__, run)))
