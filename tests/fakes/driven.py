"""A service without threads, driven step by step, over fakes that a test can look into."""

import base64
import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry

from framework import events
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.matching.limits import Limits
from framework.matching.roles import Roles
from framework.mesos import task_status
from framework.metrics import Metrics
from framework.ports import Cluster, Use
from framework.ports.tasks import Executor
from framework.scheduling.launches import LaunchTerms
from framework.service.parts import Edges, build_parts
from framework.service.service import Service
from framework.state.records import Records
from framework.vault import Keyring
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from prevs.records import AppRecord, PlacementsRecord, PreviewRecord
from prevs.states import Cause, Phase
from prevs.units import preview_unit
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.manifests import FakeManifests
from tests.fakes.mishaps import FrailStore, Mishaps
from tests.fakes.offers import offer
from tests.fakes.placements import KEY as SIGNING_KEY
from tests.fakes.store import FakeZnodes

T = TypeVar("T")

APP = AppRecord(
    name="hello", repository="/srv/hello", mem=128, cpus=0.1, max_previews=3, idle_after=0
)
KEY = "A" * 43 + "="
EXECUTOR = Executor("http://x/e.pyz", "0" * 64, "python3", is_unpacked=True)
BUILD_LIMIT = 3600.0
"""As an operator may set it."""
A, B, C, D = "a" * 40, "b" * 40, "c" * 40, "d" * 40


def make_service(
    records: Records,
    cluster: Cluster,
    *,
    new_attempt: Callable[[], str],
    forget_mirror: Callable[[str], None],
    manifests: FakeManifests,
    registry: CollectorRegistry,
    clock: Clock,
    limits: Limits,
    executor: Executor = EXECUTOR,
    control_plane: ControlPlane | None = None,
    roles: Roles = Roles(),  # noqa: B008 - a value
    after_stop: bool = False,
) -> Service:
    """Return a service without a thread, whose `step` a test calls."""
    terms = LaunchTerms(
        Origin("", executor, names.addresses("localhost", 8080), build_limit=BUILD_LIMIT),
        limits,
        control_plane or ControlPlane(),
        new_attempt,
        roles,
    )
    edges = Edges(cluster, forget_mirror, manifests.request, manifests.request_lead)
    parts = build_parts(
        records, edges, terms, clock=clock, metrics=Metrics(registry), after_stop=after_stop
    )
    return Service(parts, queue.SimpleQueue(), leader_token="driven")


class _Called:
    """Commands of the service, each called in a step of it."""

    def __init__(self, call: Callable[[Callable[[], Any]], Any], commands: object) -> None:
        self._call = call
        self._commands = commands

    def __getattr__(self, name: str) -> Callable[..., Any]:
        command = getattr(self._commands, name)
        return lambda *given, **more: self._call(lambda: command(*given, **more))


