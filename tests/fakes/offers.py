"""Offers of agents, as the Mesos edge hands them in."""

from collections.abc import Mapping, Sequence
from typing import Any

from framework.matching.limits import Limits
from framework.matching.quotas import Quotas
from framework.matching.resources import Offer
from framework.mesos.resources import read_resources, read_revocable
from framework.units.lifecycle import STARTING, WITH_TASK
from prevs.records import AppRecord, PreviewRecord


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
    attributes: Mapping[str, str] | None = None,
    away: float | None = None,
    role: str = "prevs",
    revocable: float = 0.0,
) -> Offer:
    of_role = {"allocation_info": {"role": role}}
    raw = [scalar("cpus", cpus, **of_role), scalar("mem", mem, **of_role)]
    offered = read_resources([*raw, ports(begin, end, **of_role)])
    taken_back = [scalar("cpus", revocable, **of_role, revocable={})] if revocable else []
    more = read_revocable(taken_back)
    return Offer(name, agent, host, offered, attributes or {}, away, role, more)


def quotas(
    previews: Sequence[PreviewRecord] = (), limits: Limits | None = None, **app: Any
) -> Quotas:
    """Return what is left for the app hello beside `previews`."""
    hello = AppRecord("hello", "/srv/hello", **{"max_previews": 1000, **app})
    return Quotas(
        {"hello": hello},
        with_task=[preview for preview in previews if preview.state in WITH_TASK],
        starting=[preview for preview in previews if preview.state in STARTING],
        limits=limits or Limits(starts_per_app=1000),
    )
