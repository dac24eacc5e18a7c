"""A framework, its store and a small Mesos, with the invariants of each moment and of the end.

Violations are collected in a list: the service takes exceptions for its own defects.
"""

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from framework import events
from framework.errors import Conflict, NotFound, SessionLost, Unavailable
from framework.matching.limits import Limits
from framework.matching.quotas import AHEAD_PER_APP
from framework.ports import Heads
from framework.ports.tasks import StatusKind, TaskStatus
from framework.scheduling.offers import HOLD_SECONDS
from framework.units.lifecycle import WITH_TASK
from prevs import names
from prevs.records import AppRecord, Placement, PlacementsRecord, PreviewRecord, ProxyRecord
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.clock import FakeClock
from tests.fakes.mishaps import Died, Mishaps
from tests.fakes.small_leader import NOT_THERE, SmallLeader
from tests.fakes.small_mesos import SmallMesos
from tests.fakes.store import FakeZnodes

Key = tuple[str, str]
"""The app and the commit of a stored preview."""

APPS = (
    AppRecord("hello", "/srv/hello", mem=128, max_previews=2, idle_after=0),
    AppRecord("world", "/srv/world", mem=256, max_previews=3, idle_after=120, warm="branches"),
)
EXECUTOR_MEM = 64
LIMITS = Limits(previews=4, starts_per_agent=2, starts_per_app=2, drain=5.0, unreferenced=90.0)
REPAIR_SECONDS = 600.0
"""Shorter than the time between two questions for everything that Mesos has."""
STEADY = 5
"""How many steps in a row all has to be well."""


