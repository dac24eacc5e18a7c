"""Why a preview cannot be placed now, as a sentence for the person who waits. Pure."""

import enum
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from framework.matching import constraints
from framework.matching.agents import EXECUTOR_MEM, Agent, Home

_NAMED = 3
"""For how many unfit agents a reason is given."""


class Shortage(enum.Enum):
    """What a preview lacks that cannot be placed."""

    ROOM = "an agent with room for it"
    APP_SLOT = "fewer previews of its app"
    SLOT = "fewer previews in all"
    APP_TURN = "others of its app that start now to be done"
    TURN = "others that start now on an agent to be done"
    AHEAD = "what visitors do not need"
    JOB_SLOT = "fewer jobs"
    JOB_ROOM = "less memory of agents used by jobs"
    HOME = "room on the agent that has its volumes"


class Refusal(NamedTuple):
    """Why a preview cannot be placed now. With `hold_offers`, keep the offers for a moment."""

    reason: str
    shortage: Shortage = Shortage.ROOM
    hold_offers: bool = False


VISITORS_WAIT = Refusal("It is built ahead once no visitor waits for room.", Shortage.AHEAD)
NO_ROOM_AHEAD = Refusal(
    "No agent has room for it and for one more like it: what is built ahead leaves room for "
    "visitors."
)
SHARE_USED = Refusal(
    "Jobs use as much of the agents' memory as they may (PREVS_JOBS_SHARE); it starts when one of "
    "them has ended.",
    Shortage.JOB_ROOM,
)


def is_share_used(agents: Iterable[Agent], cpus: float, mem: int) -> bool:
    """Return whether an agent has room for a job, and jobs may take no more of it."""
    return any(
        agent.task_mem >= mem > agent.job_mem - EXECUTOR_MEM and agent.task_cpus >= cpus
        for agent in agents
    )


class Survey(NamedTuple):
    """The agents that a preview may run on, whatever its size, and the most that one of them has.

    `unfit` are further agents that meet the constraints.
    """

    agents: Sequence[Agent]
    most_cpus: float
    most_mem: float
    unfit: Sequence[Agent] = ()


def survey(wanted: tuple[str, ...], agents: Sequence[Agent]) -> Survey | Refusal:
    """Return which of `agents` meet the `wanted` constraints, or why none does."""
    if not agents:
        return Refusal("No agent offers anything now.")
    for text in wanted:
        if problem := constraints.find_problem(text):
            return Refusal(problem)
    agents = [agent for agent in agents if constraints.hold(wanted, agent.attributes)]
    if not agents:
        return Refusal(f"No agent that offers anything has {', '.join(wanted)}.")
    agents = [agent for agent in agents if not agent.leaving]
    if not agents:
        return Refusal("Every agent that it may run on goes into maintenance within the hour.")
    unfit = [agent for agent in agents if agent.unfit]
    agents = [agent for agent in agents if not agent.unfit]
    if not agents:
        return Refusal(f"No agent is fit for it just now.{_describe(unfit)}")
    most_cpus = max(agent.task_cpus for agent in agents)
    most_mem = max(agent.task_mem for agent in agents)
    return Survey(agents, most_cpus, most_mem, unfit)


def _describe(unfit: Sequence[Agent]) -> str:
    return "".join(f" {agent.host} is unfit: {agent.unfit}" for agent in unfit[:_NAMED])


def explain(cpus: float, mem: int, ports: int, found: Survey) -> Refusal:
    """Return why none of the agents fits a share of `cpus`, `mem` MB and some ports."""
    refusal = _explain(cpus, mem, ports, found)
    roomy = [a for a in found.unfit if a.task_mem >= mem and a.task_cpus >= cpus]
    return refusal._replace(reason=f"{refusal.reason}{_describe(roomy)}")


def explain_home(home: Home, agent: Agent | None, cpus: float, mem: int) -> Refusal:
    """Return why a unit waits for its home, which has offered what `agent` has, None: nothing.

    What is short-lived there makes nothing else stop.
    """
    shortage = Shortage.HOME
    if agent is None:
        why = "it offers nothing now"
    elif agent.leaving:
        why = "it goes into maintenance within the hour"
    elif agent.unfit:
        why = f"it is unfit ({agent.unfit.rstrip('.')})"
    elif agent.task_mem < mem or agent.task_cpus < cpus:
        free = f"{math.floor(agent.task_mem)} MB and {agent.task_cpus:g} CPUs free"
        what = "job" if home.preview else "preview"
        why = f"it has {free}, and this {what} needs {mem} MB and {cpus:g} CPUs"
    elif agent.starts <= 0:
        shortage, why = Shortage.TURN, "it is starting others now"
    else:
        why = "it has too few free ports, or its room is kept for another one"
    if home.preview:
        text = (
            f"It waits for the agent {home.host}, which runs the preview of its commit, whose "
            f"companions it uses: {why}. Once that preview has stopped, it starts with its own."
        )
        return Refusal(text, shortage)
    has = f"the data of the branch {home.branch}" if home.branch else "its volumes"
    text = (
        f"It waits for the agent {home.host}, which has {has}: {why}. If it has waited for "
        "5 minutes, it starts elsewhere with empty volumes."
    )
    return Refusal(text, shortage)


def name_role(refusal: Refusal, role: str) -> Refusal:
    """Return a job's refusal with the role whose offers alone it may use."""
    why = f"Jobs get only what Mesos offers to the role {role}; an operator can raise its quota."
    return refusal._replace(reason=f"{refusal.reason} {why}")


def _explain(cpus: float, mem: int, ports: int, found: Survey) -> Refusal:
    if found.most_mem < mem:
        most = math.floor(found.most_mem)
        return Refusal(f"No agent has {mem} MB free; the most is {most}.")
    if found.most_cpus < cpus:
        return Refusal(f"No agent has {cpus:g} CPUs free; the most is {found.most_cpus:g}.")
    roomy = [a for a in found.agents if a.task_mem >= mem and a.task_cpus >= cpus]
    if not roomy:
        return Refusal(f"No agent has {cpus:g} CPUs and {mem} MB free at once.")
    if any(agent.starts <= 0 for agent in roomy):
        reason = "Every agent with room for it is starting others now; it is next there."
        return Refusal(reason, Shortage.TURN)
    if ports > 1:
        why = f"it needs {ports}, one for each of its services that visitors reach"
        return Refusal(f"No agent with enough CPUs and memory has so many free ports: {why}.")
    return Refusal("No agent with enough CPUs and memory has a free port.")
