"""Why a preview goes nowhere now, as a sentence for the person who waits. Pure."""

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

from framework import constraints
from framework.agents import Agent


class Lack(enum.Enum):
    """What a preview that goes nowhere is in want of."""

    ROOM = "an agent with room for it"
    APP_SLOT = "fewer previews of its app"
    SLOT = "fewer previews in all"
    APP_TURN = "others of its app that start now to be done"
    TURN = "others that start now on an agent to be done"


class Refusal(NamedTuple):
    """Why a preview goes nowhere now. `holds_out` asks to keep the offers a moment longer."""

    reason: str
    lack: Lack = Lack.ROOM
    holds_out: bool = False


def explain(cpus: float, mem: int, wanted: tuple[str, ...], agents: Sequence[Agent]) -> Refusal:
    """Return why none of `agents` will do for a share of `cpus` and `mem` MB."""
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
    roomy = [agent for agent in agents if agent.task_mem >= mem and agent.task_cpus >= cpus]
    if not roomy:
        return Refusal(_too_small(cpus, mem, agents))
    if any(agent.starts <= 0 for agent in roomy):
        return Refusal(
            "Every agent with room for it starts others now; it is next there.", Lack.TURN
        )
    return Refusal("No agent with enough CPUs and memory has a free port.")


def _too_small(cpus: float, mem: int, agents: Sequence[Agent]) -> str:
    most_mem = max(agent.task_mem for agent in agents)
    if most_mem < mem:
        return f"No agent has {mem} MB free; the most is {math.floor(most_mem)}."
    most_cpus = max(agent.task_cpus for agent in agents)
    if most_cpus < cpus:
        return f"No agent has {cpus:g} CPUs free; the most is {most_cpus:g}."
    return f"No agent has {cpus:g} CPUs and {mem} MB free at once."