class SmallWorld:
    """`wanted` has for each preview whether it should run, None if that is unknown."""

    def __init__(self, *, apps: Sequence[AppRecord] = APPS, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.clock = FakeClock()
        self.znodes = FakeZnodes()
        self.mishaps = Mishaps()
        self.mesos = SmallMesos(self.clock.read)
        self.numbers = itertools.count()
        self.violations: list[str] = []
        self.wanted: dict[Key, bool | None] = {}
        self.forgotten: list[str] = []
        self.leader: SmallLeader | None = None
        self._launched: set[str] = set()
        self._offered: dict[str, float] = {}
        self._clean = True
        for app in apps:
            self.znodes.records["apps", app.name] = (app, 0)

    def lead(self) -> SmallLeader:
        """Start a framework on the stored records; return it."""
        self.leader = SmallLeader(self)
        self._clean = False
        return self.leader

    def bury(self) -> None:
        """Remove the leader."""
        if self.leader and self.mesos.subscriber is self.leader.link:
            self.mesos.leave()
        self.leader = None

    def subscribe(self) -> None:
        if self.leader:
            self.mesos.subscribe(self.leader.link, suppressed=self.leader.link.suppressed)
            self.deliver(1)

    def disconnect(self) -> None:
        if self.leader and self.mesos.subscriber is self.leader.link:
            self.mesos.leave()
            self.step(events.Disconnected())

    def deliver(self, number: int) -> None:
        """Deliver, at once, the first events of Mesos to the leader."""
        stream = self.mesos.stream
        self.step(*[stream.popleft() for _ in range(min(number, len(stream)))])

    def tick(self, seconds: float = 1.0) -> None:
        self.clock.pass_seconds(seconds)
        self.step()

    def step(self, *batch: events.Event) -> None:
        leader, met = self.leader, self.mishaps.met
        if leader is None:
            return
        for event in batch:
            leader.note(event)
            if isinstance(event, events.Offered):
                self._offered |= {offer.id: self.clock.read() for offer in event.offers}
        try:
            leader.service.step(batch)
            while read := leader.manifests.answer():
                leader.service.step(read)
        except Died:
            self._clean = False
            self.bury()
            return
        self._clean = met == self.mishaps.met
        if not self._clean:
            leader.statuses.clear()
        if leader.defects:
            self.violations.append("the service met a defect of its own")
        if ended := leader.service.ended:
            if not isinstance(ended, SessionLost):
                self.violations.append(f"it ended: {ended}")
            self.bury()
        elif leader.link.lost:
            leader.link.lost = False
            self.step(events.Disconnected())
            self._clean = False

    def haunt(self, number: int) -> None:
        """Let an old leader not know that another one leads; deliver more events to it."""
        old, stream = self.leader, self.mesos.stream
        if old is None:
            return
        self.lead()
        before = dict(self.znodes.records)
        with contextlib.suppress(Died):
            old.service.step([stream.popleft() for _ in range(min(number, len(stream)))])
        if self.znodes.records != before:
            self.violations.append("one that leads no more has written")
        self.mesos.leave()

    def request(self, what: str, key: Key, label: str = "main") -> None:
        """Send the leader a command, and remember its effect on the preview."""
        if self.leader is None:
            return
        requests = self.leader.service.commands
        wanted, act = {
            "start": (True, lambda: requests.start(*key, label)),
            "stop": (False, lambda: requests.stop(*key)),
            "retry": (True, lambda: requests.retry(*key)),
            "pin": (self.wanted.get(key), lambda: requests.pin(*key, pinned=True)),
            "unpin": (self.wanted.get(key), lambda: requests.pin(*key, pinned=False)),
        }[what]
        before, self.wanted[key] = self.wanted.get(key), None
        error = self._run_command(act)
        if error is None:
            self.wanted[key] = wanted
        elif isinstance(error, NotFound | Conflict):
            self.wanted[key] = before

    def _run_command(self, act: Callable[[], Any]) -> BaseException | None:
        """Send the leader a command; return its outcome."""
        answer: Future[Any] = Future()
        self.step(events.Call(act, answer))
        error = answer.exception() if answer.done() else Unavailable("The framework")
        if not isinstance(error, NotFound | Conflict | Unavailable | None):
            self.violations.append(f"a request met {error!r}")
        return error

    def fetch(self, app: str, heads: Mapping[str, str]) -> None:
        """Set the branches of an app."""
        self.wanted |= dict.fromkeys(((app, sha) for sha in heads.values()), None)
        refs = {sha: (f"heads/{label}",) for label, sha in heads.items()}
        self.step(events.HeadsFetched(app, Heads(heads, refs)))

    def remove_or_add(self, name: str) -> None:
        """Have an app be removed; or added, once it is gone."""
        if self.leader is None:
            return
        requests, (app,) = self.leader.service.commands, [a for a in APPS if a.name == name]
        self.wanted = {key: None if key[0] == name else to for key, to in self.wanted.items()}
        if name in self.leader.service.snapshot.apps:
            self._run_command(lambda: requests.remove_app(name))
        else:
            self._run_command(lambda: requests.add_app(app))

    def forget(self) -> None:
        """Remove the mirrors of removed apps."""
        names, self.forgotten[:] = tuple(self.forgotten), []
        self.step(*map(events.MirrorRemoved, names))

    def stored(self, key: Key) -> PreviewRecord | None:
        record = self.znodes.records.get(("previews", *key), (None,))[0]
        return record if isinstance(record, PreviewRecord) else None

    def previews(self) -> list[PreviewRecord]:
        """Return the previews as stored."""
        return [r for r, _ in self.znodes.records.values() if isinstance(r, PreviewRecord)]

    def placements(self) -> Iterator[tuple[Key, Placement]]:
        """Yield the placements as stored."""
        for record, _ in self.znodes.records.values():
            if isinstance(record, PlacementsRecord):
                for sha, placement in record.placements.items():
                    yield (record.app, sha), placement

    def let_go(self) -> None:
        """Have a proxy apply every stored placement."""
        records = self.znodes.records.values()
        applied = {r.app: v for r, v in records if isinstance(r, PlacementsRecord)}
        self.znodes.proxies = [ProxyRecord(applied)] if self.znodes.proxies else []

    def look(self, call: str, what: Any) -> None:
        """Check a call to Mesos before it is carried out."""
        if call == "launch":
            for task in what:
                self._look_at_launch(task.id)
        elif call == "acknowledge" and not self._is_stored(what):
            self.violations.append(f"{what} is acknowledged and not stored")
        elif call == "kill":
            placed = {placement.task_id for _, placement in self.placements()}
            preview = self._preview_of(what)
            if what in placed and preview and preview.state is State.DRAINING:
                self.violations.append(f"{what} is killed while visitors are sent there")

    def _look_at_launch(self, task_id: str) -> None:
        if task_id in self._launched:
            self.violations.append(f"{task_id} is launched twice")
        self._launched.add(task_id)
        preview = self._preview_of(task_id)
        if preview is None or (preview.task_id, preview.state) != (task_id, State.PLACED):
            self.violations.append(f"{task_id} is launched without an intent, but {preview}")

    def _preview_of(self, task_id: str) -> PreviewRecord | None:
        read = names.read_task_id(task_id)
        return self.stored((read.app, read.sha)) if read else None

    def _is_stored(self, status: TaskStatus) -> bool:
        preview = self._preview_of(status.task_id)
        if not preview or preview.task_id != status.task_id or preview.state not in WITH_TASK:
            return True
        before: Mapping[StatusKind, frozenset[State]] = {
            StatusKind.BUILDING: frozenset({State.PLACED}),
            StatusKind.STARTING: frozenset({State.PLACED, State.BUILDING}),
            StatusKind.HEALTHY: WITH_TASK - {State.RUNNING, State.DRAINING},
            StatusKind.KILLING: WITH_TASK - {State.DRAINING},
            StatusKind.ENDED: WITH_TASK,
        }
        return preview.state not in before.get(status.kind, frozenset())

    def check(self) -> None:
        """Raise AssertionError if an invariant of every moment does not hold."""
        assert not self.violations, self.violations
        placed = dict(self.placements())
        places = Counter((placement.host, placement.port) for placement in placed.values())
        assert not [place for place, number in places.items() if number > 1], placed
        labels = Counter((key[0], label) for key, p in placed.items() for label in p.labels)
        assert not [label for label, number in labels.items() if number > 1], placed
        ahead = Counter(one.app for one in self.previews() if one.ahead and one.state in WITH_TASK)
        assert max(ahead.values(), default=0) <= AHEAD_PER_APP, ahead
        if self.leader is None or self.leader.suspended or not self._clean:
            return
        for key, placement in placed.items():
            preview = self.stored(key)
            assert preview is not None
            assert (preview.state, preview.task_id) == (State.RUNNING, placement.task_id), placed
            kind = self.leader.statuses.get(placement.task_id)
            assert kind not in NOT_THERE, f"visitors are sent to {placement}, which is {kind}"
        oldest = self.clock.read() - HOLD_SECONDS
        kept = [name for name in self.mesos.offers if self._offered.get(name, oldest) < oldest]
        assert not kept, f"{kept} are neither used nor given back"

    def repair(self) -> None:
        """Repair everything. Raises AssertionError if the system does not recover."""
        self.mishaps.plan(())
        leader = self.leader or self.lead()
        if leader.suspended:
            self.step(events.StoreResumed())
        self.mesos.loses_launch = False
        for agent in self.mesos.agents.values():
            if not agent.lives and agent.seen in ("registered", "unheard"):
                self.mesos.notice(agent)
            self.mesos.come_back(agent)
        for task in self.mesos.live():
            if not task.is_well:
                task.feel(healthy=True)
        if self.mesos.subscriber is not leader.link:
            self.subscribe()
        until, well, seconds = self.clock.read() + REPAIR_SECONDS, 0, 0.5
        while well < STEADY:
            self.go_on(seconds)
            self.check()
            problem = self.find_problem()
            well = 0 if problem else well + 1
            assert self.clock.read() < until, f"{problem}\n{self.describe()}"
            seconds = min(5.0, seconds * 1.1)

    def go_on(self, seconds: float) -> None:
        """Let every part take a step, and deliver all events."""
        for task in tuple(self.mesos.tasks.values()):
            task.go_on()
            for _ in tuple(task.updates):
                self.mesos.forward(task)
                self.deliver(len(self.mesos.stream))
        self.mesos.offer()
        self.deliver(len(self.mesos.stream))
        self.let_go()
        self.forget()
        self.tick(seconds)

    def find_problem(self) -> str | None:
        """Return what is not as requested."""
        found = [problem for preview in self.previews() if (problem := self._problem(preview))]
        current = {p.task_id for p in self.previews() if p.state in WITH_TASK}
        apps = [r for r, _ in self.znodes.records.values() if isinstance(r, AppRecord)]
        found += [f"{app.name} is not removed" for app in apps if app.removed]
        found += [f"{t.id} is the surplus" for t in self.mesos.live() if t.id not in current]
        return "; ".join(found) or None

    def _problem(self, preview: PreviewRecord) -> str | None:
        key, state = (preview.app, preview.sha), preview.state
        wanted = self.wanted.get(key)
        known = self.leader and self.leader.service.snapshot.previews.get(preview_unit(*key))
        if known != preview and wanted is not None:
            return f"{key} is stored otherwise than it is known"
        if wanted is False and state not in (State.STOPPED, State.FAILED):
            return f"{key} was to stop and is {state}"
        match state:
            case State.RUNNING:
                runs = [t for t in self.mesos.live() if t.id == preview.task_id and t.runs]
                placed = dict(self.placements()).get(key)
                if not runs or not placed or placed.task_id != preview.task_id:
                    return f"{key} runs without a task or a placement"
            case State.QUEUED:
                if not preview.reason or (not preview.ahead and self._may_begin(preview)):
                    return f"{key} waits in vain"
            case State.FAILED:
                return None if preview.failure else f"{key} failed without a reason"
            case State.STOPPED:
                return f"{key} stopped by itself" if wanted and not preview.reason else None
            case _:
                return f"{key} is {state} still"
        return None

    def _may_begin(self, preview: PreviewRecord) -> bool:
        """Return whether there is room for a preview within the limits."""
        with_task = [p.app for p in self.previews() if p.state in WITH_TASK]
        (app,) = [app for app in APPS if app.name == preview.app]
        if len(with_task) >= LIMITS.previews or with_task.count(app.name) >= app.max_previews:
            return False
        free = [self.mesos.free(a) for a in self.mesos.agents.values() if a.seen == "registered"]
        return any(mem >= app.mem + EXECUTOR_MEM and ports for mem, ports in free)

    def describe(self) -> str:
        tasks, agents = self.mesos.tasks.values(), self.mesos.agents.values()
        lines = [f"{t.id} on {t.agent_id}: {t.state}, alive {t.alive}" for t in tasks]
        return "\n".join(
            [*map(str, self.previews()), *lines, *(f"{a.id}: {a.seen}" for a in agents)]
        )
