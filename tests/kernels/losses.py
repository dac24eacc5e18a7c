"""A reboot by systemd, and a power-off: what a visitor sees, and what comes back."""

import json

from tests.kernels.cluster import ALL, Cluster, Visits
from tests.kernels.guest import await_that, check
from tests.kernels.steps import Step

_BACK = 600.0
"""Seconds; not what is promised, which is told, but when waiting has no use any more."""


def steps(cluster: Cluster) -> list[Step]:
    """Return the steps, in order."""
    losses = Losses(cluster)
    found = [
        Step("reboot of an agent", "agent-2", losses.reboot_agent),
        Step("reboot of the master", "master", losses.reboot_master),
        Step("power-off of an agent", "agent-1", losses.cut_power),
        Step("return of that agent", "agent-1", losses.switch_on),
        Step("power-off by systemd", "all", losses.power_off),
    ]
    return [step._replace(uses=ALL, needs=("example",)) for step in found[:3]] + [
        found[3]._replace(uses=ALL, needs=("power-off of an agent",)),
        found[4]._replace(needs=("boot",)),
    ]


class Losses:
    """What happens to the machines. v1 runs on agent-2, main on agent-1 at first."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def reboot_agent(self) -> str:
        """Reboot agent-2: its preview is served again, all its units run."""
        self._cluster.start_on("v1", "agent-2")
        self._cluster.await_served("v1")
        with Visits(self._cluster, "v1") as visits:
            self._cluster.guest("agent-2").reboot()
            self._await_agent("agent-2")
            self._cluster.await_served("v1", _BACK)
        return f"{visits.summary()}; now on {self._where('v1')}"

    def reboot_master(self) -> str:
        """Reboot the master: previews run on meanwhile, and are served again by the same tasks."""
        self._cluster.start_on("main", "agent-1")
        before = {label: self._cluster.preview(label)["task_id"] for label in ("main", "v1")}
        with Visits(self._cluster, "main") as visits:
            self._cluster.master.reboot()
            for label in before:
                self._cluster.await_served(label, _BACK)
        after = {label: self._cluster.preview(label)["task_id"] for label in before}
        check(after == before, f"other tasks serve them: {before}, {after}")
        return f"the same tasks; {visits.summary()}"

    def cut_power(self) -> str:
        """End agent-1's kernel at once: its preview runs on the other agent."""
        self._cluster.start_on("main", "agent-1")
        self._cluster.await_served("main")
        with Visits(self._cluster, "main") as visits:
            self._cluster.guest("agent-1").cut_power()
            await_that(
                lambda: self._cluster.is_on("main", "agent-2"), "main runs on agent-2", _BACK
            )
            self._cluster.await_served("main", _BACK)
        return f"main runs on agent-2; {visits.summary()}"

    def switch_on(self) -> str:
        """Boot it again: no unit fails, Mesos counts on it, and a preview can run there."""
        guest = self._cluster.guest("agent-1")
        guest.await_up()
        self._await_agent("agent-1")
        self._cluster.start_on("main", "agent-1")
        self._cluster.await_served("main")
        containers = guest.run("docker ps --all --quiet").split()
        check(len(containers) == 1, f"{len(containers)} containers are there, for one preview")
        return "main runs there again; nothing is left of what ran before"

    def power_off(self) -> str:
        """Have systemd end them all."""
        for name in reversed(ALL):
            if self._cluster.guest(name).is_on:
                self._cluster.guest(name).power_off()
        return "all are off"

    def _await_agent(self, name: str) -> None:
        host = self._cluster.address(name)

        def is_active() -> bool:
            agents = json.loads(self._cluster.prevs("agents", "--json"))
            return any(agent["host"] == host and agent["active"] for agent in agents)

        await_that(is_active, f"{name} is an active agent", _BACK)

    def _where(self, label: str) -> str:
        host = self._cluster.preview(label)["agent"]["host"]
        return next(name for name in ALL if self._cluster.address(name) == host)
