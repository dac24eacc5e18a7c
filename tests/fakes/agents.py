"""framework.ports.Agents out of a list."""

from framework.ports.mesos_agents import AgentList, MesosAgent


class FakeAgents:
    """Returns the `known` agents; `error`, if set, is raised instead."""

    def __init__(self) -> None:
        self.known: list[MesosAgent] = []
        self.error: Exception | None = None

    def read(self) -> AgentList:
        if self.error is not None:
            raise self.error
        return AgentList(tuple(self.known), 1000.0)
