"""Offers of agents, as the Mesos edge hands them in."""

from typing import Any

from framework.matching import Offer


def scalar(name: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "SCALAR",
        "scalar": {"value": value},
        "allocation_info": {"role": "prevs"},
        **more,
    }


def ports(begin: int, end: int, **more: Any) -> dict[str, Any]:
    return {
        "name": "ports",
        "type": "RANGES",
        "ranges": {"range": [{"begin": begin, "end": end}]},
        "allocation_info": {"role": "prevs"},
        **more,
    }


def offer(
    name: str = "o1",
    *,
    agent: str = "agent-1",
    host: str = "127.0.0.1",
    cpus: float = 4,
    mem: float = 4096,
    begin: int = 31000,
    end: int = 31010,
) -> Offer:
    return Offer(name, agent, host, (scalar("cpus", cpus), scalar("mem", mem), ports(begin, end)))
