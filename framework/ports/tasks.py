"""A task of Mesos as the framework sees it: what is launched, and what is reported about it."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from framework.matching.resources import Resource
from prevs.messages import BuildOrder, Isolation
from prevs.records import Failure


class Executor(NamedTuple):
    """Where agents fetch the executor's bundle, its SHA-256, and the Python there that runs it.

    `is_unpacked` is as in framework.executor_bundle.Bundle.
    """

    url: str
    digest: str
    python: str
    is_unpacked: bool


class Task(NamedTuple):
    """An attempt to launch, with what it and its executor take of the offers.

    `order` is for the executor alone: Mesos neither shows nor stores it. The agent `fetches` the
    executor, or has it unpacked already.
    """

    id: str
    agent_id: str
    framework_id: str
    order: BuildOrder
    resources: tuple[Resource, ...]
    executor_resources: tuple[Resource, ...]
    executor: Executor
    fetches: bool


class StatusKind(enum.Enum):
    """What a report says about the task."""

    ALIVE = "alive"  # it is there; nothing else is said
    BUILDING = "building"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"  # it runs, and does not answer as it should
    KILLING = "killing"
    AWAY = "away"  # its agent does not answer; the task may run on
    UNKNOWN = "unknown"  # the master has not heard of it, perhaps because it is new itself
    ENDED = "ended"  # or never begun; a task that Mesos calls lost may come back all the same
    UNREADABLE = "unreadable"  # its state is none that Mesos 1.11 has


class TaskStatus(NamedTuple):
    """A status of a task. `failure` is set for tasks that have ended.

    `phase` is "" where the executor says nothing, as in Mesos's own answers; `detail` and `began`
    are as in prevs.messages.TaskReport, and so are `digest`, `protocol`, `memory_kills` and
    `isolation`. `state` is Mesos's name of the state. `uuid` is "" for a report that needs no
    acknowledgement.
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
    state: str = ""
    uuid: str = ""
