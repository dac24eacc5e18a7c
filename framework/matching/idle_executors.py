"""Executors of jobs that wait for another job of their app. Values; no I/O."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Sharing(NamedTuple):
    """Which jobs may follow each other in one executor: jobs of the app that was `created` then.

    Those of strangers' commits are apart: neither may they find what others leave in a process, nor
    leave something to others.
    """

    app: str
    created: float
    stranger: bool


class IdleExecutor(NamedTuple):
    """An executor on an agent that waits. It keeps its own resources meanwhile."""

    id: str
    agent_id: str
    sharing: Sharing


def by_agent(idle: Iterable[IdleExecutor]) -> Mapping[str, Mapping[Sharing | None, list[str]]]:
    """Return the ids of executors by agent and by who may have them, in their order."""
    found: dict[str, dict[Sharing | None, list[str]]] = {}
    for one in idle:
        found.setdefault(one.agent_id, {}).setdefault(one.sharing, []).append(one.id)
    return found
