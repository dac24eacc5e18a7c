"""The state of ZooKeeper, Mesos and Docker at one moment, and its invariants. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prevs.records import Placement, PreviewRecord
from prevs.states import State

Key = tuple[str, str]
"""A preview: (app, sha)."""

WITH_TASK = frozenset({State.PLACED, State.BUILDING, State.STARTING, State.RUNNING, State.DRAINING})
_LIVE = frozenset({"TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"})


class Framework(NamedTuple):
    """A framework as the master knows it; `tasks` are states by task id, ended ones left out."""

    id: str
    connected: bool
    tasks: Mapping[str, str]


class Picture(NamedTuple):
    """The moment. `containers` are the tasks that have one; `removed` are removed framework ids."""

    framework_id: str | None
    previews: Mapping[Key, PreviewRecord]
    placements: Mapping[Key, Placement]
    frameworks: tuple[Framework, ...]
    removed: tuple[str, ...]
    containers: tuple[str, ...]
    teardowns: int

    @property
    def tasks(self) -> dict[str, str]:
        """All tasks that have not ended, of whatever framework."""
        return {task: state for f in self.frameworks for task, state in f.tasks.items()}


def violations(now: Picture) -> list[str]:
    """Return every invariant that does not hold: one sentence each.

    A moment between two steps of one change looks the same as a mistake; only what stays is one.
    """
    return [*_framework(now), *_routes(now), *_records(now), *_tasks(now), *_containers(now)]


def _framework(now: Picture) -> Iterator[str]:
    if now.teardowns:
        yield f"the framework was torn down {now.teardowns} times"
    if now.removed:
        yield f"the master has removed {', '.join(now.removed)}"
    if [f.id for f in now.frameworks if f.connected] != [now.framework_id]:
        yield f"{now.framework_id} is not the one connected framework: {now.frameworks}"


def _routes(now: Picture) -> Iterator[str]:
    for key, placement in now.placements.items():
        record = now.previews.get(key)
        if record is None or (record.state, record.task_id) != (State.RUNNING, placement.task_id):
            yield f"visitors are sent to {placement.task_id}, but the record is {_summary(record)}"
        if placement.task_id not in now.containers:
            yield f"visitors are sent to {placement.task_id}, which has no container"
    places = [(p.host, p.port) for p in now.placements.values()]
    for place in {p for p in places if places.count(p) > 1}:
        yield f"two previews are placed at {place}"


def _records(now: Picture) -> Iterator[str]:
    for key, record in now.previews.items():
        if record.state in WITH_TASK and now.tasks.get(record.task_id or "") not in _LIVE:
            state = now.tasks.get(record.task_id or "", "none")
            yield f"the record is {_summary(record)}, Mesos has the task as {state}"
        if record.state is State.RUNNING and key not in now.placements:
            yield f"{record.task_id} runs and has no placement"


def _tasks(now: Picture) -> Iterator[str]:
    wanted = {r.task_id for r in now.previews.values() if r.state in WITH_TASK}
    for task, state in now.tasks.items():
        # One on an agent that is away can be ended only when that returns.
        if task not in wanted and state != "TASK_UNREACHABLE":
            yield f"Mesos has {task} as {state}, which no record wants"


def _containers(now: Picture) -> Iterator[str]:
    for task in now.containers:
        if task not in now.tasks:
            yield f"{task} has a container and no live task"


def _summary(record: PreviewRecord | None) -> str:
    return "gone" if record is None else f"{record.state.value} with {record.task_id}"