class Driven:
    """A subscribed framework with one app, by default.

    `commands`, `gate_commands` and the others are the service's, called in a step of it.
    """

    def __init__(
        self,
        znodes: FakeZnodes | None = None,
        clock: FakeClock | None = None,
        *,
        subscribed: bool = True,
        limits: Limits = Limits(),  # noqa: B008 - a value
        keys: Sequence[str] = (KEY,),
        executor: Executor = EXECUTOR,
        signed_with: Sequence[bytes] = (SIGNING_KEY,),
        roles: Roles = Roles(),  # noqa: B008 - a value
        after_stop: bool = False,
    ) -> None:
        self.clock = clock or FakeClock()
        self.znodes = znodes or FakeZnodes()
        self.mishaps = Mishaps()
        self.store = FrailStore(self.znodes, self.mishaps)
        self.cluster = FakeCluster()
        self.registry = CollectorRegistry()
        self.control_plane = ControlPlane()
        self.forgotten: list[str] = []
        self.manifests = FakeManifests()
        numbers = itertools.count(len(self.znodes.records))
        self.records = Records(
            self.store.load(), self.store, self.clock.clock, Keyring(keys), keys=signed_with
        )
        self.service = make_service(
            self.records,
            self.cluster,
            new_attempt=lambda: f"t{next(numbers)}",
            forget_mirror=self.forgotten.append,
            manifests=self.manifests,
            registry=self.registry,
            clock=self.clock.clock,
            limits=limits,
            executor=executor,
            control_plane=self.control_plane,
            roles=roles,
            after_stop=after_stop,
        )
        self.commands = self._called(self.service.commands)
        self.job_commands = self._called(self.service.job_commands)
        self.schedule_commands = self._called(self.service.schedule_commands)
        self.gate_commands = self._called(self.service.gate_commands)
        self.stack_commands = self._called(self.service.stack_commands)
        self.data_commands = self._called(self.service.data_commands)
        if subscribed:
            self.step(events.Subscribed("framework-1"))

    def _called(self, commands: T) -> T:
        return cast(T, _Called(self.call, commands))

    def step(self, *batch: events.Event) -> None:
        self.service.step(batch)
        while read := self.manifests.answer():
            self.service.step(read)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the steps on a thread of the service's own, as in a framework."""
        thread = threading.Thread(target=self.service.run)
        thread.start()
        try:
            yield
        finally:
            self.service.inbox.put(events.Stop())
            thread.join()

    def tick(self, seconds: float = 1.0) -> None:
        self.clock.pass_seconds(seconds)
        self.step()

    def call(self, act: Callable[[], T]) -> T:
        answer: Future[T] = Future()
        self.step(events.Call(act, answer))
        return answer.result(0)

    def add_app(self, app: AppRecord = APP) -> AppRecord:
        return self.commands.add_app(app)

    def start(self, sha: str = A, label: str = "main", app: str = "hello") -> PreviewRecord:
        return self.commands.start(app, sha, label)

    def stop(self, sha: str = A, app: str = "hello") -> PreviewRecord:
        return self.commands.stop(app, sha)

    def retry(self, sha: str = A, app: str = "hello") -> PreviewRecord:
        return self.commands.retry(app, sha)

    def pin(self, sha: str = A, app: str = "hello") -> PreviewRecord:
        return self.commands.pin(app, sha, pinned=True)

    def use(self, sha: str = A, *, proxy: str = "p1", open: int = 0, requests: int = 0) -> None:
        """Let a proxy report the use of a preview's task; with sha "", that it has no task."""
        uses = [Use(self.task(sha), open, requests)] if sha else []
        self.step(events.UsageReported(proxy, uses))

    def refuse(self, seconds: float, *, proxy: str = "p1", sha: str = A) -> None:
        """Have a proxy report every two seconds that a preview's task refuses its connections."""
        self.step(events.ConnectionsRefused(proxy, [self.task(sha)]))
        for _ in range(int(seconds / 2)):
            self.clock.pass_seconds(2.0)
            self.step(events.ConnectionsRefused(proxy, [self.task(sha)]))

    def preview(self, sha: str = A, app: str = "hello") -> PreviewRecord:
        return self.service.snapshot.previews[preview_unit(app, sha)]

    def task(self, sha: str = A) -> str:
        task_id = self.preview(sha).task_id
        assert task_id is not None
        return task_id

    def placements(self, app: str = "hello") -> dict[str, tuple[str, ...]]:
        """Return the labels that lead to each placed commit, as stored."""
        found = self.znodes.records.get(("placements", app))
        if found is None:
            return {}
        record = found[0]
        assert isinstance(record, PlacementsRecord)
        return {sha: placement.labels for sha, placement in record.placements.items()}

    def update(self, state: str, *, sha: str = A, task: str | None = None, **more: Any) -> None:
        status = {
            "task_id": {"value": task or self.task(sha)},
            "agent_id": {"value": "agent-1"},
            "state": state,
            "uuid": f"uuid of {state}",
            **more,
        }
        self.step(events.TaskStatusReceived(task_status.read(status)))

    def report(self, state: str, phase: Phase, *, sha: str = A, **more: Any) -> None:
        """Send an update as our executor does."""
        cause: Cause | None = more.pop("cause", None)
        report = TaskReport(
            phase,
            cause,
            more.pop("exit_code", None),
            detail=more.pop("detail", ""),
            began=more.pop("began", {}),
            digest=more.pop("digest", ""),
            protocol=more.pop("protocol", ""),
            memory_kills=more.pop("memory_kills", 0),
            isolation=more.pop("isolation", None),
        )
        data = base64.b64encode(report.encode()).decode()
        self.update(state, sha=sha, data=data, **more)

    def offer(self, name: str = "o1", **fields: Any) -> None:
        """Let Mesos make an offer of tests/fakes/offers.py."""
        self.step(events.Offered([offer(name, **fields)]))

    @property
    def order(self) -> BuildOrder:
        """What the last launched executor was sent."""
        return self.cluster.tasks[-1].order

    def count(self, metric: str, **labels: str) -> float | None:
        """Return the value of a metric, None where there is none yet."""
        return self.registry.get_sample_value(metric, labels)

    def place(self, sha: str = A, label: str = "main") -> None:
        """Start a preview and launch its task."""
        self.start(sha, label)
        self.offer()

    def run(self, sha: str = A, label: str = "main") -> None:
        """Start a preview and let it run."""
        self.place(sha, label)
        self.report("TASK_RUNNING", Phase.RUNNING, sha=sha)
