"""A Mesos task in the framework's terms: what is launched, and what is reported about it."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from framework.matching.resources import Resource
from prevs import names
from prevs.messages import BuildOrder, Isolation
from prevs.records import Failure
from prevs.work import Progress


class Executor(NamedTuple):
    """Where agents fetch the executor's bundle, its SHA-256, and the agents' Python that runs it.

    `is_unpacked` is as in framework.executor_bundle.Bundle.
    """

    url: str
    digest: str
    python: str
    is_unpacked: bool


class Task(NamedTuple):
    """An attempt to launch, with the offered resources that it and its executor take.

    `order` is for the executor alone: Mesos neither shows nor stores it. The agent `fetches` the
    executor, unless it has it unpacked already.
    """

    id: str
    agent_id: str
    framework_id: str
    order: BuildOrder
    resources: tuple[Resource, ...]
    executor_resources: tuple[Resource, ...]
    executor: Executor
    fetches: bool

    @property
    def executor_id(self) -> str:
        """The id of its executor, which may have run other jobs before."""
        return names.executor_id(self.id)


class StatusKind(enum.Enum):
    """What a report means for the task."""

    ALIVE = "alive"  # it exists; nothing else is known
    BUILDING = "building"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"  # it runs, but does not pass its health check
    KILLING = "killing"
    AWAY = "away"  # its agent does not answer; the task may still run
    UNKNOWN = "unknown"  # the master does not know it, perhaps because it is a new master
    ENDED = "ended"  # or it never began; a task that Mesos calls lost may still come back
    UNREADABLE = "unreadable"  # Mesos 1.11 has no such state


class TaskStatus(NamedTuple):
    """The status of a task. `failure` is set exactly if the task has ended (ENDED).

    `phase` is "" if the status is Mesos's own and not the executor's. `detail`, `began`, `digest`,
    `protocol`, `memory_kills`, `isolation`, `progress` and `result` are as in
    prevs.messages.TaskReport. `is_success` if a job's command has ended with exit code 0;
    `never_began` if Mesos itself has ended the task before its executor got it.
    `state` is Mesos's name of the state. `uuid` is "" for a status that needs no acknowledgement.
    """

    task_id: str
    agent_id: str | None
    kind: StatusKind
    phase: str = ""
    failure: Failure | None = None
    detail: str = ""
    began: Mapping[str, float] = MappingProxyType({})
    digest: str = ""
    protocol: str = ""
    memory_kills: int = 0
    isolation: Isolation | None = None
    progress: Progress | None = None
    is_success: bool = False
    never_began: bool = False
    result: str = ""
    state: str = ""
    uuid: str = ""
