"""A Mesos of a few agents in memory: its tasks live, get lost, and come back.

It does nothing by itself: a test lets agents come and go, executors go on, and events reach the
framework. Each agent forwards the first update of a task until that is acknowledged. The master
sends its own statuses (answers, agents that are away) only once.
"""

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from framework import events
from framework.errors import FrameworkError, OutcomeUnknown, Unavailable
from framework.matching import resources
from framework.matching.resources import Offer, Resource
from framework.mesos import task_status
from framework.ports import InverseOffer
from framework.ports.tasks import Task, TaskStatus
from tests.fakes.mishaps import Mishaps
from tests.fakes.small_agent import TERMINAL, SmallAgent, SmallTask, Status


class SmallMesos:
    """The master and its agents. `stream` has the undelivered events."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.agents: dict[str, SmallAgent] = {}
        self.tasks: dict[str, SmallTask] = {}
        self.offers: dict[str, tuple[str, float]] = {}
        self.stream: deque[events.Event] = deque()
        self.subscriber: object = None
        self.has_registry = True
        self.loses_launch = False
        self.suppressed = True
        self._now = now
        self._numbers = itertools.count(1)

    def add_agent(self, mem: float, ports: int) -> SmallAgent:
        agent = SmallAgent(f"agent-{next(self._numbers)}", mem, range(31000, 31000 + ports))
        self.agents[agent.id] = agent
        return agent

    def live(self) -> Iterator[SmallTask]:
        """Yield the tasks that live, wherever they are."""
        return (task for task in self.tasks.values() if task.alive)

    def subscribe(self, who: object, *, suppressed: bool) -> None:
        self.leave()
        self.subscriber = who
        self.suppressed = suppressed
        self.stream.append(events.Subscribed("framework-1"))

    def leave(self) -> None:
        """End the subscription: undelivered events are lost, and no offer is valid."""
        self.subscriber = None
        self.stream.clear()
        self.offers.clear()

    def fail_over(self, *, has_registry: bool) -> None:
        """Have another master take over, which knows tasks once their agents are back."""
        self.leave()
        self.has_registry = has_registry
        for agent in self.agents.values():
            if agent.seen == "registered" or not has_registry:
                agent.seen = "unheard"

    def part(self, agent: SmallAgent) -> None:
        """Cut an agent off; the master has not noticed yet."""
        agent.linked = False

    def notice(self, agent: SmallAgent, *, gone: bool = False) -> None:
        """Have the master miss an agent that is cut off, or an operator call it gone."""
        known = [task for task in self.on(agent) if self._knows(task)]
        self.rescind(agent.id)
        agent.seen = "gone" if gone else "unreachable"
        for task in known:
            self._send_status(task.status("TASK_GONE_BY_OPERATOR" if gone else "TASK_UNREACHABLE"))
        self._submit(events.AgentFailed(agent.id, None))

    def die(self, agent: SmallAgent) -> None:
        """Have a machine and all that is on it go for good."""
        agent.linked = agent.lives = False
        for task in self.on(agent):
            task.alive = False

    def come_back(self, agent: SmallAgent) -> None:
        """Link an agent and register it, unless its machine or its id is gone for good."""
        if not agent.lives or agent.seen == "gone":
            return
        agent.linked = True
        before, agent.seen = agent.seen, "registered"
        for task in self.on(agent):
            if not task.arrived and task.alive:
                task.end("TASK_DROPPED", reason="REASON_RECONCILIATION")
            elif before == "unreachable" and self._knows(task):
                self._send_status(self._answer(task, "REASON_AGENT_REREGISTERED"))

    def announce(self, agent: SmallAgent, start: float) -> None:
        """Announce the maintenance of an agent."""
        name = f"inverse-{next(self._numbers)}"
        self._submit(events.InverseOffered([InverseOffer(name, agent.id, start)]))

    def offer(self) -> None:
        """Offer the free resources, where they were not declined."""
        offered = {agent_id for agent_id, _ in self.offers.values()}
        for agent in self.agents.values():
            if self.suppressed or agent.seen != "registered" or agent.id in offered:
                continue
            mem, free = self.free(agent)
            if self._now() < agent.refused_until or mem <= 0 or self.subscriber is None:
                continue
            name = f"offer-{next(self._numbers)}"
            self.offers[name] = (agent.id, self._now())
            spans = tuple(range(port, port + 1) for port in free)
            offered_resources = (
                Resource("cpus", 8),
                Resource("mem", mem),
                Resource("ports", ports=spans),
            )
            self._submit(events.Offered([Offer(name, agent.id, agent.host, offered_resources)]))

    def rescind(self, agent_id: str) -> None:
        """Rescind the offers of an agent."""
        for name, (offerer, _) in tuple(self.offers.items()):
            if offerer == agent_id:
                del self.offers[name]
                self._submit(events.Rescinded(name))

    def forward(self, task: SmallTask) -> None:
        """Have an agent send the first unacknowledged update (again)."""
        agent = self.agents[task.agent_id]
        if task.updates and agent.linked and agent.seen == "registered" and self.subscriber:
            status = task.updates[0]
            task.state, task.healthy = status["state"], status.get("healthy", True)
            task.sent.append(status)
            self._send_status(status)

    def repeat(self, status: Status) -> None:
        """Deliver an update once more, late."""
        self._submit(events.TaskStatusReceived(task_status.read(status)))

    def free(self, agent: SmallAgent) -> tuple[float, list[int]]:
        """Return the MB and the ports that no task has."""
        there = [t for t in self.on(agent) if not t.forgotten and t.state not in TERMINAL]
        used = {p for t in there for span in resources.free_ports(t.resources) for p in span}
        mem = sum(resources.total(task.resources, "mem") for task in there)
        return agent.mem - mem, [port for port in agent.ports if port not in used]

    def on(self, agent: SmallAgent) -> list[SmallTask]:
        return [task for task in self.tasks.values() if task.agent_id == agent.id]

    def launch(self, names: Sequence[str], launched: Sequence[Task], rest: float) -> None:
        offers = [self.offers.pop(name, None) for name in names]
        for launch in launched:
            task = SmallTask(launch)
            if None in offers:
                status = task.status("TASK_DROPPED", reason="REASON_INVALID_OFFERS")
                self._send_status(status)
                continue
            self.tasks[task.id] = task
            agent = self.agents[task.agent_id]
            task.alive = agent.lives
            task.arrived = agent.linked and not self.loses_launch
        self.loses_launch = False
        for offer in offers:
            if offer:
                self.agents[offer[0]].refused_until = self._now() + rest

    def decline(self, names: Sequence[str], refuse: float) -> None:
        for name in names:
            if name in self.offers:
                self.agents[self.offers.pop(name)[0]].refused_until = self._now() + refuse

    def revive(self, role: str = "") -> None:
        self.suppressed = False
        for agent in self.agents.values():
            agent.refused_until = 0.0

    def suppress(self, role: str = "") -> None:
        self.suppressed = True

    def kill(self, task_id: str, agent_id: str | None) -> None:
        task = self.tasks.get(task_id)
        if task is None or not self._knows(task):
            self.reconcile([(task_id, agent_id)])
        elif self.agents[task.agent_id].linked:
            task.killed = True
            if not task.arrived and task.alive:
                task.end("TASK_DROPPED", reason="REASON_RECONCILIATION")

    def acknowledge(self, status: TaskStatus) -> None:
        task = self.tasks.get(status.task_id)
        if task and task.updates and task.updates[0]["uuid"] == status.uuid:
            task.updates.popleft()
            task.forgotten = task.forgotten or status.state in TERMINAL

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        if not tasks:
            for task in self.tasks.values():
                if self._knows(task):
                    self._send_status(self._answer(task))
        for task_id, agent_id in tasks:
            known = self.tasks.get(task_id)
            if known and self._knows(known):
                self._send_status(self._answer(known))
            elif state := self._fate(agent_id):
                names = {"task_id": {"value": task_id}, "state": state}
                self._send_status({**names, "reason": "REASON_RECONCILIATION"})

    def _fate(self, agent_id: str | None) -> str | None:
        """Return the state that the master reports for an unknown task; None for no answer."""
        agent = self.agents.get(agent_id or "")
        seen = agent.seen if agent else "never"
        if seen == "unheard":
            return None if self.has_registry else "TASK_UNKNOWN"
        states = {"registered": "TASK_GONE", "unreachable": "TASK_UNREACHABLE"}
        return {**states, "gone": "TASK_GONE_BY_OPERATOR"}.get(seen, "TASK_UNKNOWN")

    def _knows(self, task: SmallTask) -> bool:
        return not task.forgotten and self.agents[task.agent_id].seen == "registered"

    def _answer(self, task: SmallTask, reason: str = "REASON_RECONCILIATION") -> Status:
        return task.status(task.state, healthy=task.healthy, reason=reason)

    def _send_status(self, status: Status) -> None:
        self._submit(events.TaskStatusReceived(task_status.read(status)))

    def _submit(self, event: events.Event) -> None:
        if self.subscriber is not None:
            self.stream.append(event)


class SmallLink:
    """framework.ports.Cluster: one framework's calls, which have fates.

    `look` sees what matters of them before that. A call without an answer ends the subscription:
    `lost` is set then.
    """

    def __init__(
        self, mesos: SmallMesos, mishaps: Mishaps, look: Callable[[str, Any], None]
    ) -> None:
        self._mesos = mesos
        self._mishaps = mishaps
        self._look = look
        self.suppressed = True
        self.lost = False

    def accept(
        self, offer_ids: Sequence[str], tasks: Sequence[Task], refuse_seconds: float
    ) -> None:
        self._look("launch", tasks)
        self._call("accept", lambda: self._mesos.launch(offer_ids, tasks, refuse_seconds))

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        self._call("decline", lambda: self._mesos.decline(offer_ids, refuse_seconds))

    def revive(self, role: str = "") -> None:
        self.suppressed = False
        self._call("revive", self._mesos.revive)

    def suppress(self, role: str = "") -> None:
        self.suppressed = True
        self._call("suppress", self._mesos.suppress)

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        self._look("kill", task_id)
        self._call("kill", lambda: self._mesos.kill(task_id, agent_id))

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        self._call("tell", lambda: None)

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        self._call("accept_inverse", lambda: None)

    def acknowledge(self, statuses: Sequence[TaskStatus]) -> None:
        for status in statuses:
            self._look("acknowledge", status)
            self._call("acknowledge", functools.partial(self._mesos.acknowledge, status))

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        self._call("reconcile", lambda: self._mesos.reconcile(tasks))

    def _call(self, name: str, act: Callable[[], None]) -> None:
        away, unknown = Unavailable("The Mesos master"), OutcomeUnknown(name, "no answer")
        if self._mesos.subscriber is not self:
            raise away
        try:
            self._mishaps.carry_out(act, refused=away, unknown=unknown)
        except FrameworkError:
            self._mesos.leave()
            self.lost = True
            raise
