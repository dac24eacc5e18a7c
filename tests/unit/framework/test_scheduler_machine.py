"""The whole core of the scheduler against a small Mesos, through all that may happen to both.

The invariants are checked after each step. At the end everything is repaired, time passes, and
every request has to be fulfilled.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from framework import events
from framework.errors import SessionLost
from framework.ports import Use
from framework.preview.steps import RUNNING, STEPS
from prevs.records import ProxyRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, C
from tests.fakes.mishaps import Fate
from tests.fakes.small_agent import SmallAgent, SmallTask
from tests.fakes.small_world import APPS, Key, SmallWorld

pytestmark = pytest.mark.timeout(600)

_STEPS = (*STEPS, RUNNING)

apps = st.sampled_from([app.name for app in APPS])
keys = st.tuples(apps, st.sampled_from([A, B, C]))
labels = st.sampled_from(["main", "dev"])
which = st.integers(0, 11)
few = st.integers(1, 4)


class Scheduler(RuleBasedStateMachine):
    """Any order of what people, Mesos, the store, the clock and crashes may do to a framework."""

    def __init__(self) -> None:
        super().__init__()
        self.world = SmallWorld()
        self.mesos = self.world.mesos
        self.mesos.add_agent(mem=600, ports=3)
        self.mesos.add_agent(mem=384, ports=2)
        self.world.lead()
        self.world.subscribe()

    @initialize(
        keys=st.lists(keys, max_size=6), steps=st.integers(0, 6), age=st.sampled_from([0.0, 130.0])
    )
    def begin(self, keys: list[Key], steps: int, age: float) -> None:
        for key in keys:
            self.world.request("start", key)
        for _ in range(steps):
            self.world.go_on(0.5)
        self.world.tick(age)

    def leads(self) -> bool:
        return self.world.leader is not None

    def is_led_by_none(self) -> bool:
        return self.world.leader is None

    def is_cut_off(self) -> bool:
        return self.leads() and not self.is_subscribed()

    def is_suspended(self) -> bool:
        return self.world.leader is not None and self.world.leader.suspended

    def is_subscribed(self) -> bool:
        leader = self.world.leader
        return leader is not None and self.mesos.subscriber is leader.link

    def has_tasks(self) -> bool:
        return any(self.mesos.live())

    def task(self, number: int) -> SmallTask:
        tasks = list(self.mesos.live())
        return tasks[number % len(tasks)]

    def agent(self, number: int) -> SmallAgent:
        agents = [agent for agent in self.mesos.agents.values() if agent.lives]
        return agents[number % len(agents)]

    @precondition(leads)
    @rule(key=keys, label=labels)
    def start(self, key: Key, label: str) -> None:
        self.world.request("start", key, label=label)

    @precondition(leads)
    @rule(number=which, what=st.sampled_from(["start", "stop", "stop", "retry", "pin", "unpin"]))
    def request(self, number: int, what: str) -> None:
        """Request a change of an existing preview."""
        if found := self.world.previews():
            preview = found[number % len(found)]
            self.world.request(what, (preview.app, preview.sha))

    @precondition(leads)
    @rule(app=apps, heads=st.dictionaries(labels, st.sampled_from([A, B, C]), min_size=1))
    def fetch(self, app: str, heads: dict[str, str]) -> None:
        """Move, add and remove branches."""
        self.world.fetch(app, heads)

    @precondition(leads)
    @rule(app=apps)
    def remove_or_add(self, app: str) -> None:
        self.world.remove_or_add(app)

    @precondition(has_tasks)
    @rule(number=which, open_=st.integers(0, 1))
    def use(self, number: int, open_: int) -> None:
        self.world.step(events.UsageReported("p1", [Use(self.task(number).id, open_, 1)]))

    @precondition(has_tasks)
    @rule(number=which, proxy=st.sampled_from(["p1", "p2"]), times=st.sampled_from([1, 4, 9]))
    def refuse(self, number: int, proxy: str, times: int) -> None:
        """Have a task refuse a proxy's connections for some seconds."""
        task_id = self.task(number).id
        for _ in range(times):
            self.world.step(events.ConnectionsRefused(proxy, [task_id]))
            if self.is_subscribed():
                self.world.deliver(len(self.mesos.stream))
            self.world.tick(2.0)

    @precondition(is_subscribed)
    @rule(number=st.sampled_from([1, 2, 3, 100]))
    def deliver(self, number: int) -> None:
        self.world.deliver(number)

    @precondition(is_subscribed)
    @rule()
    def offer(self) -> None:
        self.mesos.offer()

    @precondition(has_tasks)
    @rule(number=which, steps=st.sampled_from([1, 1, 1, 2, 3]), is_delivered=st.booleans())
    def go_on(self, number: int, steps: int, is_delivered: bool) -> None:
        """Move an executor on, faster than it can report if it has nothing to build."""
        task = self.task(number)
        task.go_on(steps)
        self.mesos.forward(task)
        if is_delivered:
            self.world.deliver(len(self.mesos.stream))

    @precondition(is_subscribed)
    @rule(steps=st.integers(1, 5), seconds=st.sampled_from([0.1, 1.0]))
    def all_go_on(self, steps: int, seconds: float) -> None:
        for _ in range(steps):
            self.world.go_on(seconds)

    @precondition(is_subscribed)
    @rule(number=which)
    def forward(self, number: int) -> None:
        tasks = [task for task in self.mesos.tasks.values() if task.updates]
        if tasks:
            self.mesos.forward(tasks[number % len(tasks)])

    @precondition(is_subscribed)
    @rule(number=which, old=which)
    def repeat(self, number: int, old: int) -> None:
        """Repeat an update, however old it is."""
        tasks = [task for task in self.mesos.tasks.values() if task.sent]
        if tasks:
            statuses = tasks[number % len(tasks)].sent
            self.mesos.repeat(statuses[old % len(statuses)])

    @precondition(has_tasks)
    @rule(number=which, end=st.sampled_from(["TASK_FAILED", "TASK_FINISHED", "TASK_KILLED"]))
    def fail(self, number: int, end: str) -> None:
        self.task(number).end(end)

    @precondition(has_tasks)
    @rule(number=which, cause=st.sampled_from([Cause.BUILD_FAILED, Cause.APP_EXITED]))
    def break_down(self, number: int, cause: Cause) -> None:
        self.task(number).end("TASK_FAILED", phase=Phase.ENDED, cause=cause)

    @precondition(has_tasks)
    @rule(number=which, times=st.integers(2, 7), steps=few)
    def fail_again_and_again(self, number: int, times: int, steps: int) -> None:
        for _ in range(times):
            if self.has_tasks():
                self.task(number).end("TASK_FAILED")
            self.world.go_on(61.0)
            for _ in range(steps):
                self.world.go_on(0.5)

    @precondition(has_tasks)
    @rule(number=which, healthy=st.booleans())
    def feel(self, number: int, healthy: bool) -> None:
        task = self.task(number)
        if task.runs:
            task.feel(healthy=healthy)

    @precondition(has_tasks)
    @rule(number=which)
    def kill(self, number: int) -> None:
        """Let somebody else end a task, like a draining agent."""
        self.task(number).killed = True

    @rule(number=which, what=st.sampled_from(["part", "miss", "return", "leave", "burn", "remove"]))
    def agent_trouble(self, number: int, what: str) -> None:
        agent = self.agent(number)
        match what:
            case "part":
                self.mesos.part(agent)
            case "miss":
                self.mesos.part(agent)
                self.mesos.notice(agent)
            case "return":
                self.mesos.come_back(agent)
            case "leave":
                self.mesos.announce(agent, self.world.clock.read() + 200)
            case "burn":
                self.mesos.die(agent)
                self.mesos.add_agent(mem=600, ports=3)
            case "remove":
                self.mesos.notice(agent, gone=True)
                self.mesos.die(agent)
                self.mesos.add_agent(mem=384, ports=2)

    @precondition(is_subscribed)
    @rule(number=which, what=st.sampled_from(["rescind", "lose a launch", "fail over", "forget"]))
    def master_trouble(self, number: int, what: str) -> None:
        match what:
            case "rescind":
                self.mesos.rescind(self.agent(number).id)
            case "lose a launch":
                self.mesos.loses_launch = True
            case _:
                self.world.disconnect()
                self.mesos.fail_over(has_registry=what == "fail over")

    @precondition(is_cut_off)
    @rule()
    def subscribe(self) -> None:
        self.world.subscribe()

    @precondition(leads)
    @rule(wait=st.integers(0, 5), fate=st.sampled_from(list(Fate)[1:]), times=few)
    def plan(self, wait: int, fate: Fate, times: int) -> None:
        """Plan a failure for one of the next effects."""
        self.world.mishaps.plan([Fate.GOOD] * wait + [fate] * times)

    @precondition(leads)
    @rule(what=st.sampled_from(["die", "haunt", "suspend", "lose the session", "disconnect"]))
    def leader_trouble(self, what: str) -> None:
        match what:
            case "die":
                self.world.bury()
            case "haunt":
                self.world.haunt(3)
            case "suspend":
                self.world.step(events.StoreSuspended())
            case "lose the session":
                self.world.step(events.EdgeFailed(SessionLost()))
            case "disconnect":
                self.world.disconnect()

    @precondition(is_led_by_none)
    @rule(subscribes=st.booleans())
    def lead(self, subscribes: bool) -> None:
        self.world.lead()
        if subscribes:
            self.world.subscribe()

    @precondition(is_suspended)
    @rule()
    def resume(self) -> None:
        self.world.step(events.StoreResumed())

    @rule(what=st.sampled_from(["appear", "leave", "let go"]))
    def proxy(self, what: str) -> None:
        if what == "let go":
            self.world.let_go()
        else:
            self.world.znodes.proxies = [ProxyRecord()] if what == "appear" else []

    @precondition(leads)
    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0, 31.0, 61.0, 301.0]))
    def wait(self, seconds: float) -> None:
        self.world.tick(seconds)

    @invariant()
    def all_holds(self) -> None:
        self.world.check()

    @invariant()
    def steps_begin_one_after_the_other(self) -> None:
        for preview in self.world.previews():
            names = [step.name for step in preview.steps]
            assert names == sorted(set(names), key=_STEPS.index), preview
            began = [step.began for step in preview.steps]
            assert began == sorted(began), preview
            assert names[0] == "queued"
            if (state := preview.state.value) in ("queued", "placed", "running"):
                assert names[-1] == state, preview

    @invariant()
    def the_fields_of_a_preview_go_with_its_state(self) -> None:
        for preview in self.world.previews():
            assert (preview.failure is not None) == (preview.state is State.FAILED), preview
            assert bool(preview.reason) == bool(preview.reason_kind), preview
            if preview.state is State.QUEUED:
                of_attempt = (preview.phase, preview.detail, preview.starts_again)
                assert of_attempt == ("", "", False), preview
            if preview.state is State.RUNNING:
                assert preview.started is not None, preview

    def teardown(self) -> None:
        if self.world.violations:
            return
        self.world.repair()


TestScheduler = Scheduler.TestCase
TestScheduler.settings = settings(
    # The same examples each time. To search for more, take a seed and many examples.
    derandomize=True,
    database=None,
    max_examples=settings().max_examples * 3 // 5,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
