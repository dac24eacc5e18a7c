"""One agent and its free resources. No I/O."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from framework.matching import resources
from framework.matching.idle_executors import Sharing
from framework.matching.resources import DIGITS, Resource
from prevs.units import Unit

EXECUTOR_CPUS = 0.01
EXECUTOR_MEM = 64
"""What an executor itself takes. Below 0.01 CPUs and 32 MB, Mesos logs a warning and ignores it.

An executor uses 36 MB. If agents isolate memory, git and Docker's client are in the same control
group while it fetches and builds, and a small preview leaves them little memory of its own.
"""
_MANY_PORTS = 100


class Unfit(NamedTuple):
    """Why an agent is unfit, since when, and until when nothing is tried there (epoch seconds).

    `builds` if it was a build that failed. `times` is the number of faults in a row.
    """

    reason: str
    since: float
    until: float
    builds: bool
    times: int = 1


class Home(NamedTuple):
    """The only agent to which a unit goes, and its address.

    It has the volumes of a preview, which are the data of a `branch`, "" if they are its own. Or it
    runs the `preview` that a job is to be beside, as `task_id`.
    """

    agent_id: str
    host: str
    preview: Unit | None = None
    task_id: str = ""
    branch: str = ""


class Space(NamedTuple):
    """What is free on an agent: a share of CPU, MB of memory, a number of ports.

    `attributes` is None if the agent has offered nothing since this framework leads. `starts` more
    previews may begin there now; none may if the agent is `leaving`. `job_mem` are the MB that jobs
    may still take of its memory, whoever has it.
    """

    agent_id: str
    cpus: float = 0.0
    mem: float = 0.0
    ports: int = 0
    attributes: Mapping[str, str] | None = None
    starts: int = 1
    leaving: bool = False
    job_mem: float = math.inf


class Agent:
    """Everything that one agent offers, in one offer or several; launches take from it.

    `taken` are the ports in use at its host, shared with other agents of that host. `unfit` is
    the reason why nothing may be tried there now, "" if it may. `job_mem` are the MB of memory that
    jobs may still take. `revocable` are CPUs that Mesos may take back; nothing else counts them.
    `idle` are executors that wait for a job.
    """

    __slots__ = (
        "attributes",
        "cpus",
        "host",
        "id",
        "idle",
        "job_mem",
        "leaving",
        "mem",
        "resources",
        "revocable",
        "revocable_cpus",
        "starts",
        "taken",
        "unfit",
    )

    def __init__(self, agent_id: str, host: str, attributes: Mapping[str, str]) -> None:
        self.id = agent_id
        self.host = host
        self.attributes = attributes
        self.leaving = False
        self.unfit = ""
        self.resources: list[Resource] = []
        self.cpus = 0.0
        self.mem = 0.0
        self.taken: set[int] = set()
        self.starts = 0
        self.job_mem = math.inf
        self.revocable: list[Resource] = []
        self.revocable_cpus = 0.0
        self.idle: Mapping[Sharing | None, list[str]] = {}

    def add(self, offered: Sequence[Resource], revocable: Sequence[Resource] = ()) -> None:
        """Add the resources of one more offer."""
        if revocable:
            self.revocable += revocable
            self.revocable_cpus = resources.total(self.revocable, "cpus")
        self.resources += offered
        cpus, mem = resources.totals(offered)
        self.cpus = round(self.cpus + cpus, DIGITS)
        self.mem = round(self.mem + mem, DIGITS)

    @property
    def task_cpus(self) -> float:
        """The share of CPU that is left for a task besides its executor."""
        return round(max(0.0, self.cpus - EXECUTOR_CPUS), DIGITS)

    @property
    def task_mem(self) -> float:
        """The MB of memory that are left for a task besides its executor."""
        return max(0.0, self.mem - EXECUTOR_MEM)

    @property
    def is_open(self) -> bool:
        """Whether anything may start there now."""
        return self.starts > 0 and not self.leaving and not self.unfit

    def fits_revocable(self, cpus: float, mem: int) -> bool:
        """Return whether a job fits that takes revocable CPUs, also for its executor."""
        return self.task_mem >= mem and self.revocable_cpus >= round(cpus + EXECUTOR_CPUS, DIGITS)

    def fits_idle(self, sharing: Sharing, cpus: float, mem: int) -> bool:
        """Return whether a job fits into an idle executor, which has its own resources already."""
        return bool(self.idle.get(sharing)) and self.cpus >= cpus and self.mem >= mem

    def take_idle(self, sharing: Sharing | None) -> str:
        """Take the executor that became idle last; return its id, "" if there is none."""
        idle = self.idle.get(sharing)
        return idle.pop() if idle else ""

    def find_ports(self, number: int) -> tuple[int, ...] | None:
        """Return the lowest offered ports that nothing uses; None if there are fewer."""
        if not number:
            return ()
        spans = sorted(resources.free_ports(self.resources), key=lambda span: span.start)
        free = (port for span in spans for port in span if port not in self.taken)
        found = tuple(itertools.islice(free, number))
        return found if len(found) == number else None

    def space(self, starts: int) -> Space:
        """Return what is free, given that `starts` more previews may begin here."""
        spans = resources.free_ports(self.resources)
        ports = sum(map(len, spans)) - len(self.taken)
        if ports < _MANY_PORTS:
            # Most ports in use are not offered, so the difference above may be too low: count.
            ports = sum(port not in self.taken for span in spans for port in span)
        return Space(self.id, self.cpus, self.mem, ports, self.attributes, starts, self.leaving)

    def take(
        self,
        cpus: float,
        mem: int,
        ports: Sequence[int],
        *,
        revocable: bool,
        executor: bool,
    ) -> tuple[list[Resource], list[Resource]]:
        """Take a task's resources and one start; return (the task's, its executor's) resources.

        All CPUs are `revocable`, or none: Mesos refuses a task that mixes them. Without `executor`
        nothing is taken for one.
        """
        executor_cpus, executor_mem = (EXECUTOR_CPUS, EXECUTOR_MEM) if executor else (0.0, 0)
        task_cpus, left = resources.take(
            self.revocable if revocable else self.resources, "cpus", cpus
        )
        own_cpus, left = resources.take(left, "cpus", executor_cpus)
        if revocable:
            self.revocable, left = left, self.resources
            self.revocable_cpus = resources.total(self.revocable, "cpus")
        else:
            self.cpus = round(self.cpus - cpus - executor_cpus, DIGITS)
        task_mem, left = resources.take(left, "mem", mem)
        task_ports: list[Resource] = []
        for port in ports:
            taken, left = resources.take_port(left, port)
            task_ports += taken
        own_mem, left = resources.take(left, "mem", executor_mem)
        self.resources = left
        self.mem = round(self.mem - mem - executor_mem, DIGITS)
        self.taken.update(ports)
        self.starts -= 1
        return [*task_cpus, *task_mem, *task_ports], [*own_cpus, *own_mem]
